"""A token for one call: asked for by a person, configured here, on record whatever comes of it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from redis.exceptions import RedisError

from apps.assistant.models import Conversation
from apps.assistant.threads import (
    find_conversation,
    open_conversation,
    record_of,
    visible_context,
)
from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.execution.schemas import RecordRef
from apps.realtime.config import RealtimeConfig, read_config
from apps.realtime.enums import GateState, TokenOutcome
from apps.realtime.exceptions import (
    MonthLimitError,
    NoKeyError,
    NotForThisPersonError,
    RealtimeOffError,
    TokenError,
    TokensThrottledError,
)
from apps.realtime.instructions import instructions_for
from apps.realtime.models import Session, TokenRequest
from apps.realtime.offers import functions_for
from apps.realtime.provider import ask_for_secret
from apps.realtime.sessions import resumable
from apps.realtime.spending import left_of_month
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.models import Tenant
from apps.tenants.services import is_module_on
from apps.tenants.valkey import count_within
from apps.users.models import User

log = logging.getLogger("aisha.realtime")

TALK_PERMISSION = "realtime.add_session"
_WINDOW_S = 60
# A page tries some nine times within the minute of grace; twice that is a network that drops each call again.
MOST_RESUMED_PER_MINUTE = 20
# A spoken answer of a minute; what is longer nobody listens to.
_MOST_TOKENS_OUT = 1_200
_ISSUED_STATUS = 201


@dataclass(frozen=True, slots=True)
class Issued:
    """What the browser is given. The secret is shown to nobody else, and never by ``repr``."""

    value: str = field(repr=False)
    expires_at: datetime
    session: Session


@dataclass(slots=True)
class Attempt:
    """One request on its way, with what is known of it so far."""

    person: User | None
    asked_at: datetime
    began: float = field(default_factory=time.monotonic)
    gate: GateState = GateState.NOT_ASKED
    provider_ms: int | None = None
    session: Session | None = None

    @property
    def latency_ms(self) -> int:
        """How long it has taken until now, the provider included."""
        return round((time.monotonic() - self.began) * 1000)


def issue_token(
    attempt: Attempt,
    user: User,
    tenant: Tenant,
    *,
    conversation_id: int | None,
    record: RecordRef | None,
    resumed: UUID | None,
    now: datetime,
) -> Issued:
    """Configure a session, ask the provider for a secret to it, and put it on record.

    No transaction may be open.

    ``tenant`` is that of the host, as it was read for this request. ``resumed`` is a session whose
    connection was lost: it goes on.

    Raises:
        TokenError: it is refused; the subclass says why. ``settle_refused`` puts it on record.
        ConversationNotFoundError, SessionNotFoundError, SessionOverError: what it is to go on with is not
            there for this person.
    """
    config = _admit(attempt, user, tenant, now, is_resumed=resumed is not None)
    former = resumable(user, resumed, config, now) if resumed else None
    thread = _thread_of(user, former, conversation_id)
    about = record_of(thread) if thread else visible_context(user, record)
    asked = ask_for_secret(
        config, _session_body(config, user, about, today=user.day_at(now, tenant.zone))
    )
    attempt.provider_ms = asked.provider_ms
    if asked.secret is None:
        raise asked.error or NoKeyError()
    expires_at = asked.secret.expires_at
    try:
        # Once to the disk, and on record with what it is the record of.
        with transaction.atomic():
            if former is None:
                thread = thread or open_conversation(user, about, now)
                session = _begin(user, thread, config, expires_at, now)
            else:
                session = former
                rows = Session.objects.filter(pk=former.pk)
                rows.update(secret_expires_at=expires_at, last_seen_at=now)
            attempt.session = session
            settle_other(attempt, TokenOutcome.ISSUED, _ISSUED_STATUS)
    except DatabaseError:
        # What is put on record instead must not name a session that there is not.
        attempt.session = None
        raise
    return Issued(asked.secret.value, expires_at, session)


def _begin(
    user: User, thread: Conversation, config: RealtimeConfig, expires_at: datetime, now: datetime
) -> Session:
    return Session.objects.create(
        person=user,
        conversation=thread,
        record_kind=thread.record_kind,
        record_id=thread.record_id,
        model=config.model,
        voice=config.voice,
        is_stand_in=config.is_stand_in,
        issued_at=now,
        secret_expires_at=expires_at,
        last_seen_at=now,
    )


def _thread_of(
    user: User, former: Session | None, conversation_id: int | None
) -> Conversation | None:
    """The thread in which what is said will stand, where there is one already."""
    if former is not None:
        return former.conversation
    return find_conversation(user, conversation_id) if conversation_id else None


def settle_other(attempt: Attempt, outcome: TokenOutcome, status: int) -> None:
    """Put a request on record: a log line always, and what a signed-in person asked for as a row, too."""
    log.info(
        "realtime token",
        extra={
            "tenant": tenant_connection().schema_name,
            "person": attempt.person.pk if attempt.person else None,
            "gate": attempt.gate.value,
            "outcome": outcome.value,
            "status": status,
            "latency_ms": attempt.latency_ms,
            "provider_ms": attempt.provider_ms,
        },
    )
    # Strangers leave lines, which rotate, and no rows, which would be theirs to fill a disk with.
    if attempt.person is None:
        return
    is_issued = outcome == TokenOutcome.ISSUED
    event = Event.REALTIME_TOKEN_ISSUED if is_issued else Event.REALTIME_TOKEN_REFUSED
    details = {"outcome": outcome.value, "gate": attempt.gate.value}
    if attempt.session is not None:
        details["session"] = str(attempt.session.pk)
    # Part of the transaction in which a session is made; of its own where there is none.
    with transaction.atomic(savepoint=False):
        TokenRequest.objects.create(
            person=attempt.person,
            session=attempt.session,
            asked_at=attempt.asked_at,
            gate=attempt.gate,
            outcome=outcome,
            status=status,
            latency_ms=attempt.latency_ms,
            provider_ms=attempt.provider_ms,
        )
        actor = Actor.for_person(attempt.person, Origin.REALTIME)
        record_event(actor, Entry(event, details=details))


def settle_refused(attempt: Attempt, error: TokenError) -> None:
    """Put a refusal on record."""
    settle_other(attempt, error.outcome, error.status)


def _admit(
    attempt: Attempt, user: User, tenant: Tenant, now: datetime, *, is_resumed: bool
) -> RealtimeConfig:
    """Pass one gate after the other; what costs least is asked first."""
    is_on = is_module_on(tenant, Module.REALTIME)
    attempt.gate = GateState.ON if is_on else GateState.OFF
    if not is_on:
        raise RealtimeOffError()
    if not user.has_perm(TALK_PERMISSION):
        raise NotForThisPersonError()
    config = read_config()
    if not config.api_key:
        raise NoKeyError()
    _count(user, is_resumed=is_resumed)
    if left_of_month(config, tenant, now) <= 0:
        raise MonthLimitError()
    return config


def _count(user: User, *, is_resumed: bool) -> None:
    """Count one more call that is begun, or comes back after a drop.

    Who comes back has begun one call, however poor the network is: it has a bound of its own, and takes
    nothing from calls that are begun. What comes back as something else is refused right after this.
    Without Valkey nobody is let in: each call costs money.
    """
    schema = tenant_connection().schema_name
    limits = [
        (f"aisha:talk:{schema}:{user.pk}", settings.REALTIME_TOKENS_PER_MINUTE),
        (f"aisha:talk:{schema}", settings.REALTIME_TOKENS_PER_MINUTE_OF_TENANT),
    ]
    if is_resumed:
        limits = [(f"aisha:talk:{schema}:{user.pk}:again", MOST_RESUMED_PER_MINUTE)]
    for key, most in limits:
        try:
            count, wait_s = count_within(key, _WINDOW_S)
        except RedisError:
            raise TokensThrottledError(_WINDOW_S) from None
        if count > most:
            raise TokensThrottledError(max(wait_s, 1))


def _session_body(
    config: RealtimeConfig, user: User, record: RecordRef | None, *, today: date
) -> dict[str, Any]:
    """The session as the provider's API takes it: all that the browser must not choose."""
    return {
        "type": "realtime",
        "model": config.model,
        "instructions": instructions_for(language=config.language, today=today, record=record),
        "output_modalities": ["audio"],
        "max_output_tokens": _MOST_TOKENS_OUT,
        "audio": {
            "input": {
                "transcription": {"model": settings.TRANSCRIPTION_MODEL},
                "turn_detection": {"type": "server_vad", "interrupt_response": True},
            },
            "output": {"voice": config.voice},
        },
        "tools": functions_for(user),
        "tool_choice": "auto",
    }
