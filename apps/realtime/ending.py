"""Ending calls from the server's side: limits and rights are looked at here, whatever the page does.

The page ends a call at its limits by itself, and sooner. This is for pages that do not, for people who may
not talk any more, and for what goes on at the provider after a call has ended with us.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from apps.realtime.config import RealtimeConfig, read_config
from apps.realtime.enums import EndReason, SessionState
from apps.realtime.models import Session
from apps.realtime.provider import hang_up
from apps.realtime.sessions import end_session, left_of
from apps.realtime.spending import left_of_month
from apps.realtime.tokens import TALK_PERMISSION
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on

log = logging.getLogger("aisha.realtime")

# Events reach us in batches, and what was said last is played for a while after its last event.
IDLE_LEEWAY = timedelta(seconds=30)
# No call of the provider's is longer (OpenAI, "Realtime API": 60 minutes).
GIVEN_UP_AFTER = timedelta(minutes=60)
# Each waits for a provider, one after the other; the others have their turn at the next look.
_MOST_AT_ONCE = 20


def is_anything_to_watch() -> bool:
    """Whether any call goes on, or has still to be hung up."""
    return Session.objects.filter(~Q(state=SessionState.ENDED) | Q(is_hang_up_due=True)).exists()


def end_what_is_over(now: datetime) -> int:
    """End the calls that are over a limit, or whose person may not talk any more; return how many."""
    going_on = list(Session.objects.exclude(state=SessionState.ENDED).select_related("person"))
    if not going_on:
        return 0
    config = read_config()
    tenant = current_tenant()
    month_usd = left_of_month(config, tenant, now)
    is_for_anybody = bool(config.api_key) and is_module_on(tenant, Module.REALTIME)
    may_talk = {
        person.pk: is_for_anybody and person.has_perm(TALK_PERMISSION)
        for person in {session.person for session in going_on}
    }
    ended = 0
    for session in going_on:
        is_allowed = may_talk[session.person_id]
        reason = reason_to_end(session, config, now, month_usd) if is_allowed else EndReason.REVOKED
        if reason is not None:
            end_session(session, reason, now)
            ended += 1
    return ended


def reason_to_end(
    session: Session, config: RealtimeConfig, now: datetime, month_usd: Decimal
) -> EndReason | None:
    """Which limit a call is over, if any; ``month_usd`` is what is left of the company's."""
    reached = left_of(session, config, now, month_usd).reached
    if reached is not None or session.began_at is None:
        return reached
    silent = now - (session.last_word_at or session.began_at)
    return EndReason.IDLE_LIMIT if silent > config.limits.idle + IDLE_LEEWAY else None


def hang_up_what_has_ended(now: datetime) -> int:
    """Hang up at the provider what has ended with us; return how many calls that were.

    No transaction may be open. What the provider does not answer is tried again at the next look.
    """
    due = list(Session.objects.filter(is_hang_up_due=True).order_by("ended_at")[:_MOST_AT_ONCE])
    if not due:
        return 0
    config = read_config()
    for session in due:
        # Each of them, whatever became of the others.
        outcomes = [hang_up(config, call_id) for call_id in session.provider_calls]
        is_done = all(outcomes)
        is_given_up = session.ended_at is not None and now - session.ended_at > GIVEN_UP_AFTER
        log.info(
            "realtime call hung up" if is_done else "realtime call could not be hung up",
            extra={
                "tenant": tenant_connection().schema_name,
                "session": str(session.pk),
                "reason": session.end_reason,
            },
        )
        if is_done or is_given_up:
            # Unless another call of it was told of meanwhile.
            Session.objects.filter(pk=session.pk, provider_calls=session.provider_calls).update(
                is_hang_up_due=False
            )
    return len(due)
