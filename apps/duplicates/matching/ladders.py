"""How alike two values of a field are: a ladder of levels for each field, the highest that holds counts.

The same ladders are climbed value by value (``comparing``) and by the million (``bulk_comparing``). The
shares beside each level, among pairs of the same and among others, are where estimation begins and what holds
where there is nothing to estimate from. Similarities and edits are bounded as is usual in record linkage
(Winkler 2006; Christen, Data Matching, 2012, chapter 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from apps.duplicates.matching import companies, contacts, dates, names, texts
from apps.duplicates.matching.fields import Field

View = Callable[[str], str]
Check = Callable[[str, str], bool]


class Measure(Enum):
    """By what two values are compared."""

    SAME = auto()
    JARO_WINKLER = auto()
    EDITS = auto()
    CHECK = auto()


@dataclass(frozen=True, slots=True)
class Test:
    """One way to be alike. ``limit`` is the least similarity (0 to 1) or the most edits.

    Edits are counted only between values of at least ``least_length`` letters. To be the same, values may be
    looked at through ``view``; where it shows nothing they are not. ``check`` must hold besides.
    """

    measure: Measure
    limit: float = 0
    least_length: int = 0
    view: View | None = None
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One rung: any of its tests suffices."""

    words: str
    match_share: float
    other_share: float
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """The levels of a field, the highest first; the last, without tests, holds where no other does.

    ``has_frequent`` says that to agree in a frequent value tells less than to agree in a rare one. A value of
    more than ``most_holders`` (``EncodedTable.holders``) is shared by people who have nothing else in common
    and counts as not known. On the first ``agreeing`` levels two values agree. Where all fields of one of
    ``explained_by`` do, this one is likely to agree among others, too: an address made of a name, colleagues
    in one building.
    """

    levels: tuple[Level, ...]
    agreeing: int
    has_frequent: bool = False
    most_holders: int | None = None
    explained_by: tuple[tuple[Field, ...], ...] = ()


def _jaro_winkler(limit: float, check: Check | None = None) -> Test:
    return Test(Measure.JARO_WINKLER, limit, check=check)


def _edits(limit: int, least_length: int = 4, check: Check | None = None) -> Test:
    return Test(Measure.EDITS, limit, least_length, check=check)


def _same(view: View) -> Test:
    return Test(Measure.SAME, view=view)


def _check(check: Check) -> Test:
    return Test(Measure.CHECK, check=check)


_SAME = (Test(Measure.SAME),)
_DIFFERENT = "different"

# One letter of four makes another name. Above .92 hardly two different names lie, from .88 and .8 on they
# become frequent (Splink's defaults, too).
_NAME_LEVELS = (
    Level("the same", 0.72, 0.005, _SAME),
    Level("a letter apart", 0.10, 0.003, (_edits(1, 5), _jaro_winkler(0.92))),
    Level("a short form", 0.05, 0.005, (_check(names.are_short_forms), _same(texts.consonants))),
    Level("similar", 0.04, 0.02, (_jaro_winkler(0.8), _edits(2, 6))),
    Level(_DIFFERENT, 0.09, 0.967),
)
_SURNAME_LEVELS = (
    Level("the same", 0.72, 0.002, _SAME),
    Level("a letter apart", 0.10, 0.002, (_edits(1, 5), _jaro_winkler(0.92))),
    Level("part of the other", 0.04, 0.002, (_check(names.are_parts), _same(texts.consonants))),
    Level("similar", 0.05, 0.02, (_jaro_winkler(0.8), _edits(2, 6))),
    Level(_DIFFERENT, 0.09, 0.974),
)
_PLACE_LEVELS = (
    Level("the same", 0.70, 0.03, _SAME),
    Level("a letter apart", 0.10, 0.005, (_edits(1), _jaro_winkler(0.92))),
    Level("similar", 0.06, 0.03, (_jaro_winkler(0.8), _edits(2, 6))),
    Level(_DIFFERENT, 0.14, 0.935),
)


def _code_levels(other_share: float) -> tuple[Level, ...]:
    """Levels of a number or a code of which so many others share one."""
    return (
        Level("the same", 0.78, other_share, _SAME),
        Level("a digit apart", 0.08, 0.01, (_edits(1, 2),)),
        Level("two digits apart", 0.04, 0.06, (_edits(2, 5),)),
        Level(_DIFFERENT, 0.10, 0.93 - other_share),
    )


