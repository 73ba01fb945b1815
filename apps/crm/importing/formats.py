"""How a delimited text file is written: which encoding, which delimiter.

Everything that is wrong with the file as a whole raises ``FileRefusedError`` with a stable ``fault``.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from apps.crm.importing.delimiters import DELIMITER_NAMES, detect_delimiter
from apps.crm.importing.encodings import ENCODING_NAMES, SAMPLE_BYTES, detect_encoding
from apps.crm.importing.exceptions import FileRefusedError, FileTooLargeError

OpenFile = Callable[[], BinaryIO]


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
        found, size = detect_encoding(binary, max_bytes, encoding)
    with open_file() as binary:
        sample = binary.read(SAMPLE_BYTES)
    text = codecs.getincrementaldecoder(found)().decode(sample)
    if not text.strip():
        raise FileRefusedError("empty", "The file is empty.")
    return FileFormat(found, delimiter or detect_delimiter(text), size)
