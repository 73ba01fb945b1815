"""A look at a file before it is imported: the mapping as recognised, the first rows, what is wrong with them.

The same stages as an import, over the first rows, in a transaction that is rolled back. Whole columns are
judged by the first rows too when the file is long; the import itself looks at all of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import transaction

from apps.crm.enums import RecordKind
from apps.crm.importing import staging
from apps.crm.importing.formats import OpenFile
from apps.crm.importing.likeness import tell_look_alikes
from apps.crm.importing.mapping import (
    ColumnMapping,
    MappingFile,
    can_identify,
    missing_fields,
)
from apps.crm.importing.pipeline import (
    Reading,
    ensure_custom_fields,
    find_references,
    read_file,
    stage_rows,
)
from apps.crm.importing.problems import RowProblem

PREVIEW_ROWS = 20
SAMPLES = 3
PROFILED_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class PreviewCell:
    """One cell with what is wrong with it, if anything."""

    column: str
    text: str
    message: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row; ``message`` is what is wrong with it as a whole."""

    number: int
    cells: tuple[PreviewCell, ...]
    message: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What the person sees before starting. With ``missing`` the import cannot start."""

    mapping: ColumnMapping
    rows: tuple[PreviewRow, ...]
    rows_profiled: int
    is_whole_file: bool
    notes: tuple[str, ...]
    missing: tuple[str, ...]
    can_identify: bool

    @property
    def is_complete(self) -> bool:
        """Whether the import can start with this mapping."""
        return not self.missing and self.can_identify

    def samples(self, position: int) -> list[str]:
        """Up to three different values of a column."""
        texts = dict.fromkeys(row.cells[position].text for row in self.rows)
        return [text for text in texts if text.strip()][:SAMPLES]


def preview_file(
    *,
    kind: RecordKind,
    open_file: OpenFile,
    size_bytes: int,
    given: MappingFile | None,
    source: str,
) -> Preview:
    """Read the first rows as an import would, and write nothing.

    Raises:
        ImportingError: the file or the mapping is refused.
    """
    reading = read_file(
        kind,
        open_file,
        size_bytes=size_bytes,
        given=given,
        source=source,
        max_rows=PROFILED_ROWS,
    )
    missing = tuple(missing_fields(reading.mapping))
    problems, notes = _try_rows(reading, has_all_fields=not missing)
    return Preview(
        mapping=reading.mapping,
        rows=tuple(_show_rows(reading, problems)),
        rows_profiled=reading.profile.rows,
        is_whole_file=reading.profile.is_whole_file,
        notes=(*reading.notes, *notes),
        missing=missing,
        can_identify=can_identify(reading.mapping),
    )


def _try_rows(reading: Reading, *, has_all_fields: bool) -> tuple[list[RowProblem], list[str]]:
    notes: list[str] = []
    with transaction.atomic():
        plan = stage_rows(reading, lambda done: None, max_rows=PREVIEW_ROWS)
        if has_all_fields:
            notes += ensure_custom_fields(reading)
            notes += find_references(plan, reading.mapping)
            notes += tell_look_alikes(plan)
        problems = list(staging.read_problems())
        transaction.set_rollback(True)
    return problems, notes


def _show_rows(reading: Reading, problems: list[RowProblem]) -> list[PreviewRow]:
    by_cell: dict[tuple[int, str], RowProblem] = {}
    by_row: defaultdict[int, list[RowProblem]] = defaultdict(list)
    names = set(reading.table.header)
    for problem in problems:
        if problem.column in names:
            by_cell.setdefault((problem.row_number, problem.column), problem)
        by_row[problem.row_number].append(problem)
    shown: list[PreviewRow] = []
    for row in reading.table.rows():
        if len(shown) == PREVIEW_ROWS:
            break
        cells = []
        for column, text in zip(reading.table.header, row.cells, strict=True):
            found = by_cell.get((row.number, column))
            cells.append(
                PreviewCell(
                    column,
                    text[:200],
                    found.message if found else "",
                    found is not None and found.is_refused,
                )
            )
        whole = [problem.message for problem in by_row[row.number] if problem.column not in names]
        is_refused = any(problem.is_refused for problem in by_row[row.number])
        shown.append(PreviewRow(row.number, tuple(cells), " ".join(whole), is_refused))
    return shown
