"""Reading a delimited text file: which encoding, which delimiter, and its rows one at a time.

Nothing here holds more than one row: a file of any size is refused or read in constant memory.
Everything that is wrong with the file as a whole raises ``FileRefusedError`` with a stable ``fault``.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from apps.crm.importing.exceptions import FileRefusedError, FileTooLargeError

OpenFile = Callable[[], BinaryIO]

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252 (Western European)",
}
CHUNK_BYTES = 1024 * 1024
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 100
# A row of a CRM export is some kilobytes; a megabyte without a line end is no table.
MAX_LINE_CHARACTERS = 1024 * 1024
MAX_ROW_CHARACTERS = 4 * MAX_LINE_CHARACTERS
MAX_COLUMNS = 1000

# How a file that is no text begins, and what to tell the person.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (
        b"PK\x03\x04",
        "This is an Excel workbook or a ZIP archive. Save the sheet as CSV (UTF-8) first.",
    ),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook. Save the sheet as CSV (UTF-8) first."),
    (b"%PDF", "This is a PDF document. Export the table as CSV first."),
    (b"\x1f\x8b", "This is a compressed file. Unpack it first."),
)
# In Western European text most signs of a word are plain letters; in other scripts few are.
_WORD = re.compile(r"[A-Za-z\x80-\uffff]{3,}")
# What follows a letter at the end of Western text. With it „Spaß“ and the closing guillemets of French, a
# space before them, are UTF-8 by accident. Not after Â, Ã, Ä and Å: that is what UTF-8's Latin letters look
# like in Windows-1252, and hardly a word ends so.
_CLOSING_MARKS = frozenset("…‘’“”–—\u00a0«»®".encode("cp1252"))
_FIRST_ACCIDENTAL = "\u0180"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How the file is written. ``encoding`` is a Python codec."""

    encoding: str
    delimiter: str
    size_bytes: int

    def describe(self) -> str:
        """Name encoding and delimiter for a person."""
        encoding = ENCODING_NAMES.get(self.encoding, self.encoding)
        return (
            f"{encoding}, columns parted by {DELIMITER_NAMES.get(self.delimiter, self.delimiter)}"
        )


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
            raise _wrong_encoding() from error


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
            raise _binary()
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


def open_path(path: Path) -> OpenFile:
    """Return the opener of a file on disk.

    Raises:
        FileRefusedError: there is no such file, or it is a directory or a device.
    """
    if not path.is_file():
        raise FileRefusedError("missing", f"There is no file {path}.")
    return lambda: path.open("rb")


