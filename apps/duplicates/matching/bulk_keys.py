"""The keys of all records of a table, rule by rule: the same that ``keys.keys_of`` gives one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from apps.duplicates.matching.encoding import NO_CODE, EncodedTable
from apps.duplicates.matching.fields import Field
from apps.duplicates.matching.hashing import FIRST_FACTOR, SECOND_FACTOR, STEP, hash_of
from apps.duplicates.matching.keys import RULES, Ingredient, salt_of

Hashes = NDArray[np.uint64]
Keys = NDArray[np.int64]
Positions = NDArray[np.int32]

# The hash of what a record does not say.
_NOTHING = np.uint64(0)


class BulkKeys:
    """Makes a table's keys; what several rules take is hashed once."""

    def __init__(self, table: EncodedTable) -> None:
        self._table = table
        self._hashed: dict[tuple[Field, int], Hashes] = {}

    def of_rule(self, number: int) -> tuple[Keys, Positions]:
        """The keys of one rule, and the records that have them; a record may have several."""
        found = list(self._by_choice(number))
        if not found:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        return np.concatenate([keys for keys, _ in found]), np.concatenate([at for _, at in found])

    def _by_choice(self, number: int) -> Iterator[tuple[Keys, Positions]]:
        """The keys of one rule, for each choice among the fields that its ingredients take."""
        rule = RULES[number]
        for fields in product(*(ingredient.fields for ingredient in rule.ingredients)):
            if any(field not in self._table.codes for field in fields):
                continue
            hashes = [
                self._hashes(field, ingredient)
                for field, ingredient in zip(fields, rule.ingredients, strict=True)
            ]
            has_key = np.logical_and.reduce([hashed != _NOTHING for hashed in hashes])
            positions = np.flatnonzero(has_key).astype(np.int32)
            chosen = [hashed[positions] for hashed in hashes]
            if rule.is_unordered:
                chosen = list(np.sort(np.stack(chosen), axis=0))
            keys = np.full(len(positions), salt_of(number), dtype=np.uint64)
            for hashed in chosen:
                keys = _mixed(keys, hashed)
            yield keys.view(np.int64), positions

    def _hashes(self, field: Field, ingredient: Ingredient) -> Hashes:
        """By record, the hash of what the rule takes of a field."""
        key = (field, id(ingredient.view))
        if key not in self._hashed:
            texts: Iterable[str] = self._table.values[field].texts
            if ingredient.view is not None:
                texts = map(ingredient.view, texts)
            hashes = [hash_of(text) if text else 0 for text in texts]
            # The last is for records that say nothing.
            self._hashed[key] = np.array([*hashes, 0], dtype=np.uint64)
        codes = self._table.codes[field]
        assert NO_CODE == -1  # noqa: S101 - it takes the last
        return self._hashed[key][codes]


def _mixed(first: Hashes, second: Hashes) -> Hashes:
    with np.errstate(over="ignore"):
        number = first * np.uint64(STEP) + second
        number = (number ^ (number >> np.uint64(30))) * np.uint64(FIRST_FACTOR)
        number = (number ^ (number >> np.uint64(27))) * np.uint64(SECOND_FACTOR)
    return number ^ (number >> np.uint64(31))


def keys_of_all(table: EncodedTable) -> list[list[int]]:
    """The keys of each record, as ``keys.keys_of`` gives them: rising, each once."""
    keys = BulkKeys(table)
    by_rule = [keys.of_rule(number) for number in range(len(RULES))]
    every = np.concatenate([found for found, _ in by_rule])
    positions = np.concatenate([at for _, at in by_rule])
    order = np.lexsort((every, positions))
    every, positions = every[order], positions[order]
    is_new = np.ones(len(every), dtype=np.bool_)
    is_new[1:] = (every[1:] != every[:-1]) | (positions[1:] != positions[:-1])
    every, positions = every[is_new], positions[is_new]
    ends = np.searchsorted(positions, np.arange(table.size), side="right")
    flat = every.tolist()
    return [
        flat[begin:end] for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
    ]
