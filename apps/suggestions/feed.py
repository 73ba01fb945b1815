"""What happened to suggestions, in the order of transactions, for programs that follow it.

The same promise as that of the records' feed (``apps.crm.feed``), read from the audit log: what was shown,
asked in vain or refused is a matter of the log alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.crm.exceptions import CursorUnknownError
from apps.suggestions.services import visible_by_id
from apps.tenants.transactions import Place, read_snapshot
from apps.users.models import User

# Of so many events those for this person are chosen.
LOOKED_AT = 1000

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
    snapshot = read_snapshot()
    if after.transaction_id > snapshot.next_one:
        raise CursorUnknownError()
    with connection.cursor() as cursor:
        cursor.execute(
            _NEXT_EVENTS, [after.transaction_id, after.row_id, snapshot.oldest_open, LOOKED_AT]
        )
        rows = cursor.fetchall()
    offered = [row for row in rows if row[3] in TOLD]
    seen = visible_by_id(viewer, {suggestion_id for _, _, suggestion_id, _ in offered})
    told = [Place(at, pk) for at, pk, suggestion_id, _ in offered if suggestion_id in seen]
    page = told[:limit]
    read_up_to = [Place(at, pk) for at, pk, _, _ in rows]
    last = page if len(told) > limit else read_up_to
    found = AuditEntry.objects.in_bulk([place.row_id for place in page])
    return EventPage(
        events=tuple(found[place.row_id] for place in page),
        next_place=last[-1] if last else after,
        has_more=len(told) > limit or len(rows) == LOOKED_AT,
    )