def detect_format(
    open_file: OpenFile,
    *,
    max_bytes: int,
    size_bytes: int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> FileFormat:
    """Find out encoding and delimiter by evidence; a given one is checked, not believed.

    Every byte is looked at once, so that a wrong encoding is found before the first row is used.
    A ``size_bytes`` above the limit refuses the file before it is opened.

    Raises:
        FileRefusedError: the file is empty, too large, binary, or in an unknown encoding or delimiter.
    """
    if size_bytes is not None and size_bytes > max_bytes:
        raise FileTooLargeError(max_bytes)
    with open_file() as binary:
        found, size = _detect_encoding(binary, max_bytes, encoding)
    with open_file() as binary:
        sample = binary.read(SAMPLE_BYTES)
    text = codecs.getincrementaldecoder(found)().decode(sample)
    if not text.strip():
        raise FileRefusedError("empty", "The file is empty.")
    return FileFormat(found, delimiter or _detect_delimiter(text), size)


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


def _detect_encoding(binary: BinaryIO, max_bytes: int, wanted: str | None) -> tuple[str, int]:
    """Return the codec and the size in bytes, having decoded the whole file."""
    head = binary.read(4)
    if not head:
        raise FileRefusedError("empty", "The file is empty.")
    for signature, message in _SIGNATURES:
        if head.startswith(signature):
            raise FileRefusedError("binary", message)
    binary.seek(0)
    sample = binary.read(SAMPLE_BYTES)
    binary.seek(0)
    if wanted is not None:
        return _decode_through(binary, [wanted], max_bytes)
    if head.startswith(codecs.BOM_UTF8):
        return _decode_through(binary, ["utf-8-sig"], max_bytes)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise _wrong_encoding()
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode_through(binary, ["utf-16"], max_bytes)
    if b"\0" in sample:
        return _decode_through(binary, [_utf16_without_mark(sample)], max_bytes)
    return _decode_through(binary, ["utf-8", "cp1252"], max_bytes)


def _decode_through(binary: BinaryIO, candidates: list[str], max_bytes: int) -> tuple[str, int]:
    """Decode the whole file with each candidate at once; the first that never failed wins."""
    try:
        decoders = {name: codecs.getincrementaldecoder(name)() for name in candidates}
    except LookupError as error:
        raise FileRefusedError(
            "wrong_encoding", f"There is no encoding {candidates[0]!r}."
        ) from error
    evidence = _Evidence()
    size = 0
    while chunk := binary.read(CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise FileTooLargeError(max_bytes)
        if not chunk.isascii() and "cp1252" in decoders:
            evidence.look_at(chunk)
        for name, decoder in list(decoders.items()):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError:
                del decoders[name]
                continue
            if "\0" in text:
                raise _binary()
        if not decoders:
            raise _wrong_encoding()
    for name, decoder in decoders.items():
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        if name == "cp1252":
            evidence.require_western()
        return name, size
    raise _wrong_encoding()


class _Evidence:
    """Tells Western European text from what merely decodes as such: Windows-1252 takes nearly any byte."""

    def __init__(self) -> None:
        self._as_utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._holds_utf8 = False
        self._words = self._foreign_words = 0

    def look_at(self, chunk: bytes) -> None:
        signs = set(self._as_utf8.decode(chunk)) - {"\ufffd"}
        self._holds_utf8 |= any(not sign.isascii() and not _is_accidental(sign) for sign in signs)
        for word in _WORD.findall(chunk.decode("cp1252", "replace")):
            if not word.isascii():
                self._words += 1
                self._foreign_words += sum(not sign.isascii() for sign in word) * 2 > len(word)

    def require_western(self) -> None:
        """Raise unless the bytes above 127 look like the letters of a Western European language.

        Called for a file that is not UTF-8 throughout: one sign of UTF-8 makes it a mixture.
        """
        if self._holds_utf8:
            raise FileRefusedError(
                "wrong_encoding",
                "Part of the file is UTF-8, but some bytes are not: it was damaged or put together from two "
                "files. Export it again as “CSV UTF-8”.",
            )
        if self._foreign_words > 1 and self._foreign_words * 2 > self._words:
            raise _wrong_encoding()


def _is_accidental(sign: str) -> bool:
    """Whether a sign that was read as UTF-8 is as Windows-1252 a letter and the marks that close a text."""
    return sign >= _FIRST_ACCIDENTAL and _CLOSING_MARKS.issuperset(sign.encode()[1:])


def _utf16_without_mark(sample: bytes) -> str:
    """In UTF-16 of mostly Western text every second byte is zero; on which side tells the order."""
    pairs = len(sample) // 2
    high_zeros, low_zeros = sample[1::2].count(0), sample[0::2].count(0)
    if high_zeros > pairs * 0.4 and low_zeros < pairs * 0.05:
        return "utf-16-le"
    if low_zeros > pairs * 0.4 and high_zeros < pairs * 0.05:
        return "utf-16-be"
    raise _binary()


def _detect_delimiter(text: str) -> str:
    """Choose the delimiter under which most of the first rows have as many cells as the header."""
    sample = text if len(text) < SAMPLE_BYTES // 4 else text[: text.rfind("\n") + 1] or text
    first_line = sample.lstrip().splitlines()[0]
    if first_line.startswith("sep=") and len(first_line) == 5:
        return first_line[4]
    best: tuple[int, int] = (0, 0)
    chosen = ""
    for delimiter in DELIMITERS:
        widths = _sample_widths(sample, delimiter)
        if widths and widths[0] > 1:
            score = (sum(width == widths[0] for width in widths), widths[0])
            if score > best:
                best, chosen = score, delimiter
    if chosen:
        return chosen
    other = next((sign for sign in "^~#:\x1f" if first_line.count(sign) > 1), None)
    if other is not None:
        raise FileRefusedError(
            "wrong_delimiter",
            f"The columns seem to be parted by “{other}”. Export the file with commas, semicolons, tabs or "
            "vertical bars.",
        )
    # A list with a single column needs no delimiter.
    return ","


def _sample_widths(sample: str, delimiter: str) -> list[int]:
    widths = []
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if any(cells):
                widths.append(len(cells))
            if len(widths) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return widths


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


def _binary() -> FileRefusedError:
    return FileRefusedError(
        "binary",
        "The file holds bytes that no text has (NUL). It is not a CSV file, or it was damaged.",
    )


def _wrong_encoding() -> FileRefusedError:
    return FileRefusedError(
        "wrong_encoding",
        "The file is neither UTF-8 nor UTF-16 nor Windows-1252 (Western European) text. Export it again "
        "as “CSV UTF-8”.",
    )