LADDERS: dict[Field, Ladder] = {
    Field.GIVEN_NAME: Ladder(_NAME_LEVELS, 3, has_frequent=True),
    Field.SURNAME: Ladder(_SURNAME_LEVELS, 3, has_frequent=True),
    Field.EMAIL: Ladder(
        (
            Level("the same", 0.55, 0.00001, _SAME),
            Level("nearly the same", 0.10, 0.00002, (_edits(2, 8, contacts.are_near_locals),)),
            Level("the same but for its number", 0.02, 0.00005, (_same(contacts.without_number),)),
            Level(
                "the same before the @",
                0.08,
                0.00005,
                (_same(contacts.local_part), _same(contacts.letters_of_local)),
            ),
            Level("similar", 0.05, 0.001, (_jaro_winkler(0.88, contacts.are_similar_locals),)),
            Level("the same company's", 0.07, 0.003, (_same(contacts.own_domain),)),
            Level(_DIFFERENT, 0.15, 0.99592),
        ),
        3,
        most_holders=10,
        explained_by=(
            (Field.GIVEN_NAME, Field.SURNAME),
            (Field.COMPANY, Field.GIVEN_NAME),
            (Field.COMPANY, Field.SURNAME),
            (Field.COMPANY,),
            (Field.GIVEN_NAME,),
            (Field.SURNAME,),
        ),
    ),
    Field.PHONE: Ladder(
        (
            Level("the same", 0.65, 0.00005, _SAME),
            Level("the same at its end", 0.06, 0.00005, (_same(contacts.phone_ending),)),
            Level("a digit apart", 0.06, 0.0002, (_edits(1, 7),)),
            Level(_DIFFERENT, 0.23, 0.9997),
        ),
        2,
        most_holders=10,
        explained_by=((Field.COMPANY,), (Field.SURNAME,)),
    ),
    Field.BIRTH_DATE: Ladder(
        (
            Level("the same", 0.75, 0.0001, _SAME),
            Level("a digit apart", 0.12, 0.002, (_edits(1), _check(dates.has_day_for_month))),
            Level("two digits apart", 0.05, 0.012, (_edits(2),)),
            Level("the same year", 0.02, 0.01, (_same(dates.year_of),)),
            Level(_DIFFERENT, 0.06, 0.9759),
        ),
        1,
        has_frequent=True,
    ),
    Field.STREET: Ladder(
        _PLACE_LEVELS,
        2,
        has_frequent=True,
        explained_by=((Field.COMPANY,), (Field.POSTCODE,), (Field.SURNAME,)),
    ),
    Field.HOUSE_NUMBER: Ladder(_code_levels(0.01), 1, explained_by=((Field.STREET,),)),
    Field.CITY: Ladder(
        _PLACE_LEVELS,
        2,
        has_frequent=True,
        explained_by=((Field.POSTCODE,), (Field.COMPANY,), (Field.SURNAME,)),
    ),
    Field.POSTCODE: Ladder(
        _code_levels(0.003), 1, has_frequent=True, explained_by=((Field.COMPANY,), (Field.SURNAME,))
    ),
    Field.REGION: Ladder(
        _PLACE_LEVELS, 2, has_frequent=True, explained_by=((Field.CITY,), (Field.POSTCODE,))
    ),
    Field.COMPANY: Ladder(
        (
            Level("the same", 0.70, 0.001, _SAME),
            Level(
                "nearly the same",
                0.12,
                0.0005,
                (_check(companies.are_same_words), _edits(1, 5), _jaro_winkler(0.95)),
            ),
            Level("part of the other", 0.08, 0.001, (_check(companies.is_part_or_acronym),)),
            Level("similar", 0.04, 0.01, (_jaro_winkler(0.85),)),
            Level(_DIFFERENT, 0.06, 0.9875),
        ),
        3,
        has_frequent=True,
    ),
    Field.WEBSITE: Ladder(
        (
            Level("the same", 0.80, 0.0005, _SAME),
            Level("the same but for its ending", 0.05, 0.0002, (_same(contacts.domain_name),)),
            Level("similar", 0.05, 0.005, (_jaro_winkler(0.92),)),
            Level(_DIFFERENT, 0.10, 0.9943),
        ),
        2,
        has_frequent=True,
        explained_by=((Field.COMPANY,),),
    ),
    Field.TITLE: Ladder(
        (
            Level("the same", 0.50, 0.03, _SAME),
            Level("similar", 0.20, 0.07, (_jaro_winkler(0.85), _check(names.are_parts))),
            Level(_DIFFERENT, 0.30, 0.90),
        ),
        2,
        has_frequent=True,
        explained_by=((Field.COMPANY,),),
    ),
    Field.ID_NUMBER: Ladder(_code_levels(0.00001), 1),
}

# The one level that looks at two fields: given name and surname exchanged. It counts for the given name, and
# the surname then says nothing of its own.
SWAPPED = Level("exchanged with the surname", 0.03, 0.00005)
