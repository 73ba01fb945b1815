"""Tables as arrays: each value once, in alphabetical order, and for each record the number of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.duplicates.matching.fields import NAMES, Field, Row, Table
from apps.duplicates.matching.values import name_in_one, parts

Codes = NDArray[np.int32]
Numbers = NDArray[np.int64]

# Of a record that says nothing.
NO_CODE = -1
# More than there are letters.
_MOST_BEGINNINGS = 2**21


@dataclass(frozen=True)
class Values:
    """The different values of a field, rising. Given names and surnames share theirs."""

    texts: tuple[str, ...]

    @cached_property
    def as_array(self) -> NDArray[np.object_]:
        """The values, to be taken by number."""
        array = np.empty(len(self.texts), dtype=object)
        array[:] = self.texts
        return array

    @cached_property
    def lengths(self) -> Codes:
        """How many letters each has."""
        return np.fromiter(map(len, self.texts), dtype=np.int32, count=len(self.texts))

    @cached_property
    def is_latin(self) -> NDArray[np.bool_]:
        """Which of them are in Latin letters."""
        return np.fromiter(map(str.isascii, self.texts), dtype=np.bool_, count=len(self.texts))

    def seen(self, view: Callable[[str], str]) -> Codes:
        """What each value shows through a view, numbered; ``NO_CODE`` where it shows nothing."""
        numbers: dict[str, int] = {"": NO_CODE}
        return np.fromiter(
            (numbers.setdefault(view(text), len(numbers)) for text in self.texts),
            dtype=np.int32,
            count=len(self.texts),
        )


@dataclass(frozen=True)
class EncodedTable:
    """Records made comparable: by field, the number of each record's value among all values."""

    codes: Mapping[Field, Codes]
    values: Mapping[Field, Values]
    size: int

    def comparable(self, position: int) -> Row:
        """One record, as ``values.comparable`` makes it."""
        return {
            field: self.values[field].texts[codes[position]]
            for field, codes in self.codes.items()
            if codes[position] != NO_CODE
        }

    def counts(self, field: Field) -> Numbers:
        """How many records hold each value."""
        codes = self.codes[field]
        return np.bincount(codes[codes != NO_CODE], minlength=len(self.values[field].texts))

    def holders(self) -> Numbers:
        """A number for each record, the same where by its names it may be one person's or one company's.

        People are told apart by how their names begin: however often somebody is in the table, slips and
        short forms leave nearly all of them alike, and of a dozen people hardly two are. Companies are told
        apart by name and place, because branches share a number. Records without any name are all others.
        """
        given, surname = self._beginnings(Field.GIVEN_NAME), self._beginnings(Field.SURNAME)
        is_person = (given != NO_CODE) | (surname != NO_CODE)
        people = (given + 1) * _MOST_BEGINNINGS + surname + 1
        places = np.zeros(self.size, dtype=np.int64)
        for field in (Field.COMPANY, Field.STREET, Field.CITY, Field.POSTCODE):
            if field in self.codes:
                together = places * (len(self.values[field].texts) + 1) + self.codes[field] + 1
                places = np.unique(together, return_inverse=True)[1].astype(np.int64)
        company = self.codes.get(Field.COMPANY)
        is_company = np.zeros(self.size, dtype=np.bool_) if company is None else company != NO_CODE
        nameless = _MOST_BEGINNINGS**2 + np.arange(self.size)
        return np.where(is_person, people, np.where(is_company, -1 - places, nameless))

    def _beginnings(self, field: Field) -> Numbers:
        """For each record the number of the letter with which its value begins."""
        if field not in self.codes:
            return np.full(self.size, NO_CODE, dtype=np.int64)
        begun = self.values[field].seen(lambda text: text[:1])
        return np.append(begun, NO_CODE)[self.codes[field]].astype(np.int64)


def encode(table: Table, region: str) -> EncodedTable:
    """Make a whole table comparable, as ``values.comparable`` does; each different text is looked at once."""
    collected: dict[Field, _Collected] = {}
    own: dict[Field, Codes] = {}
    passing: dict[Field, Codes] = {}
    names = _Collected()
    for field, column in _with_whole_names(table).items():
        texts, rows = _numbered(column)
        for named, said in parts(field, texts, region).items():
            if any(said):
                into = collected.setdefault(named, names if named in NAMES else _Collected())
                (own if named == field else passing)[named] = into.number(said)[rows]
    _drop_names_in_passing(own, passing)
    values: dict[Field, Values] = {}
    codes_of: dict[Field, Codes] = {}
    for field in (field for field in Field if field in collected):
        values[field], ranks = collected[field].in_order()
        first, other = own.get(field), passing.get(field)
        if first is None or other is None:
            chosen = first if first is not None else other
            assert chosen is not None  # noqa: S101 - whatever was collected came from one of them
        else:
            chosen = np.where(first == NO_CODE, other, first)
        codes_of[field] = ranks[chosen]
    return EncodedTable(codes_of, values, table.size)


class _Collected:
    """The values of a field, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._in_order: tuple[Values, Codes] | None = None

    def number(self, texts: Sequence[str]) -> Codes:
        """The number of each text; ``NO_CODE`` of an empty one."""
        numbers = self._numbers
        return np.fromiter(
            (numbers.setdefault(text, len(numbers)) if text else NO_CODE for text in texts),
            dtype=np.int32,
            count=len(texts),
        )

    def in_order(self) -> tuple[Values, Codes]:
        """The values rising, and the new number of each old one; the last is for ``NO_CODE``."""
        if self._in_order is None:
            texts = sorted(self._numbers)
            ranks = np.full(len(texts) + 1, NO_CODE, dtype=np.int32)
            for rank, text in enumerate(texts):
                ranks[self._numbers[text]] = rank
            self._in_order = Values(tuple(texts)), ranks
        return self._in_order


def _numbered(column: Sequence[str]) -> tuple[list[str], Codes]:
    """The different texts of a column, and for each row the number of its text."""
    numbers: dict[str, int] = {}
    rows = np.fromiter(
        (numbers.setdefault(text, len(numbers)) for text in column),
        dtype=np.int32,
        count=len(column),
    )
    return list(numbers), rows


def _with_whole_names(table: Table) -> Mapping[Field, Sequence[str]]:
    """The columns; a whole name that stands in one of those for names is a full name."""
    moved: dict[Field, dict[int, str]] = {}
    for field in (field for field in NAMES if field in table.columns):
        for at, text in enumerate(table.columns[field]):
            if not text.isascii() and name_in_one(table.row(at)) == field:
                moved.setdefault(field, {})[at] = text
    if not moved:
        return table.columns
    changed = {
        field: list(table.columns.get(field) or [""] * table.size)
        for field in (*moved, Field.FULL_NAME)
    }
    for field, texts in moved.items():
        for at, text in texts.items():
            changed[field][at], changed[Field.FULL_NAME][at] = "", text
    return {**table.columns, **changed}


def _drop_names_in_passing(own: Mapping[Field, Codes], passing: dict[Field, Codes]) -> None:
    """A full name says nothing of a record that has a given name or a surname of its own."""
    known = [codes != NO_CODE for field, codes in own.items() if field in NAMES]
    if not known:
        return
    has_own = np.logical_or.reduce(known)
    for field in NAMES:
        if field in passing:
            passing[field] = np.where(has_own, NO_CODE, passing[field]).astype(np.int32)
