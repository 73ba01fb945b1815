"""A look at a file before it is imported: the mapping as recognised, the first rows, what is wrong with them.

The same stages as an import, over the first rows, in a transaction that is rolled back. Whole columns are
judged by the first rows too when the file is long; the import itself looks at all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from apps.crm.enums import RecordKind
from apps.crm.importing import staging
from apps.crm.importing.formats import OpenFile
from apps.crm.importing.likeness import (
    MOST_ROWS,
    can_look_alike,
    count_in_words,
    list_look_alikes,
)
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
from apps.crm.look_alikes import Ref, RowsProbed, ToldLike, tell
from apps.users.models import User

PREVIEW_ROWS = 20
# So many rows that look like others are named beside their number; and after so many seconds no further
# ones are looked for, because somebody waits.
LIKES_NAMED = 10
LIKES_SECONDS = 3.0
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
    """One row; ``message`` is what is wrong with it as a whole, ``like`` a record that it looks like."""

    number: int
    cells: tuple[PreviewCell, ...]
    message: str
    is_refused: bool
    like: ToldLike | None = None


@dataclass(frozen=True, slots=True)
class LikeRow:
    """A row that looks like a record that is here already, or else like a row above it."""

    number: int
    like: ToldLike | None
    row: int | None


@dataclass(frozen=True, slots=True)
class Likes:
    """The new rows that look like others: how many in words, the first of them, and how many more."""

    words: str = ""
    named: tuple[LikeRow, ...] = ()
    more: int = 0


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
    likes: Likes

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
    viewer: User | None = None,
) -> Preview:
    """Read the first rows as an import would, and write nothing.

    For a ``viewer`` the first thousand rows are held against what is here, and they are told of the records
    that they may see; without one nothing is looked for.

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
    tried = _try_rows(reading, has_all_fields=not missing, looks_alike=viewer is not None)
    told = tell(viewer, tried.probed.records.values()) if viewer is not None else {}
    return Preview(
        mapping=reading.mapping,
        rows=tuple(_show_rows(reading, tried, told)),
        rows_profiled=reading.profile.rows,
        is_whole_file=reading.profile.is_whole_file,
        notes=(*reading.notes, *tried.notes),
        missing=missing,
        can_identify=can_identify(reading.mapping),
        likes=_likes(tried, told),
    )


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of the first rows; ``is_all``: every new row of the file was held against the others."""

    problems: list[RowProblem]
    notes: list[str]
    probed: RowsProbed
    is_all: bool


def _try_rows(reading: Reading, *, has_all_fields: bool, looks_alike: bool) -> _Tried:
    notes: list[str] = []
    probed = RowsProbed()
    is_all = reading.profile.is_whole_file and reading.profile.rows <= MOST_ROWS
    looks_alike = looks_alike and can_look_alike(reading.mapping.kind_fields.kind)
    with transaction.atomic():
        max_rows = MOST_ROWS if looks_alike else PREVIEW_ROWS
        plan = stage_rows(reading, lambda done: None, max_rows=max_rows)
        if has_all_fields:
            notes += ensure_custom_fields(reading)
            notes += find_references(plan, reading.mapping)
            if looks_alike:
                probed = list_look_alikes(plan, budget_s=LIKES_SECONDS)
                is_all = is_all and probed.looked_at == staging.count_new_rows()
        problems = list(staging.read_problems())
        transaction.set_rollback(True)
    return _Tried(problems, notes, probed, is_all)


def _likes(tried: _Tried, told: Mapping[Ref, ToldLike]) -> Likes:
    records, rows = tried.probed.records, tried.probed.rows
    numbers = sorted({*records, *rows})
    named = [
        LikeRow(number, told[records[number]] if number in records else None, rows.get(number))
        for number in numbers[:LIKES_NAMED]
    ]
    words = count_in_words(tried.probed, is_all=tried.is_all)
    return Likes(words, tuple(named), len(numbers) - len(named))


def _show_rows(reading: Reading, tried: _Tried, told: Mapping[Ref, ToldLike]) -> list[PreviewRow]:
    by_cell: dict[tuple[int, str], RowProblem] = {}
    by_row: defaultdict[int, list[RowProblem]] = defaultdict(list)
    likes = {number: told[ref] for number, ref in tried.probed.records.items()}
    names = set(reading.table.header)
    for problem in tried.problems:
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
        # What record a row looks like is told by its name, to who may see it.
        whole = [
            problem.message
            for problem in by_row[row.number]
            if problem.column not in names and problem.record is None
        ]
        is_refused = any(problem.is_refused for problem in by_row[row.number])
        like = likes.get(row.number)
        shown.append(PreviewRow(row.number, tuple(cells), " ".join(whole), is_refused, like))
    return shown
