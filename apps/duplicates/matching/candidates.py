"""Which pairs are compared: those that share a key, the most telling keys first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from apps.duplicates.matching.bulk_keys import BulkKeys, Keys, Positions
from apps.duplicates.matching.encoding import EncodedTable, Numbers
from apps.duplicates.matching.keys import MOST_RECORDS_EACH_WITH_EACH, RULES

# So many pairs are worth their time: for each record, and at least.
PAIRS_PER_RECORD = 12
LEAST_PAIRS = 500_000
_SIZES = (2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 90, 128, 181, 256, 362, 512)


@dataclass(frozen=True, slots=True)
class DroppedKeys:
    """Keys of one rule that more than ``most_records`` records share, so that they were not used."""

    rule: str
    keys: int
    records: int


@dataclass(frozen=True)
class Candidates:
    """Pairs to be compared, by the positions of their records, ``left`` before ``right``; each pair once."""

    left: Numbers
    right: Numbers
    most_records: int
    dropped: tuple[DroppedKeys, ...] = ()


@dataclass(frozen=True)
class _Groups:
    """The records of one rule by key: those of a group stand side by side in ``positions``."""

    rule: str
    positions: Positions
    starts: Numbers
    sizes: Numbers


def each_with_each(size: int) -> Candidates:
    """All pairs of so many records."""
    left, right = np.triu_indices(size, k=1)
    return Candidates(left.astype(np.int64), right.astype(np.int64), size)


def find_candidates(
    table: EncodedTable, told: Callable[[str], None], most_records: int | None = None
) -> Candidates:
    """The pairs that share a key, all of them in a small table.

    A key that very many records share tells little and would cost most. How many is too many follows, where
    ``most_records`` does not say it, from how many pairs a table of this size is worth; rules that join two
    things refine what is dropped in one.
    """
    if table.size <= MOST_RECORDS_EACH_WITH_EACH:
        return each_with_each(table.size)
    keys = BulkKeys(table)
    groups = []
    for number, rule in enumerate(RULES):
        told(f"keys: {rule.name}")
        groups.append(_grouped(rule.name, *keys.of_rule(number)))
    budget = max(PAIRS_PER_RECORD * table.size, LEAST_PAIRS)
    limit = _limit(groups, budget) if most_records is None else most_records
    told("pairs")
    found = [pair for group in groups for pair in _pairs(group, limit, table.size)]
    pairs = _each_once(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    left, right = pairs // table.size, pairs % table.size
    return Candidates(left, right, limit, tuple(_dropped(groups, limit)))


def _grouped(rule: str, keys: Keys, positions: Positions) -> _Groups:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(keys) else order
    sizes = np.diff(np.r_[starts, len(keys)])
    is_pair = sizes >= 2
    return _Groups(rule, positions[order], starts[is_pair], sizes[is_pair])


def _limit(groups: list[_Groups], budget: int) -> int:
    """The largest size of a group at which all groups together are within the budget."""
    sizes = np.concatenate([group.sizes for group in groups]) if groups else np.zeros(0, np.int64)
    pairs = sizes * (sizes - 1) // 2
    fitting = [size for size in _SIZES if int(pairs[sizes <= size].sum()) <= budget]
    return fitting[-1] if fitting else _SIZES[0]


def _pairs(group: _Groups, limit: int, record_count: int) -> Iterator[Numbers]:
    """The pairs of all groups up to a size, size by size; each as one number."""
    order = np.argsort(group.sizes, kind="stable")
    sizes = group.sizes[order]
    for size in np.unique(sizes[: np.searchsorted(sizes, limit, side="right")]).tolist():
        of_size = order[slice(*np.searchsorted(sizes, [size, size + 1]))]
        members = group.positions[group.starts[of_size][:, None] + np.arange(size)]
        members = members.astype(np.int64)
        first, second = np.triu_indices(size, k=1)
        one, other = members[:, first].ravel(), members[:, second].ravel()
        pairs = np.minimum(one, other) * record_count + np.maximum(one, other)
        # A record whose given name is its surname has the same key twice.
        yield pairs[one != other]


def _each_once(pairs: Numbers) -> Numbers:
    pairs.sort()
    return pairs[np.r_[True, pairs[1:] != pairs[:-1]]] if len(pairs) else pairs


def _dropped(groups: list[_Groups], limit: int) -> Iterator[DroppedKeys]:
    for group in groups:
        too_many = group.sizes[group.sizes > limit]
        if len(too_many):
            yield DroppedKeys(group.rule, len(too_many), int(too_many.sum()))
