"""How the columns of a table become what models read: the document's columns, learned from training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.predictions.columns import Column, ColumnKind
from apps.predictions.documents import AnyColumn, CategoryColumn, NumberColumn
from apps.predictions.estimation.tables import UNKNOWN_CODE, Categories, Floats, Indices, Table

# A category with fewer rows says nothing by itself and is pooled with the other rare ones; with little data
# fewer must do (5 is the rule of thumb of the chi-squared test: Cochran 1954).
FEWEST_ROWS_OF_A_VALUE = 5
FEWEST_ROWS_OF_A_VALUE_IN_LITTLE_DATA = 3
LITTLE_DATA_ROWS = 100
# The library's trees take 255 codes; more than these would each have hardly any rows.
MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class EncodedTable:
    """The columns as models read them, as `Encoded` is for one record: NaN where nothing is known."""

    columns: tuple[AnyColumn, ...]
    values: Sequence[Floats]
    size: int

    def __len__(self) -> int:
        return self.size

    def take(self, rows: Indices) -> EncodedTable:
        """These rows, in this order."""
        return EncodedTable(self.columns, [values[rows] for values in self.values], len(rows))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column from which is not learned, and why, in words."""

    column: str
    reason: str


def learn_columns(table: Table) -> tuple[AnyColumn, ...]:
    """The columns of which something can be learned, with the codes of their categories."""
    learned = (_learn(table, column) for column in table.columns)
    return tuple(column for column in learned if not isinstance(column, LeftOut))


def empty_columns(table: Table) -> tuple[LeftOut, ...]:
    """The columns of which nothing can be learned."""
    learned = (_learn(table, column) for column in table.columns)
    return tuple(column for column in learned if isinstance(column, LeftOut))


def encode(columns: Sequence[AnyColumn], table: Table) -> EncodedTable:
    """A table as the models read it; a column that it lacks is not known."""
    return EncodedTable(tuple(columns), [_encode(column, table) for column in columns], len(table))


def _learn(table: Table, column: Column) -> AnyColumn | LeftOut:
    if column.kind is ColumnKind.NUMBER:
        return _learn_number(column.name, table.numbers[column.name])
    return _learn_category(column.name, table.categories[column.name])


def _learn_number(name: str, numbers: Floats) -> NumberColumn | LeftOut:
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return LeftOut(name, "Nothing is filled in.")
    if len(known) == len(numbers) and known.min() == known.max():
        return LeftOut(name, "It is the same in every row.")
    is_mostly_known = 2 * len(known) >= len(numbers)
    return NumberColumn(name=name, typical=float(np.median(known)) if is_mostly_known else None)


def _learn_category(name: str, column: Categories) -> CategoryColumn | LeftOut:
    codes = column.codes[column.codes != UNKNOWN_CODE]
    if not len(codes):
        return LeftOut(name, "Nothing is filled in.")
    counts = np.bincount(codes, minlength=len(column.vocabulary))
    missing = len(column.codes) - len(codes)
    if not missing and counts.max() == len(codes):
        return LeftOut(name, "It is the same in every row.")
    frequent = _frequent(counts, len(column.codes))
    has_other = bool(counts[frequent].sum() < len(codes))
    if not len(frequent) and not missing:
        return LeftOut(name, "Hardly any value occurs more than once.")
    is_mostly_missing = not len(frequent) or missing > counts[frequent[0]]
    return CategoryColumn(
        name=name,
        values=tuple(column.vocabulary[code] for code in frequent),
        has_other=has_other,
        typical=None if is_mostly_missing else column.vocabulary[frequent[0]],
    )


def _frequent(counts: NDArray[np.intp], rows: int) -> NDArray[np.intp]:
    """The codes of the values that are kept, the most frequent first, ties in the order of their coming."""
    is_little = rows < LITTLE_DATA_ROWS
    fewest = FEWEST_ROWS_OF_A_VALUE_IN_LITTLE_DATA if is_little else FEWEST_ROWS_OF_A_VALUE
    enough = np.flatnonzero(counts >= fewest)
    return enough[np.argsort(-counts[enough], kind="stable")][:MOST_VALUES]


def _encode(column: AnyColumn, table: Table) -> Floats:
    if isinstance(column, NumberColumn):
        missing = np.full(len(table), np.nan)
        return table.numbers.get(column.name, missing)
    found = table.categories.get(column.name)
    if found is None:
        return np.full(len(table), np.nan)
    known = (column.encode(value) for value in found.vocabulary)
    # The last place is for what is not known, whose code is -1.
    codes = [np.nan if code is None else float(code) for code in known]
    return np.array([*codes, np.nan])[found.codes]
