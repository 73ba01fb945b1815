"""What happened to suggestions, in the order of transactions, for programs that follow it.

The same promise as that of the records' feed (``apps.crm.feed``), read from the audit log: what was shown,
asked in vain or refused is a matter of the log alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.crm.feed import LOOKED_AT, settled_before, stretch_of
from apps.suggestions.services import visible_by_id
from apps.tenants.transactions import Place
from apps.users.models import User

_ABOUT_THE_LOG_ALONE = {Event.SUGGESTION_SHOWN, Event.SUGGESTION_STALE}
TOLD = [
    event
    for event in Event
    if event.startswith(("suggestion.", "execution.")) and event not in _ABOUT_THE_LOG_ALONE
]

_NEXT_EVENTS = """
SELECT transaction_id, id, suggestion_id, event FROM audit_auditentry
WHERE (transaction_id, id) > (%s, %s) AND transaction_id < %s AND suggestion_id IS NOT NULL
ORDER BY transaction_id, id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, where the next ones begin, and whether there are any by now."""

    events: tuple[AuditEntry, ...]
    next_place: Place
    has_more: bool


def read_events(viewer: User, after: Place, *, limit: int) -> EventPage:
    """Return what happened after a place to suggestions that this person may see now, at most ``limit``.

    Raises:
        CursorUnknownError: the place lies in another database's future: it was restored from a backup.
    """
    oldest_open = settled_before(after)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_EVENTS, [after.transaction_id, after.row_id, oldest_open, LOOKED_AT])
        rows = cursor.fetchall()
    offered = [row for row in rows if row[3] in TOLD]
    seen = visible_by_id(viewer, {suggestion_id for _, _, suggestion_id, _ in offered})
    told = [Place(at, pk) for at, pk, suggestion_id, _ in offered if suggestion_id in seen]
    looked_at = [Place(at, pk) for at, pk, _, _ in rows]
    page = stretch_of(told, looked_at, after=after, limit=limit)
    found = AuditEntry.objects.in_bulk(page.row_ids)
    events = tuple(found[row_id] for row_id in page.row_ids)
    return EventPage(events, page.next_place, page.has_more)
