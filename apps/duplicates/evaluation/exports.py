"""Tables that somebody exported, read for the matcher."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from apps.crm.importing.formats import OpenFile, detect_format
from apps.crm.importing.tables import Table as FileTable
from apps.duplicates.evaluation.columns import choose, recognise, require
from apps.duplicates.exceptions import TableRefusedError
from apps.duplicates.matching.fields import Field, Table

# Columns are recognised by what so many rows hold.
_ROWS_LOOKED_AT = 200
# The truth in the sets of FEBRL stands in the record's id: "rec-12-org", "rec-12-dup-0".
_FEBRL_ID = re.compile(r"rec-(\d+)-(?:org|dup-\d+)")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a file. ``columns`` names them by field; empty, they are recognised.

    ``truth`` is the column that tells which rows are the same, ``id`` the one that names a row.
    """

    columns: str = ""
    truth: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Export:
    """A table and which column says what; ``left_out`` are the columns that are not compared.

    ``truth`` and ``names`` have a text per row where asked for.
    """

    table: Table
    columns: dict[Field, str]
    left_out: tuple[str, ...]
    truth: tuple[str, ...] | None
    names: tuple[str, ...]


def read_export(open_file: OpenFile, question: Question, *, max_bytes: int) -> Export:
    """Read a CSV file in any encoding and with any delimiter that an import takes.

    Raises:
        FileRefusedError: the file is not to be read as a table.
        TableRefusedError: a column does not exist, none says what can be compared, or there are no two rows.
    """
    file = FileTable(open_file, detect_format(open_file, max_bytes=max_bytes), max_bytes)
    header = file.header
    for column in filter(None, (question.truth, question.id)):
        require(header, column)
    apart = {question.truth, question.id}
    if question.columns:
        columns = choose(header, question.columns)
    else:
        rest = [name for name in header if name not in apart]
        columns = recognise(rest, _first_cells(file))
    if question.truth in columns.values():
        raise TableRefusedError("The truth cannot be compared, too: leave it out of --columns.")
    read = [*columns.values(), *filter(None, (question.truth, question.id))]
    cells = _read(file, read)
    size = len(cells[read[0]])
    if size < 2:
        raise TableRefusedError(
            "The file has no rows below its header."
            if not size
            else "The file has one row: there is nothing to compare it with."
        )
    return Export(
        table=Table({field: cells[column] for field, column in columns.items()}, size),
        columns=columns,
        left_out=tuple(name for name in header if name not in read),
        truth=_truth(cells[question.truth]) if question.truth else None,
        names=tuple(cells[question.id])
        if question.id
        else tuple(f"row {number}" for number in range(2, size + 2)),
    )


def _first_cells(file: FileTable) -> dict[str, Sequence[str]]:
    rows = [row.cells for row in islice(file.rows(), _ROWS_LOOKED_AT)]
    return {name: [cells[at] for cells in rows] for at, name in enumerate(file.header)}


def _read(file: FileTable, columns: Sequence[str]) -> dict[str, list[str]]:
    """These columns of all rows; the same text is held once."""
    positions = [(file.header.index(name), name) for name in dict.fromkeys(columns)]
    cells: dict[str, list[str]] = {name: [] for _, name in positions}
    adding = [(at, cells[name].append) for at, name in positions]
    for row in file.rows():
        for at, add in adding:
            add(row.cells[at])
    return cells


def _truth(cells: Sequence[str]) -> tuple[str, ...]:
    """Of each row, what it shares with those that are the same; a row without is the same as no other."""
    stripped = [cell.strip() for cell in cells]
    found = [_FEBRL_ID.fullmatch(cell) for cell in stripped]
    if all(found):
        return tuple(match[1] for match in found if match is not None)
    return tuple(cell or f"alone {number}" for number, cell in enumerate(stripped))
