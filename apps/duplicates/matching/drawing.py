"""Pairs drawn to see what records that are not the same have in common."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from apps.duplicates.matching.bulk_comparing import BulkComparing
from apps.duplicates.matching.documents import levels_of_ladder
from apps.duplicates.matching.encoding import NO_CODE, EncodedTable, Numbers
from apps.duplicates.matching.estimating import Drawn, Floats, Patterns, patterns_of
from apps.duplicates.matching.fields import Field
from apps.duplicates.matching.ladders import LADDERS

# So many pairs are drawn at random, and so many among those that agree in what explains another field.
RANDOM_PAIRS = 1_000_000
AGREEING_PAIRS = 100_000


def draw(table: EncodedTable, comparing: BulkComparing, by_chance: Mapping[Field, float]) -> Drawn:
    """Draw pairs, always the same ones of a table, and compare them.

    ``by_chance`` has, by field, how often two others hold the same value, where that is known.
    """
    random = np.random.default_rng(0)
    wanted = {by for field in comparing.fields for by in LADDERS[field].explained_by}
    explained: dict[tuple[Field, ...], Patterns] = {}
    for by in sorted(wanted):
        left, right = _agreeing_pairs(
            table, [field for field in by if field in comparing.fields], random
        )
        if len(left):
            explained[by] = patterns_of(comparing.levels(left, right), len(left))
    return Drawn(_at_random(table, comparing, random, by_chance), explained, frozenset(by_chance))


def _at_random(
    table: EncodedTable,
    comparing: BulkComparing,
    random: np.random.Generator,
    by_chance: Mapping[Field, float],
) -> dict[Field, Floats]:
    """By field, how many of the pairs drawn at random reach each level."""
    left, right = _random_pairs(table.size, random)
    tallies = {}
    for field, found in comparing.levels(left, right).items():
        size = len(levels_of_ladder(field))
        tally = np.bincount(found[found >= 0], minlength=size).astype(np.float64)
        # How often two hold the same value is known without drawing.
        counts = comparing.counts(field).astype(np.float64)
        holders = counts.sum()
        if holders > 1:
            same = by_chance.get(field, (counts * (counts - 1)).sum() / (holders * (holders - 1)))
            tally[0] = same * tally.sum()
        tallies[field] = tally
    return tallies


def _random_pairs(size: int, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    if size * (size - 1) // 2 <= RANDOM_PAIRS:
        left, right = np.triu_indices(size, k=1)
        return left.astype(np.int64), right.astype(np.int64)
    left = random.integers(size, size=RANDOM_PAIRS)
    # Any but itself.
    right = (left + random.integers(1, size, size=RANDOM_PAIRS)) % size
    return left, right


def _agreeing_pairs(
    table: EncodedTable, fields: list[Field], random: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """Pairs drawn among those that hold the same values in all of these fields."""
    nothing = np.zeros(0, dtype=np.int64)
    if not fields:
        return nothing, nothing
    key = np.zeros(table.size, dtype=np.int64)
    is_known = np.ones(table.size, dtype=np.bool_)
    for field in fields:
        codes = table.codes[field]
        is_known &= codes != NO_CODE
        key = key * len(table.values[field].texts) + codes
    positions = np.flatnonzero(is_known)
    positions = positions[np.argsort(key[positions], kind="stable")]
    ordered = key[positions]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else nothing
    sizes = np.diff(np.r_[starts, len(ordered)])
    starts, sizes = starts[sizes > 1], sizes[sizes > 1]
    if not len(sizes):
        return nothing, nothing
    pairs = np.cumsum(sizes * (sizes - 1) // 2)
    count = min(AGREEING_PAIRS, int(pairs[-1]) * 2)
    chosen = np.searchsorted(pairs, random.integers(pairs[-1], size=count), side="right")
    first = random.integers(sizes[chosen])
    second = (first + random.integers(1, sizes[chosen])) % sizes[chosen]
    return positions[starts[chosen] + first], positions[starts[chosen] + second]
