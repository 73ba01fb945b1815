"""Examples from a file that somebody exported: any table with a column that tells the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.crm.importing import tables as files
from apps.crm.importing.formats import OpenFile, detect_format
from apps.predictions.columns import Column, ColumnKind
from apps.predictions.estimation.cells import TextColumn, TextReader
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.tables import ROWS_PER_CHUNK, Categories, Floats, Table
from apps.predictions.exceptions import ExamplesRefusedError
from apps.tenants.chunks import chunks

# So many names or values are told in a message.
_TOLD = 8


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a file: the column with the outcome, and the text that stands for "it came about".

    ``time`` is a column of dates or numbers by which rows are ordered; columns in ``drop`` are not read.
    """

    label: str
    positive: str
    time: str | None = None
    drop: tuple[str, ...] = ()


def read_examples(open_file: OpenFile, question: Question, *, max_bytes: int) -> Examples:
    """Read a CSV file in any encoding and with any delimiter that an import takes.

    Rows without an outcome, or without a moment where one is asked for, are left out. Dates become days:
    from the row's moment where there is one, else since 1970.

    Raises:
        FileRefusedError: the file is not to be read as a table.
        ExamplesRefusedError: a column does not exist, or the outcome is never or always the positive one.
    """
    file_format = detect_format(open_file, max_bytes=max_bytes)
    table = files.Table(open_file, file_format, max_bytes)
    _require_columns(question, table.header)
    dropped = {question.label, question.time, *question.drop}
    columns = _read_columns(table)
    labels, is_used = _labels(columns[question.label], question)
    moments = None
    if question.time is not None:
        moments = _moments(columns[question.time], question.time)
        is_used &= ~np.isnan(moments)
    features = {name: column for name, column in columns.items() if name not in dropped}
    examples = Examples(
        table=_table(features, moments, len(labels)),
        labels=labels,
        moments=None if moments is None else np.where(is_used, moments, 0.0),
    )
    used = examples.take(np.flatnonzero(is_used))
    _require_both(used, question)
    return used


def _read_columns(table: files.Table) -> dict[str, TextColumn]:
    readers = [TextReader() for _ in table.header]
    is_empty = True
    for chunk in chunks((row.cells for row in table.rows()), ROWS_PER_CHUNK):
        is_empty = False
        for reader, cells in zip(readers, zip(*chunk, strict=True), strict=True):
            reader.add(cells)
    if is_empty:
        raise ExamplesRefusedError("The file has no rows below its header.")
    return {name: reader.column() for name, reader in zip(table.header, readers, strict=True)}


def _require_columns(question: Question, header: Sequence[str]) -> None:
    asked_for = (question.label, question.time, *question.drop)
    for name in filter(None, asked_for):
        if name not in header:
            raise ExamplesRefusedError(
                f"There is no column {name!r}. The file has {_some(header)}."
            )
    if question.time == question.label:
        raise ExamplesRefusedError("The outcome cannot be the time, too.")


def _labels(column: TextColumn, question: Question) -> tuple[np.ndarray, np.ndarray]:
    """Whether it came about, and in which rows that is known."""
    values = list(column.texts())
    if question.positive.strip() not in values:
        raise ExamplesRefusedError(
            f"The column {question.label!r} never holds {question.positive!r}. It holds {_some(values)}."
            if values
            else f"The column {question.label!r} is empty."
        )
    return column.is_text(question.positive.strip()), column.is_filled()


def _moments(column: TextColumn, name: str) -> Floats:
    moments = column.as_days()
    if moments is None:
        moments = column.as_numbers()
    if moments is None:
        raise ExamplesRefusedError(f"The column {name!r} holds neither dates nor numbers.")
    return moments


def _table(columns: dict[str, TextColumn], moments: Floats | None, size: int) -> Table:
    numbers: dict[str, Floats] = {}
    categories: dict[str, Categories] = {}
    for name, column in columns.items():
        found = column.as_numbers()
        if found is None and (days := column.as_days()) is not None:
            found = days if moments is None else days - moments
        if found is None:
            categories[name] = column.as_categories()
        else:
            numbers[name] = found
    known = tuple(
        Column(name, ColumnKind.NUMBER if name in numbers else ColumnKind.CATEGORY)
        for name in columns
    )
    return Table(known, numbers, categories, size)


def _require_both(examples: Examples, question: Question) -> None:
    positives = int(examples.labels.sum())
    if positives in {0, len(examples)}:
        which = "no row" if not positives else "every row"
        raise ExamplesRefusedError(
            f"In {which} with an outcome {question.label!r} is {question.positive!r}: "
            "there is nothing to tell apart."
        )


def _some(names: Sequence[str]) -> str:
    told = ", ".join(names[:_TOLD])
    return told if len(names) <= _TOLD else f"{told} and {len(names) - _TOLD} more"
