"""Small files to import, and how to import them in a test."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage

from apps.audit.schemas import Actor
from apps.crm.enums import RecordKind
from apps.crm.importing.services import ImportSummary, import_file

ACTOR = Actor.for_system("tests")


def write_file(folder: Path, text: str, encoding: str = "utf-8", name: str = "file.csv") -> Path:
    """Write a file as it stands, line ends included."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def import_text(
    folder: Path, kind: RecordKind, text: str, encoding: str = "utf-8", **options: Any
) -> ImportSummary:
    """Import a file with this text into the tenant that the connection stands in."""
    options.setdefault("actor", ACTOR)
    return import_file(kind=kind, path=write_file(folder, text, encoding), **options)


def problems_of(path: str) -> list[list[str]]:
    """The list of problems, its head first."""
    with default_storage.open(path, "rb") as binary:
        return list(csv.reader(io.StringIO(binary.read().decode("utf-8-sig"))))
