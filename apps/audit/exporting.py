"""Sending a table of a page as a CSV file, on record as every export is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.tenants.exports import stream_csv
from apps.users.models import User


def send_table(
    request: HttpRequest,
    user: User,
    *,
    what: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    filters: Sequence[str] = (),
) -> HttpResponseBase:
    """Send the rows; ``what`` names the table in the audit log and, with the day, the file."""
    details: dict[str, Detail] = {"what": what, "filters": [*filters], "format": "csv"}
    record_event(Actor.for_person(user), Entry(Event.EXPORTED, details=details))
    file_name = f"{what}-{timezone.localdate().isoformat()}.csv"
    zone = timezone.get_current_timezone()
    # The file is written when the request's own zone is over.
    lines = (
        [
            cell.astimezone(zone).isoformat(timespec="minutes")
            if isinstance(cell, datetime)
            else cell
            for cell in row
        ]
        for row in rows
    )
    return stream_csv(request, file_name=file_name, header=header, rows=lines)
