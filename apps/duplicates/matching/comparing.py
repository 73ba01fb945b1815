"""Two values compared: which level of a field's ladder they reach."""

from __future__ import annotations

from collections.abc import Mapping

from apps.duplicates.matching.abjads import are_same_across
from apps.duplicates.matching.fields import NAMES, Comparable, Field
from apps.duplicates.matching.ladders import LADDERS, Measure, Test
from apps.duplicates.matching.names import as_one_word

# The level of a field of which one of the two records says nothing.
UNKNOWN = -1


def levels_of(left: Comparable, right: Comparable) -> dict[Field, int]:
    """The level that each field reaches, 0 the highest; ``UNKNOWN`` where nothing can be said."""
    found = {field: level_of(field, left.get(field, ""), right.get(field, "")) for field in LADDERS}
    if are_swapped(left, right, found):
        found[Field.GIVEN_NAME] = swapped_level()
        found[Field.SURNAME] = UNKNOWN
    return found


def level_of(field: Field, left: str, right: str) -> int:
    """The level that two values reach, 0 the highest."""
    if not left or not right:
        return UNKNOWN
    if left > right:
        left, right = right, left
    levels = LADDERS[field].levels
    for number, level in enumerate(levels[:-1]):
        if any(holds(test, left, right) for test in level.tests):
            return number
    return len(levels) - 1


def swapped_level() -> int:
    """The number of the level "exchanged with the surname", after all others of the given name."""
    return len(LADDERS[Field.GIVEN_NAME].levels)


def are_swapped(left: Comparable, right: Comparable, found: dict[Field, int]) -> bool:
    """Whether one record's given name is the other's surname, and nothing speaks for the plain order.

    Where both names of both records are known, both must be exchanged; the two may be similar, as "Weifang"
    and "Wang" are.
    """
    if not _may_be_swapped(found):
        return False
    crosses = (
        (left.get(Field.GIVEN_NAME, ""), right.get(Field.SURNAME, "")),
        (left.get(Field.SURNAME, ""), right.get(Field.GIVEN_NAME, "")),
    )
    known = [(name, other) for name, other in crosses if name and other]
    return bool(known) and all(
        as_one_word(name) == as_one_word(other) or are_same_across(name, other)
        for name, other in known
    )


def explanation_of(field: Field, levels: Mapping[Field, int]) -> int:
    """The first of the field's ``explained_by`` that agrees, counted from 1; 0 where none does."""
    for number, fields in enumerate(LADDERS[field].explained_by, start=1):
        if all(agrees(other, levels) for other in fields):
            return number
    return 0


def agrees(field: Field, levels: Mapping[Field, int]) -> bool:
    """Whether two records agree in a field; in exchanged names, they agree in both."""
    if levels.get(Field.GIVEN_NAME) == swapped_level() and field in NAMES:
        return True
    return 0 <= levels.get(field, UNKNOWN) < LADDERS[field].agreeing


def _may_be_swapped(found: dict[Field, int]) -> bool:
    return all(found[field] >= LADDERS[field].agreeing for field in NAMES) or all(
        found[field] in {UNKNOWN, len(LADDERS[field].levels) - 1} for field in NAMES
    )


def holds(test: Test, left: str, right: str) -> bool:
    """Whether two known values, in their alphabetical order, pass a test."""
    if test.check is not None and test.measure != Measure.CHECK and not test.check(left, right):
        return False
    match test.measure:
        case Measure.SAME:
            if test.view is None:
                return left == right
            return bool(seen := test.view(left)) and seen == test.view(right)
        case Measure.CHECK:
            return test.check is not None and test.check(left, right)
        case Measure.JARO_WINKLER:
            # Loaded where the first two values are compared.
            from rapidfuzz.distance import JaroWinkler

            return JaroWinkler.similarity(left, right) >= test.limit
        case Measure.EDITS:
            from rapidfuzz.distance import OSA

            if min(len(left), len(right)) < test.least_length:
                return False
            return OSA.distance(left, right) <= test.limit
