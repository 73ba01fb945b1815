"""The rows of a delimited text file, one at a time.

Nothing here holds more than one row: a file of any size is read in constant memory.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from apps.crm.importing.encodings import CHUNK_BYTES, not_text, wrong_encoding
from apps.crm.importing.exceptions import FileRefusedError, FileTooLargeError
from apps.crm.importing.formats import FileFormat, OpenFile

# A row of a CRM export is some kilobytes; a megabyte without a line end is no table.
MAX_LINE_CHARACTERS = 1024 * 1024
MAX_ROW_CHARACTERS = 4 * MAX_LINE_CHARACTERS
MAX_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of the file. ``number`` is the one that a spreadsheet shows: the header is row 1."""

    number: int
    cells: list[str]


class Table:
    """The rows of a file in a known format.

    ``header`` is read at once; ``rows()`` may be called again and then reads the file from its start.
    ``skipped_lines`` counts what stood below the table (Salesforce signs its report exports there).
    """

    def __init__(self, open_file: OpenFile, file_format: FileFormat, max_bytes: int) -> None:
        self._open_file = open_file
        self._max_bytes = max_bytes
        self.format = file_format
        self.skipped_lines = 0
        with self._reading() as numbered:
            _, cells = next(numbered, (1, []))
        self.header = name_columns(cells)

    def rows(self) -> Iterator[FileRow]:
        """Yield the rows below the header, blank ones left out.

        Raises:
            FileRefusedError: a row is longer or shorter than the header, or cannot be read.
        """
        width = len(self.header)
        self.skipped_lines = 0
        blank_before = False
        with self._reading() as numbered:
            next(numbered, None)
            for number, cells in numbered:
                if not any(cells):
                    blank_before = True
                    continue
                if len(cells) != width:
                    if len(cells) == 1 < width and blank_before:
                        self._skip_signature(number, cells, numbered)
                        return
                    cells = _without_empty_tail(number, cells, width)
                blank_before = False
                yield FileRow(number, cells)

    def _skip_signature(
        self, number: int, cells: list[str], numbered: Iterator[tuple[int, list[str]]]
    ) -> None:
        """Pass over single cells below a blank line; a full row among them is a fault."""
        self.skipped_lines = 1
        for later_number, later in numbered:
            if len(later) > 1 and any(later[1:]):
                raise _ragged(
                    number, len(cells), len(self.header), f" (row {later_number} goes on)"
                )
            if any(later):
                self.skipped_lines += 1

    def _reading(self) -> _RowReader:
        return _RowReader(self._open_file, self.format, self._max_bytes)


class _RowReader:
    """Opens the file and yields (row number, cells); a context manager, so that it is closed again."""

    def __init__(self, open_file: OpenFile, file_format: FileFormat, max_bytes: int) -> None:
        self._open_file = open_file
        self._format = file_format
        self._max_bytes = max_bytes

    def __enter__(self) -> Iterator[tuple[int, list[str]]]:
        self._binary = self._open_file()
        self._text = io.TextIOWrapper(
            io.BufferedReader(_CountedBytes(self._binary, self._max_bytes), CHUNK_BYTES),
            encoding=self._format.encoding,
            newline="",
        )
        return self._numbered()

    def __exit__(self, *exception: object) -> None:
        self._text.detach()
        self._binary.close()

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        lines = _Lines(self._text)
        reader = csv.reader(lines, delimiter=self._format.delimiter, strict=True)
        number = 0
        try:
            for cells in reader:
                if number == 0 and len(cells) <= 2 and cells and cells[0].startswith("sep="):
                    # Excel's own way to name the delimiter; not part of the table.
                    lines.begin_row()
                    continue
                number += 1
                lines.begin_row()
                yield number, cells
        except csv.Error as error:
            raise _unreadable(number + 1, error) from error
        except UnicodeDecodeError as error:
            raise wrong_encoding() from error


class _Lines:
    """The lines of a text, each of bounded length, with the length of the row so far."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._row_characters = 0

    def begin_row(self) -> None:
        self._row_characters = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE_CHARACTERS)
        if not line:
            raise StopIteration
        self._row_characters += len(line)
        if len(line) >= MAX_LINE_CHARACTERS or self._row_characters > MAX_ROW_CHARACTERS:
            raise FileRefusedError(
                "row_too_long",
                "A row of the file is longer than a megabyte: either a quoted cell is never closed, "
                "or this is not a table with one record per line.",
            )
        if "\0" in line:
            raise not_text()
        return line


class _CountedBytes(io.RawIOBase):
    """Reads through and stops as soon as more than ``max_bytes`` have come."""

    def __init__(self, binary: BinaryIO, max_bytes: int) -> None:
        self._binary = binary
        self._left = max_bytes
        self._max_bytes = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._binary.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise FileTooLargeError(self._max_bytes)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def name_columns(cells: list[str]) -> list[str]:
    """Return the column names: trimmed, unnamed ones numbered, repeated ones told apart.

    Raises:
        FileRefusedError: the first row names no column, or far too many.
    """
    if not any(cell.strip() for cell in cells):
        raise FileRefusedError(
            "no_header", "The first row of the file must name the columns; it is blank."
        )
    if len(cells) > MAX_COLUMNS:
        raise FileRefusedError("too_many_columns", f"The file has more than {MAX_COLUMNS} columns.")
    seen: Counter[str] = Counter()
    names = []
    for position, cell in enumerate(cells, start=1):
        name = " ".join(cell.split())[:200] or f"column {position}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _without_empty_tail(number: int, cells: list[str], width: int) -> list[str]:
    """Drop empty cells beyond the header (spreadsheets add them); anything else is a fault."""
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    raise _ragged(number, len(cells), width, "")


def _ragged(number: int, cells: int, width: int, more: str) -> FileRefusedError:
    noun = "cell" if cells == 1 else "cells"
    return FileRefusedError(
        "ragged",
        f"Row {number} has {cells} {noun}, but the header has {width}{more}. A delimiter inside a cell must "
        "stand in quotes; export the file again, or mend that row.",
    )


def _unreadable(number: int, error: csv.Error) -> FileRefusedError:
    if "field larger" in str(error) or "unexpected end" in str(error):
        return FileRefusedError(
            "open_quote",
            f"A quoted cell that begins in row {number} is never closed. Mend the quotes there.",
        )
    return FileRefusedError(
        "quotes", f"Row {number} cannot be read: its quotes do not match. Mend that row."
    )
