"""A table in numpy's arrays: numbers with NaN, categories as codes with their vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from apps.predictions.columns import Column, ColumnKind, Row, Value
from apps.predictions.documents import category_of, number_of
from apps.tenants.chunks import chunks

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Indices = NDArray[np.intp]

ROWS_PER_CHUNK = 20_000
UNKNOWN_CODE = -1
# What numpy itself turns into the number that ``number_of`` would give.
_PLAIN_NUMBERS = {float, int, bool, Decimal, type(None)}


@dataclass(frozen=True, slots=True)
class Categories:
    """A column of categories: ``codes`` point into the vocabulary, -1 is not known."""

    codes: Codes
    vocabulary: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one length, in the order of ``columns``; numbers are finite or NaN."""

    columns: tuple[Column, ...]
    numbers: Mapping[str, Floats]
    categories: Mapping[str, Categories]
    size: int

    def __len__(self) -> int:
        return self.size

    @classmethod
    def from_rows(cls, columns: Sequence[Column], rows: Iterable[Row]) -> Table:
        """Read rows by the names of columns; what a row lacks is not known."""
        names = [column.name for column in columns]
        return cls.from_tuples(columns, (tuple(row.get(name) for name in names) for row in rows))

    @classmethod
    def from_tuples(cls, columns: Sequence[Column], tuples: Iterable[Sequence[Value]]) -> Table:
        """Read rows whose cells stand in the order of the columns, a chunk at a time."""
        builders = [_BUILDERS[column.kind]() for column in columns]
        size = 0
        for chunk in chunks(tuples, ROWS_PER_CHUNK):
            size += len(chunk)
            for builder, cells in zip(builders, zip(*chunk, strict=True), strict=True):
                builder.add(cells)
        pairs = list(zip(columns, builders, strict=True))
        return cls(
            columns=tuple(columns),
            numbers={c.name: b.build() for c, b in pairs if isinstance(b, _NumberBuilder)},
            categories={c.name: b.build() for c, b in pairs if isinstance(b, _CategoryBuilder)},
            size=size,
        )

    def take(self, rows: Indices | slice) -> Table:
        """The table of these rows, in this order."""
        numbers = {name: values[rows] for name, values in self.numbers.items()}
        categories = {
            name: Categories(column.codes[rows], column.vocabulary)
            for name, column in self.categories.items()
        }
        size = len(range(self.size)[rows]) if isinstance(rows, slice) else len(rows)
        return Table(self.columns, numbers, categories, size)

    def without(self, names: Iterable[str]) -> Table:
        """The table without these columns."""
        left_out = set(names)
        return Table(
            columns=tuple(column for column in self.columns if column.name not in left_out),
            numbers={name: found for name, found in self.numbers.items() if name not in left_out},
            categories={
                name: found for name, found in self.categories.items() if name not in left_out
            },
            size=self.size,
        )


class _NumberBuilder:
    """Gathers a column of numbers."""

    def __init__(self) -> None:
        self._parts: list[Floats] = []

    def add(self, cells: Sequence[Value]) -> None:
        plain: Sequence[object] = cells
        if not _PLAIN_NUMBERS.issuperset(map(type, cells)):
            plain = [number_of(cell) for cell in cells]
        try:
            numbers = np.array(plain, dtype=np.float64)
        except OverflowError:
            numbers = np.array([number_of(cell) for cell in cells], dtype=np.float64)
        numbers[~np.isfinite(numbers)] = np.nan
        self._parts.append(numbers)

    def build(self) -> Floats:
        return np.concatenate(self._parts) if self._parts else np.empty(0)


class _CategoryBuilder:
    """Gathers a column of categories."""

    def __init__(self) -> None:
        self._parts: list[Codes] = []
        self._codes: dict[str, int] = {}

    def add(self, cells: Sequence[Value]) -> None:
        known = self._codes
        categories = map(category_of, cells)
        codes = [
            UNKNOWN_CODE if category is None else known.setdefault(category, len(known))
            for category in categories
        ]
        self._parts.append(np.array(codes, dtype=np.int32))

    def build(self) -> Categories:
        codes = np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.int32)
        return Categories(codes, tuple(self._codes))


_BUILDERS: dict[ColumnKind, type[_NumberBuilder | _CategoryBuilder]] = {
    ColumnKind.NUMBER: _NumberBuilder,
    ColumnKind.CATEGORY: _CategoryBuilder,
}
