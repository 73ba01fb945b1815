"""Pairs compared by the million: the same levels that ``comparing`` finds one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from apps.duplicates.matching.abjads import are_same_across
from apps.duplicates.matching.comparing import UNKNOWN, swapped_level
from apps.duplicates.matching.encoding import NO_CODE, Codes, EncodedTable, Numbers, Values
from apps.duplicates.matching.fields import NAMES, Field
from apps.duplicates.matching.ladders import LADDERS, Check, Measure, Test, View
from apps.duplicates.matching.names import as_one_word

Levels = NDArray[np.int8]
Mask = NDArray[np.bool_]

# The machine may have more, but others work beside us.
WORKERS = 2


class BulkComparing:
    """Compares pairs of a table's records in these fields. ``shared`` values count as not known."""

    def __init__(
        self,
        table: EncodedTable,
        shared: Mapping[Field, frozenset[str]],
        fields: Sequence[Field],
    ) -> None:
        self._table = table
        self._codes = {
            field: _without(table.codes[field], table.values[field], shared.get(field, frozenset()))
            for field in fields
        }
        self._views: dict[tuple[Field, int], Codes] = {}

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that any record has."""
        return tuple(self._codes)

    def levels(self, left: Numbers, right: Numbers) -> dict[Field, Levels]:
        """By field, the level that each pair of records reaches."""
        found = {field: self._levels_of(field, left, right) for field in self._codes}
        self._mark_swapped(found, left, right)
        return found

    def counts(self, field: Field) -> Numbers:
        """How many records hold each value, those that say nothing left out."""
        codes = self._codes[field]
        return np.bincount(codes[codes != NO_CODE])

    def codes_where_same(self, field: Field, left: Numbers, levels: Levels) -> Codes:
        """The number of the value that both records of a pair hold; ``NO_CODE`` where they do not."""
        return np.where(levels == 0, self._codes[field][left], NO_CODE).astype(np.int32)

    def _levels_of(self, field: Field, left: Numbers, right: Numbers) -> Levels:
        first, other = self._codes[field][left], self._codes[field][right]
        levels = np.full(len(left), UNKNOWN, dtype=np.int8)
        is_known = (first != NO_CODE) & (other != NO_CODE)
        is_same = is_known & (first == other)
        levels[is_same] = 0
        differing = np.flatnonzero(is_known & ~is_same)
        if not len(differing):
            return levels
        first, other = first[differing], other[differing]
        # Values are in alphabetical order, so their numbers are, too.
        lower, upper = np.minimum(first, other), np.maximum(first, other)
        size = len(self._table.values[field].texts)
        unique, inverse = np.unique(lower.astype(np.int64) * size + upper, return_inverse=True)
        levels[differing] = self._climb(field, unique // size, unique % size)[inverse]
        return levels

    def _climb(self, field: Field, lower: Numbers, upper: Numbers) -> Levels:
        """The levels of pairs of different values, each pair once."""
        ladder = LADDERS[field].levels
        levels = np.full(len(lower), len(ladder) - 1, dtype=np.int8)
        left_over = np.arange(len(lower))
        for number, level in enumerate(ladder[1:-1], start=1):
            for test in level.tests:
                holds = self._holds(field, test, lower[left_over], upper[left_over])
                levels[left_over[holds]] = number
                left_over = left_over[~holds]
        return levels

    def _holds(self, field: Field, test: Test, lower: Numbers, upper: Numbers) -> Mask:
        holds = self._is_measured(field, test, lower, upper)
        if test.check is not None:
            at = np.flatnonzero(holds)
            holds[at] = self._checked(field, test.check, lower[at], upper[at])
        return holds

    def _checked(
        self, field: Field, check: Check, lower: Numbers | Codes, upper: Numbers | Codes
    ) -> Mask:
        texts = self._table.values[field].as_array
        left, right = texts[lower].tolist(), texts[upper].tolist()
        return np.fromiter(map(check, left, right), dtype=np.bool_, count=len(left))

    def _is_measured(self, field: Field, test: Test, lower: Numbers, upper: Numbers) -> Mask:
        """Whether a test holds, its check left out."""
        values = self._table.values[field]
        if test.measure == Measure.CHECK:
            return np.ones(len(lower), dtype=np.bool_)
        if test.measure == Measure.SAME:
            assert test.view is not None  # noqa: S101 - without one, values that differ are not the same
            seen = self._seen(field, test.view)
            return np.asarray((seen[lower] != NO_CODE) & (seen[lower] == seen[upper]))
        if test.measure == Measure.EDITS:
            return _within_edits(values, test, lower, upper)
        similarity = cpdist(
            values.as_array[lower].tolist(),
            values.as_array[upper].tolist(),
            scorer=JaroWinkler.similarity,
            score_cutoff=test.limit,
            dtype=np.float64,
            workers=WORKERS,
        )
        return np.asarray(similarity >= test.limit)

    def _seen(self, field: Field, view: View) -> Codes:
        key = (field, id(view))
        if key not in self._views:
            self._views[key] = self._table.values[field].seen(view)
        return self._views[key]

    def _are_same_across(self, first: Codes, other: Codes) -> Mask:
        """By pair of different names, whether they are the same in two scripts."""
        values = self._table.values[Field.GIVEN_NAME]
        is_same = values.is_latin[first] != values.is_latin[other]
        at = np.flatnonzero(is_same)
        is_same[at] = self._checked(Field.GIVEN_NAME, are_same_across, first[at], other[at])
        return np.asarray(is_same)

    def _mark_swapped(self, found: dict[Field, Levels], left: Numbers, right: Numbers) -> None:
        if Field.GIVEN_NAME not in found or Field.SURNAME not in found:
            return
        given, surname = self._codes[Field.GIVEN_NAME], self._codes[Field.SURNAME]
        words = self._seen(Field.GIVEN_NAME, as_one_word)
        is_swapped = _may_be_swapped(found)
        is_any_known = np.zeros(len(left), dtype=np.bool_)
        for first, other in ((given[left], surname[right]), (surname[left], given[right])):
            is_known = (first != NO_CODE) & (other != NO_CODE)
            is_any_known |= is_known
            at = np.flatnonzero(is_swapped & is_known)
            at = at[words[first[at]] != words[other[at]]]
            is_swapped[at] = self._are_same_across(first[at], other[at])
        is_swapped &= is_any_known
        found[Field.GIVEN_NAME][is_swapped] = swapped_level()
        found[Field.SURNAME][is_swapped] = UNKNOWN


def explanations(field: Field, levels: Mapping[Field, Levels]) -> Levels:
    """By pair, what ``comparing.explanation_of`` says."""
    found = np.zeros(len(levels[field]), dtype=np.int8)
    explained_by = LADDERS[field].explained_by
    for number, fields in reversed(list(enumerate(explained_by, start=1))):
        if all(other in levels for other in fields):
            agreeing = [_agrees(other, levels) for other in fields]
            found[np.logical_and.reduce(agreeing)] = number
    return found


def _agrees(field: Field, levels: Mapping[Field, Levels]) -> Mask:
    """By pair, what ``comparing.agrees`` says."""
    agrees = (levels[field] >= 0) & (levels[field] < LADDERS[field].agreeing)
    if field in NAMES and Field.GIVEN_NAME in levels:
        agrees |= levels[Field.GIVEN_NAME] == swapped_level()
    return np.asarray(agrees)


def _may_be_swapped(found: Mapping[Field, Levels]) -> Mask:
    """By pair, what ``comparing`` says."""
    are_apart = [found[field] >= LADDERS[field].agreeing for field in NAMES]
    say_nothing = [
        (found[field] == UNKNOWN) | (found[field] == len(LADDERS[field].levels) - 1)
        for field in NAMES
    ]
    return np.asarray(np.logical_and.reduce(are_apart) | np.logical_and.reduce(say_nothing))


def _within_edits(values: Values, test: Test, lower: Numbers, upper: Numbers) -> Mask:
    """Whether so few edits suffice; only values of nearly the same length are looked at."""
    first, other = values.lengths[lower], values.lengths[upper]
    at = np.flatnonzero(
        (np.minimum(first, other) >= test.least_length) & (np.abs(first - other) <= test.limit)
    )
    limit = int(test.limit)
    edits = cpdist(
        values.as_array[lower[at]].tolist(),
        values.as_array[upper[at]].tolist(),
        scorer=OSA.distance,
        score_cutoff=limit,
        dtype=np.int32,
        workers=WORKERS,
    )
    holds = np.zeros(len(lower), dtype=np.bool_)
    holds[at] = edits <= limit
    return holds


def _without(codes: Codes, values: Values, shared: frozenset[str]) -> Codes:
    if not shared:
        return codes
    is_shared = np.array([text in shared for text in values.texts] + [False])
    return np.where(is_shared[codes], NO_CODE, codes).astype(np.int32)
