"""ETags and ``If-Match``: a client says which revision it read, and writes only over that one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.http import parse_etags
from rest_framework.request import Request

from apps.crm.exceptions import RecordConflictError
from apps.crm.models import Record

# A proxy that compresses answers marks their ETags as weak; the revision in it still holds.
_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must be true before a write: the record exists, perhaps at one revision."""

    must_exist: bool = False
    revision: int | None = None


def etag_of(record: Record) -> str:
    """The record's revision as an ETag."""
    return f'"{record.revision}"'


def read_precondition(request: Request) -> Precondition:
    """Read ``If-Match``.

    Raises:
        RecordConflictError: it names something that no record's ETag can be.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return Precondition()
    etags = parse_etags(header)
    if etags == ["*"]:
        return Precondition(must_exist=True)
    found = _ETAG.fullmatch(etags[0]) if len(etags) == 1 else None
    if found is None:
        raise RecordConflictError(None)
    return Precondition(must_exist=True, revision=int(found[1]))
