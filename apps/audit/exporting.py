"""Sending a table of a page as a CSV file, on record as every export is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.core.exceptions import BadRequest
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.tenants.exports import stream_csv
from apps.users.models import User


def filters_asked(form: BaseForm) -> list[str]:
    """The names of the filters that narrow a list, as the log tells of an export.

    Raises:
        BadRequest: one of them cannot be read; a file of everything would be taken for the part asked for.
    """
    if not form.is_valid():
        raise BadRequest("No rows can be found by this.")
    return sorted(form.changed_data)


def send_table(
    request: HttpRequest,
    user: User,
    *,
    what: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    filters: Sequence[str] = (),
    exact_to: str = "minutes",
) -> HttpResponseBase:
    """Send the rows; ``what`` names the table in the audit log and, with the day, the file.

    Moments are told in the reader's zone, exact to ``exact_to`` as ``isoformat`` names it.
    """
    details: dict[str, Detail] = {"what": what, "filters": [*filters], "format": "csv"}
    record_event(Actor.for_person(user), Entry(Event.EXPORTED, details=details))
    file_name = f"{what}-{timezone.localdate().isoformat()}.csv"
    zone = timezone.get_current_timezone()
    # The file is written when the request's own zone is over.
    lines = (
        [
            cell.astimezone(zone).isoformat(timespec=exact_to)
            if isinstance(cell, datetime)
            else cell
            for cell in row
        ]
        for row in rows
    )
    return stream_csv(request, file_name=file_name, header=header, rows=lines)
