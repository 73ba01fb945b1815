"""Uploads and lists of problems: in the tenant's own folder, under random names, for a limited time."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import PurePath
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from apps.crm.importing.formats import OpenFile
from apps.crm.importing.problems import REFUSED, RowProblem, write_problems

FOLDER = "imports"
_SPOOL_BYTES = 1024 * 1024
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def store_upload(upload: UploadedFile[Any], folder: str = FOLDER) -> str:
    """Keep an uploaded file under a name of ours; return the name in the storage."""
    return default_storage.save(f"{folder}/{uuid.uuid4().hex}.csv", upload)


def open_stored(stored_path: str) -> OpenFile:
    """Return the opener of a kept file."""
    return lambda: default_storage.open(stored_path, "rb")  # type: ignore[return-value]


def is_stored(stored_path: str) -> bool:
    """Whether the kept file is still there."""
    return bool(stored_path) and default_storage.exists(stored_path)


def stored_size_bytes(stored_path: str) -> int:
    """The size of a kept file."""
    return default_storage.size(stored_path)


def remove_stored(stored_path: str) -> None:
    """Remove a kept file; none is no error."""
    if stored_path:
        default_storage.delete(stored_path)


def store_problems(problems: Iterable[RowProblem]) -> str:
    """Keep the list of problems as CSV; return its name, or an empty text when there is none.

    With a byte order mark, so that spreadsheets show letters with accents as they are.
    """
    problems = iter(problems)
    first = next(problems, None)
    if first is None:
        return ""
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
        write_problems(text, _from(first, problems))
        text.flush()
        binary.seek(0)
        name = default_storage.save(f"{FOLDER}/{uuid.uuid4().hex}-problems.csv", File(binary))
        text.detach()
    return name


def read_problem_lines(stored_path: str) -> Iterator[list[str]]:
    """The lines of a kept list below its header, one at a time."""
    with default_storage.open(stored_path, "rb") as binary:
        lines = csv.reader(io.TextIOWrapper(binary, encoding="utf-8-sig", newline=""))
        next(lines, None)
        yield from lines


def read_first_problems(stored_path: str, limit: int) -> list[RowProblem]:
    """The first problems of a kept list, for a page."""
    return [
        RowProblem(int(number or 0), column, value, message, result == REFUSED)
        for number, column, value, message, result in islice(read_problem_lines(stored_path), limit)
    ]


def display_name(file_name: str) -> str:
    """The last part of an uploaded file's name, without what could mislead on a page."""
    name = _UNPRINTABLE.sub("", PurePath(file_name.replace("\\", "/")).name).strip()
    return name[:200] or "file.csv"


def _from(first: RowProblem, rest: Iterable[RowProblem]) -> Iterable[RowProblem]:
    yield first
    yield from rest
