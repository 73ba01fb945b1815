"""Tables that people upload to try predictions on: kept for a day, known by a signed token until then."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from apps.crm.importing.exceptions import FileRefusedError
from apps.crm.importing.formats import detect_format
from apps.crm.importing.tables import Table
from apps.crm.importing.uploads import display_name, is_stored, open_stored, store_upload
from apps.predictions.exceptions import UploadGoneError
from apps.tenants.connections import tenant_connection
from apps.users.models import User

FOLDER = "trials"
# As much as one worker tries in some minutes; larger ones are for ``manage.py evaluate_model``.
MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS, MAX_COLUMNS = 100_000, 300
TOKEN_LASTS_S = 24 * 3600
# So many rows tell what a column holds, and so many values of it are shown.
SAMPLE_ROWS, SAMPLE_VALUES = 2_000, 4
_SALT = "predictions.trial"


@dataclass(frozen=True, slots=True)
class Upload:
    """A kept file and the name that it had."""

    stored_path: str
    file_name: str


@dataclass(frozen=True, slots=True)
class SampledColumn:
    """A column of the file and what stands in it most, by the first rows; ``different`` counts its values."""

    name: str
    values: tuple[str, ...]
    different: int


def keep_upload(upload: UploadedFile[Any]) -> Upload:
    """Keep an uploaded file."""
    return Upload(store_upload(upload, FOLDER), display_name(upload.name or ""))


def token_of(upload: Upload, user: User) -> str:
    """A text by which this person finds the upload again, in this tenant and for a day."""
    return signing.dumps(
        [tenant_connection().schema_name, user.pk, upload.stored_path, upload.file_name],
        salt=_SALT,
        compress=True,
    )


def upload_of(token: str, user: User) -> Upload:
    """Return the upload of a token.

    Raises:
        UploadGoneError: it is not this person's, too old, or its file is gone.
    """
    try:
        schema, user_id, path, name = signing.loads(token, salt=_SALT, max_age=TOKEN_LASTS_S)
    except (signing.BadSignature, ValueError) as error:
        raise UploadGoneError() from error
    if (schema, user_id) != (tenant_connection().schema_name, user.pk) or not is_stored(path):
        raise UploadGoneError()
    return Upload(path, name)


def sample_columns(upload: Upload) -> tuple[SampledColumn, ...]:
    """Read the header and what stands in the first rows, and count all of them.

    Raises:
        FileRefusedError: the file is no table, or has too many rows or columns.
    """
    open_file = open_stored(upload.stored_path)
    table = Table(open_file, detect_format(open_file, max_bytes=MAX_BYTES), MAX_BYTES)
    if len(table.header) > MAX_COLUMNS:
        raise FileRefusedError(
            "too_many_columns", f"The file has more than {MAX_COLUMNS} columns. Leave some away."
        )
    cells: list[list[str]] = []
    for count, row in enumerate(table.rows(), start=1):
        if count > MAX_ROWS:
            raise FileRefusedError(
                "too_many_rows", f"The file has more than {MAX_ROWS:,} rows. Try a part of it."
            )
        if count <= SAMPLE_ROWS:
            cells.append(row.cells)
    if not cells:
        raise FileRefusedError("no_rows", "The file has no rows below its header.")
    columns = zip(table.header, zip(*cells, strict=True), strict=True)
    return tuple(_sample(name, values) for name, values in columns)


def _sample(name: str, cells: tuple[str, ...]) -> SampledColumn:
    counted = Counter(text for cell in cells if (text := cell.strip()))
    most = tuple(text[:60] for text, _ in counted.most_common(SAMPLE_VALUES))
    return SampledColumn(name, most, len(counted))
