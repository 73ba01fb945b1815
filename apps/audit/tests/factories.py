"""Entries of the audit log, written the one way there is."""

from __future__ import annotations

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event


def make_entry(
    event: Event = Event.SCAN_STARTED,
    *,
    actor: Actor | None = None,
    record_kind: str = "",
    record_id: int | None = None,
    suggestion_id: int | None = None,
    **details: Detail,
) -> AuditEntry:
    """Write one entry and return it."""
    who = actor or Actor(None, "tests", Origin.TRIGGER, "")
    record_event(who, Entry(event, record_kind, record_id, suggestion_id, details=details))
    newest: AuditEntry = AuditEntry.objects.order_by("-id")[0]
    return newest
