"""The audit log as a page and as a CSV file."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.enums import Event
from apps.audit.exporting import filters_asked, send_table
from apps.audit.forms import AuditFilterSet
from apps.audit.heads import export_heads
from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.querysets import sees_whole_log
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.tenants.connections import tenant_connection
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User
from apps.users.services import person_of

PAGE_SIZE = 50
EXPORT_CHUNK = 2000
HEADER = (
    "Id", "Time", "Event", "By", "Origin", "Record kind", "Record", "Suggestion", "Execution",
    "Request", "Details",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry with what a row of the page needs beside its columns."""

    entry: AuditEntry
    record_url: str
    suggestion_url: str
    details: tuple[tuple[str, str], ...]


@require_safe
def list_entries(request: HttpRequest) -> HttpResponse:
    """The log, newest first. Who may not see all of it sees what they did themselves."""
    user = person_of(request)
    filter_set = read_filters(request, user)
    # All of it would be taken for the part that was asked for.
    rows = filter_set.qs if filter_set.is_valid() else filter_set.queryset.none()
    page = CappedPaginator(rows, PAGE_SIZE, request.GET.get("page")).asked_page()
    context = {
        "nav_section": "audit",
        "filters": filter_set.form,
        "is_narrowed": filter_set.form.has_changed(),
        "sees_all": sees_whole_log(user),
        "head": AuditSeal.objects.last_seal() if sees_whole_log(user) else None,
        "page": page,
        "entries": [_show(entry) for entry in page],
    }
    return render(request, "audit/entry_list.html", context)


@require_safe
def export_entries(request: HttpRequest) -> HttpResponseBase:
    """The log as it is on screen, all pages of it, as a CSV file."""
    user = person_of(request)
    filter_set = read_filters(request, user)
    return send_table(
        request,
        user,
        what="audit",
        header=HEADER,
        rows=map(_line, filter_set.qs.iterator(chunk_size=EXPORT_CHUNK)),
        filters=filters_asked(filter_set.form),
        exact_to="seconds",
    )


def _line(entry: AuditEntry) -> list[object]:
    return [
        entry.pk,
        entry.occurred_at,
        entry.get_event_display(),
        entry.actor_name,
        entry.get_origin_display(),
        entry.record_kind,
        entry.record_id,
        entry.suggestion_id,
        entry.execution_id,
        entry.request_id,
        json.dumps(entry.details, ensure_ascii=False),
    ]


@require_safe
def export_head(request: HttpRequest) -> HttpResponse:
    """The head of the chain as a file, to be kept elsewhere; for who may read the whole log."""
    user = person_of(request)
    if not sees_whole_log(user):
        raise PermissionDenied("The head of the log is for managers and administrators.")
    heads = export_heads([tenant_connection().schema_name])
    details: dict[str, Detail] = {"what": "audit_head", "format": "json"}
    record_event(Actor.for_person(user), Entry(Event.EXPORTED, details=details))
    answer = HttpResponse(heads.model_dump_json(indent=2), content_type="application/json")
    file_name = f"audit-head-{timezone.localdate().isoformat()}.json"
    answer["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return answer


def read_filters(request: HttpRequest, user: User) -> AuditFilterSet:
    """Return the filters over the entries that this person may read."""
    entries = AuditEntry.objects.visible_to(user).order_by("-id")
    return AuditFilterSet(request.GET, queryset=entries, sees_all=sees_whole_log(user))


def _show(entry: AuditEntry) -> ShownEntry:
    return ShownEntry(
        entry=entry,
        record_url=_address(f"crm:{entry.record_kind}_detail", entry.record_id),
        suggestion_url=_address("suggestions:detail", entry.suggestion_id),
        details=tuple(
            (key.replace("_", " "), _words(value))
            for key, value in entry.details.items()
            if value != ""
        ),
    )


def _address(route: str, row_id: int | None) -> str:
    """The page of a row, by the name of its route; empty where there is no such page."""
    if row_id is None:
        return ""
    try:
        return reverse(route, args=[row_id])
    except NoReverseMatch:
        return ""


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "none"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
