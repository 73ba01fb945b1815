"""A session from its token to its end: what its events say of it, its limits, and what was left open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from pydantic import JsonValue

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.realtime.config import RealtimeConfig
from apps.realtime.enums import EndReason, SessionState
from apps.realtime.exceptions import SessionNotFoundError, SessionOverError
from apps.realtime.models import Session
from apps.realtime.usage import Spoken, cost_usd, usage_of
from apps.users.models import User

if TYPE_CHECKING:
    from apps.realtime.schemas import EventIn

# A lift, a tunnel, a laptop that is opened again: after this, who comes back begins anew.
GRACE = timedelta(seconds=60)
# A page tells of itself at least every few seconds (statistics of the connection); so long without a word
# it is gone.
SILENT_FOR = timedelta(seconds=90)
WARNED_BEFORE = timedelta(seconds=60)
# OpenAI's ids of calls are such: “rtc_u1_9c6574da8b8a41a18da9308f4ad974ce”. It becomes a part of an address.
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{8,100}")
# A call that comes back more often is past its grace by then.
_MOST_CALLS = 20
# The events that change more of a session's row than its counts and times: each has its case in
# ``_follow_one``.
FOLLOWED = frozenset(
    {
        "aisha.answer", "aisha.connection_state", "aisha.drop", "aisha.reconnect", "aisha.end",
        "response.done",
    }
)  # fmt: skip
# How a person says something in a call.
ORIGINS = (Origin.TYPED, Origin.REALTIME)
# What a column of counts holds.
_MOST_COUNTED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Left:
    """What a session may still take: seconds until its longest length, US dollars until its own limit.

    ``month_usd`` is until the company's limit of the month; None where that is asked elsewhere.
    """

    seconds: int
    usd: Decimal
    month_usd: Decimal | None = None

    @property
    def reached(self) -> EndReason | None:
        """Which limit is reached, if any."""
        if self.usd <= 0:
            return EndReason.COST_LIMIT
        if self.month_usd is not None and self.month_usd <= 0:
            return EndReason.MONTH_LIMIT
        return EndReason.LENGTH_LIMIT if self.seconds <= 0 else None


def find_session(user: User, session_id: UUID) -> Session:
    """Return a session of this person.

    Raises:
        SessionNotFoundError: there is none of this id that is theirs.
    """
    session = Session.objects.filter(pk=session_id, person=user).first()
    if session is None:
        raise SessionNotFoundError()
    return session


def resumable(user: User, session_id: UUID, config: RealtimeConfig, now: datetime) -> Session:
    """Return a session of this person whose connection may be made again, if the month's limit lets it.

    Raises:
        SessionNotFoundError: there is none that is theirs.
        SessionOverError: it has ended, was lost too long ago, or a limit is reached.
    """
    session = find_session(user, session_id)
    require_open(session, config, now)
    if now - session.last_seen_at > GRACE:
        raise SessionOverError()
    return session


def require_open(
    session: Session, config: RealtimeConfig, now: datetime, month_usd: Decimal | None = None
) -> None:
    """Pass while a session goes on.

    Raises:
        SessionOverError: it has ended, or a limit is reached.
    """
    reached = left_of(session, config, now, month_usd).reached
    if session.state == SessionState.ENDED or reached:
        raise SessionOverError(session.end_reason or reached or "")


def left_of(
    session: Session, config: RealtimeConfig, now: datetime, month_usd: Decimal | None = None
) -> Left:
    """What the limits leave. The length counts from the first connection on, or from the token.

    ``month_usd`` is what the company's limit of the month leaves.
    """
    limits = config.limits
    ends = (session.began_at or session.issued_at) + limits.length
    seconds = int((ends - now).total_seconds())
    return Left(seconds, limits.session_usd - session.cost_usd, month_usd)


def follow(
    session_id: UUID,
    events: Sequence[EventIn],
    left_out: int,
    now: datetime,
    *,
    most_usd: Decimal,
) -> None:
    """Bring a session's row up to what its events say; called once for each new event.

    ``most_usd`` is what a session may cost.
    """
    with transaction.atomic():
        session = Session.objects.select_for_update().get(pk=session_id)
        session.last_seen_at = max(session.last_seen_at, now)
        session.events_count += len(events)
        session.events_left_out = min(session.events_left_out + left_out, _MOST_COUNTED)
        # Before the first turn nobody has said anything.
        said = {event.origin for event in events if event.turn is not None}
        session.origins = sorted({*session.origins, *said.intersection(ORIGINS)})
        for event in events:
            _follow_one(session, event, now)
        # What a browser says that it has cost beyond its limit, nobody need believe: the call is over.
        session.cost_usd = min(session.cost_usd, most_usd)
        session.save()


def end_session(session: Session, reason: EndReason, now: datetime) -> None:
    """End a session, once."""
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        _end(row, reason, now)
        row.save()


def close_lost(now: datetime) -> int:
    """End the sessions of which nothing has been heard; return how many that were."""
    lost = Session.objects.exclude(state=SessionState.ENDED).filter(
        last_seen_at__lt=now - SILENT_FOR
    )
    for session in lost:
        never = session.began_at is None
        end_session(session, EndReason.NEVER_CONNECTED if never else EndReason.CONNECTION_LOST, now)
    return len(lost)


def _follow_one(session: Session, event: EventIn, now: datetime) -> None:
    if not event.type.startswith("aisha."):
        # The provider's events come while somebody speaks, or is answered.
        session.last_word_at = now
    match event.type:
        case "aisha.answer":
            _note_call(session, event.data.get("call"))
        case "aisha.connection_state":
            if event.data.get("state") == "connected" and session.state != SessionState.ENDED:
                session.state = SessionState.OPEN
                session.began_at = session.began_at or now
        case "aisha.drop":
            session.drops_count += 1
            if session.state == SessionState.OPEN:
                session.state = SessionState.LOST
        case "aisha.reconnect":
            if event.data.get("ok") is True:
                session.reconnects_count += 1
        case "aisha.end":
            _end(session, _reason_of(event), now)
        case "response.done":
            _add_usage(session, usage_of(event.data.get("usage")))


def _note_call(session: Session, told: JsonValue) -> None:
    """Note by which id the provider knows a connection, so that it can be hung up.

    A browser could tell any: it is no address, and none that another open call of the company goes by.
    Those of other companies cannot be guessed, and what is not of our key the provider does not hang up.
    """
    if not isinstance(told, str) or _CALL_ID.fullmatch(told) is None:
        return
    others = Session.objects.exclude(state=SessionState.ENDED).exclude(pk=session.pk)
    if told in session.provider_calls or others.filter(provider_calls__contains=[told]).exists():
        return
    session.provider_calls = [*session.provider_calls, told][-_MOST_CALLS:]
    # It may have ended while it was connecting.
    session.is_hang_up_due |= session.state == SessionState.ENDED


def _reason_of(event: EventIn) -> EndReason:
    told = event.data.get("reason")
    return EndReason(told) if told in EndReason.values else EndReason.HUNG_UP


def _add_usage(session: Session, used: Spoken) -> None:
    for name, tokens in (
        ("text_tokens_in", used.text_in),
        ("audio_tokens_in", used.audio_in),
        ("cached_tokens_in", used.cached_in),
        ("text_tokens_out", used.text_out),
        ("audio_tokens_out", used.audio_out),
    ):
        setattr(session, name, min(getattr(session, name) + tokens, _MOST_COUNTED))
    session.cost_usd += cost_usd(session.model, used)


def _end(session: Session, reason: EndReason, now: datetime) -> None:
    if session.state == SessionState.ENDED:
        return
    session.state, session.end_reason, session.ended_at = SessionState.ENDED, reason, now
    # Whoever ended it: a page may say so and go on talking. What is over there already is not found.
    session.is_hang_up_due = bool(session.provider_calls)
    actor = Actor.for_person(session.person, Origin.REALTIME)
    details = {
        "session": str(session.pk),
        "reason": reason.value,
        "cost_usd": str(session.cost_usd),
    }
    record_event(actor, Entry(Event.REALTIME_SESSION_ENDED, details=details))
