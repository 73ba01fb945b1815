"""Events of connections on their way into the database: once each, in bulk, without words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from apps.realtime.config import stored_settings
from apps.realtime.exceptions import SessionOverError
from apps.realtime.flooding import Keeping, bounded, keeping_of_rows, kept, pace_of
from apps.realtime.models import TelemetryEvent
from apps.realtime.redaction import redacted
from apps.realtime.schemas import BatchIn, EventIn
from apps.realtime.sessions import find_session, follow
from apps.users.models import User

# A page that was asleep, or that had no network at the end, tells what it still has.
TAKEN_AFTER_END = timedelta(minutes=10)

_INSERT = """
    INSERT INTO realtime_telemetryevent
        (session_id, event_id, v, at_ms, received_at, direction, type, origin, turn, size_bytes, data)
    SELECT %s, e.id, e.v, e.at_ms, %s, e.direction, e.type, e.origin, e.turn, e.size_bytes, e.data
    FROM jsonb_to_recordset(%s::jsonb) AS e (
        id uuid, v smallint, at_ms float8, direction text, type text, origin text, turn integer,
        size_bytes integer, data jsonb
    )
    ON CONFLICT (session_id, event_id) DO NOTHING
    RETURNING event_id
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: the events that were new, as they were stored.

    ``ended`` is why the session had ended before, empty while it goes on. ``is_flood``: it came faster than a
    page of ours tells anything.
    """

    session_id: UUID
    person_id: int
    events: tuple[EventIn, ...]
    ended: str = ""
    is_flood: bool = False


def take(user: User, batch: BatchIn, now: datetime, *, is_loaded: bool = False) -> Taken:
    """Store a batch of a person's own session; an event that was told before is passed over.

    ``is_loaded``: what comes in floods is left out. So it is where the person's pages tell too much at once,
    or the session has too many events already (``flooding``). What is left out is counted.

    Raises:
        SessionNotFoundError: there is no such session of theirs in this tenant.
        SessionOverError: it ended too long ago.
    """
    session = find_session(user, batch.session)
    ended_at = session.ended_at
    if ended_at is not None and now - ended_at > TAKEN_AFTER_END:
        raise SessionOverError()
    pace = pace_of(user.pk, len(batch.events))
    load = Keeping.WITHOUT_PLENTIFUL if is_loaded else Keeping.ALL
    told = kept(batch.events, max(load, pace, keeping_of_rows(session.events_count)))
    left_out = len(batch.events) - len(told)
    settings = stored_settings()
    rows = {
        event.id: event.model_copy(
            update={"data": bounded(redacted(event.data, keeps_texts=settings.keeps_texts))}
        )
        for event in told
    }
    with transaction.atomic():
        new = insert_events(session.pk, list(rows.values()), now)
        fresh = tuple(event for event in rows.values() if event.id in new)
        if fresh or left_out or batch.left_out:
            follow(
                session.pk,
                fresh,
                left_out + batch.left_out,
                now,
                most_usd=settings.session_limit_usd,
            )
    return Taken(session.pk, user.pk, fresh, session.end_reason, pace > Keeping.ALL)


def remove_old(now: datetime) -> int:
    """Delete events that were kept for as long as the tenant wants; return how many that were."""
    kept_for = timedelta(days=stored_settings().telemetry_days)
    removed, _ = TelemetryEvent.objects.filter(received_at__lt=now - kept_for).delete()
    return removed


def insert_events(session_id: UUID, events: Sequence[EventIn], now: datetime) -> set[UUID]:
    """Store events as they are, in one statement; return the ids of those that were new."""
    if not events:
        return set()
    rows = json.dumps([event.model_dump(mode="json", exclude={"at"}) for event in events])
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [session_id, now, rows])
        return {event_id for (event_id,) in cursor.fetchall()}
