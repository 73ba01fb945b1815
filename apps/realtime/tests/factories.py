"""Sessions and events for tests."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue

from apps.assistant.threads import open_conversation
from apps.audit.enums import Origin
from apps.realtime.enums import Direction
from apps.realtime.models import Session
from apps.realtime.schemas import BatchIn, EventIn
from apps.users.models import User

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def make_session(person: User, **fields: Any) -> Session:
    """A session whose token was issued at ``NOW``."""
    values: dict[str, Any] = {
        "conversation": open_conversation(person, None, NOW),
        "model": "stand-in",
        "voice": "marin",
        "issued_at": NOW,
        "secret_expires_at": NOW + timedelta(minutes=2),
        "last_seen_at": NOW,
    }
    return Session.objects.create(person=person, **(values | fields))


def event(
    type_: str,
    at_ms: float = 0,
    direction: Direction = Direction.LOCAL,
    *,
    turn: int | None = None,
    data: Mapping[str, JsonValue] | None = None,
    event_id: uuid.UUID | None = None,
) -> EventIn:
    """An event as the browser tells it."""
    return EventIn(
        v=1,
        id=event_id or uuid.uuid4(),
        at_ms=at_ms,
        at=NOW,
        direction=direction,
        type=type_,
        origin=Origin.REALTIME,
        turn=turn,
        size_bytes=100,
        data=dict(data or {}),
    )


def batch(session: Session, *events: EventIn, number: int = 1, left_out: int = 0) -> BatchIn:
    """A batch of a session's events."""
    return BatchIn(
        kind="events", session=session.pk, batch=number, left_out=left_out, events=list(events)
    )
