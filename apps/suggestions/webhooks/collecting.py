"""From the audit log to messages: each event once for each endpoint that listens to it.

The log is written in the transaction of the decision or the execution, and is never changed: it is the
outbox. It is followed by transactions, as the triggers follow the change log: before reading, the oldest
transaction that is still open is noted, and the next look reads again from it on. A slow transaction delays
its own messages and no others, loses none, and what is read twice is told once, by a unique constraint.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from apps.suggestions.webhooks.enums import DeliveryState, EventKind
from apps.suggestions.webhooks.models import ONLY_ROW, WebhookCursor
from apps.suggestions.webhooks.rules import KINDS, NEWS_FOR
from apps.tenants.transactions import read_snapshot

# A failed undo leaves its suggestion as it was: the execution alone has failed.
_COLLECT = """
WITH told (event, kind) AS (SELECT * FROM unnest(%(events)s::text[], %(kinds)s::text[]))
INSERT INTO suggestions_webhookdelivery
    (endpoint_id, entry_id, kind, suggestion_id, execution_id, record_kind, record_id, tool, occurred_at,
     state, attempts, next_attempt_at, error_code)
SELECT p.id, a.id, t.kind, a.suggestion_id, a.execution_id, a.record_kind, a.record_id,
       coalesce(a.details ->> 'tool', g.tool, ''), a.occurred_at, %(queued)s, 0, %(now)s, ''
FROM audit_auditentry a
JOIN told t ON t.event = a.event
JOIN suggestions_webhookendpoint p
  ON p.is_enabled AND t.kind = ANY (p.events) AND a.occurred_at >= p.listens_since
LEFT JOIN suggestions_suggestion g ON g.id = a.suggestion_id
WHERE a.transaction_id >= %(cursor)s AND a.id > %(after)s AND a.occurred_at > %(oldest)s
  AND NOT (t.kind = %(failed)s AND a.details ? 'undoes')
ORDER BY a.id, t.kind, p.id
ON CONFLICT DO NOTHING
"""


def collect(now: datetime) -> int:
    """Queue messages about what has happened since the last look; return how many.

    Two at once do no harm: the second finds the cursor taken and leaves it to the first.
    """
    with transaction.atomic():
        cursor = (
            WebhookCursor.objects.select_for_update(skip_locked=True).filter(pk=ONLY_ROW).first()
        )
        if cursor is None:
            return 0
        snapshot = read_snapshot()
        if cursor.transaction_id > snapshot.next_one:
            # From another database's past: this one was restored, and counts its transactions anew.
            cursor.transaction_id = 0
            cursor.after_entry = _highest_from_elsewhere(snapshot.next_one)
        queued = _queue(cursor, now)
        cursor.transaction_id = snapshot.oldest_open
        cursor.save()
    return queued


def begin_reading() -> None:
    """Let the log be read from now on, unless it is read already."""
    row = WebhookCursor(pk=ONLY_ROW, transaction_id=read_snapshot().oldest_open)
    WebhookCursor.objects.bulk_create([row], ignore_conflicts=True)


def _queue(cursor: WebhookCursor, now: datetime) -> int:
    with connection.cursor() as db:
        db.execute(
            _COLLECT,
            {
                "events": [event.value for event, _ in KINDS],
                "kinds": [kind.value for _, kind in KINDS],
                "queued": DeliveryState.QUEUED.value,
                "failed": EventKind.SUGGESTION_FAILED.value,
                "cursor": cursor.transaction_id,
                "after": cursor.after_entry,
                "oldest": now - NEWS_FOR,
                "now": now,
            },
        )
        return int(db.rowcount)


def _highest_from_elsewhere(next_transaction: int) -> int:
    with connection.cursor() as db:
        db.execute(
            "SELECT coalesce(max(id), 0) FROM audit_auditentry WHERE transaction_id >= %s",
            [next_transaction],
        )
        return int(db.fetchone()[0])
