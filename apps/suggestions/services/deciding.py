"""Rejecting, snoozing and reopening."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.suggestions.enums import REOPENABLE, HeldBack, RejectReason, State, Verdict
from apps.suggestions.exceptions import (
    InvalidDecisionError,
    InvalidSnoozeError,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.rules import LIFETIME
from apps.suggestions.services import merges
from apps.suggestions.services.access import decidable
from apps.suggestions.services.moves import (
    already_decided,
    claim,
    decision_on,
    lift_silences,
    record,
    silence,
    telling_another_open,
)
from apps.suggestions.services.stopping import Stop, lift_stops, put_in_force, require_may_stop
from apps.tenants.services import current_tenant
from apps.tenants.writing import insert
from apps.users.models import User

LONGEST_SNOOZE = timedelta(days=90)


def reject(
    *,
    suggestion_id: int,
    user: User,
    reason: RejectReason | str,
    note: str = "",
    stop: Stop | None = None,
    now: datetime,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Close a suggestion because this person does not want it; it is not made again for a while.

    ``stop`` silences more than this one for longer, and withdraws what else waits of it.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, AlreadyDecidedError: refused.
        ChangedSinceSeenError: the packet was refreshed after the person had looked at it.
        InvalidDecisionError: the reason is not one for this goal.
        StopPermissionError: to stop this so widely is not for them; nothing was decided.
    """
    suggestion = decidable(user, suggestion_id, Verdict.REJECT, origin, seen_at)
    why = RejectReason(reason)
    if why.value not in dict(RejectReason.offered_for(suggestion.goal)):
        raise InvalidDecisionError()
    actor = Actor.for_person(user, origin)
    if stop is not None:
        require_may_stop(suggestion, user, stop, actor)
    tenant = current_tenant()
    with transaction.atomic():
        claim(suggestion, State.REJECTED, user=user, now=now, closed_because=why.label)
        insert(decision_on(suggestion, Verdict.REJECT, user, now, reason=why, note=note))
        # A pair that is settled never comes back; another pair of the record may.
        if why != RejectReason.NOT_DUPLICATE or not merges.settle_pair(suggestion, user):
            silence(suggestion, user, now, f"Rejected: {why.label}", tenant=tenant)
        record(actor, Event.SUGGESTION_REJECTED, suggestion, reason=why.value)
        if stop is not None:
            put_in_force(suggestion, user, stop, actor, now)
    return suggestion


def snooze(
    *,
    suggestion_id: int,
    user: User,
    until: datetime | None,
    now: datetime,
    wakes_on_change: bool = False,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Put a suggestion away until a moment within the next 90 days, or until something changes.

    ``wakes_on_change``: it comes back before that when its record changes or somebody is in touch. Then
    ``until`` may be None, for the last moment that is allowed.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, AlreadyDecidedError: refused.
        ChangedSinceSeenError: the packet was refreshed after the person had looked at it.
        InvalidSnoozeError: the moment has passed or is too far away, or nothing would bring it back.
    """
    suggestion = decidable(user, suggestion_id, Verdict.SNOOZE, origin, seen_at)
    if until is None and wakes_on_change:
        until = now + LONGEST_SNOOZE
    if until is None or not now < until <= now + LONGEST_SNOOZE:
        raise InvalidSnoozeError()
    actor = Actor.for_person(user, origin)
    with transaction.atomic():
        claim(
            suggestion,
            State.SNOOZED,
            user=user,
            now=now,
            snoozed_until=until,
            snoozed_until_change_since=now if wakes_on_change else None,
            expires_at=max(suggestion.expires_at, until + LIFETIME),
        )
        insert(decision_on(suggestion, Verdict.SNOOZE, user, now))
        record(
            actor,
            Event.SUGGESTION_SNOOZED,
            suggestion,
            until=until.isoformat(),
            **({"wakes_on_change": True} if wakes_on_change else {}),
        )
    return suggestion


def reopen(
    *,
    suggestion_id: int,
    user: User,
    now: datetime,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Bring back what was rejected, withdrawn, expired or snoozed, and lift its silence.

    What was stopped with its rejection goes on for everybody as well, if this person may stop so much; two
    records that were said not to be the same are a pair to be looked at again.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError: refused.
        ChangedSinceSeenError: the packet was refreshed after the person had looked at it.
        AlreadyDecidedError: it is in a state that cannot be reopened.
        AnotherOpenError: another suggestion waits for the same record and goal.
    """
    suggestion = decidable(user, suggestion_id, Verdict.REOPEN, origin, seen_at)
    actor = Actor.for_person(user, origin)
    with telling_another_open(), transaction.atomic():
        moved = Suggestion.objects.filter(pk=suggestion.pk, state__in=REOPENABLE).update(
            state=State.PENDING,
            held_back=HeldBack.NO,
            queued_at=now,
            snoozed_until=None,
            snoozed_until_change_since=None,
            closed_because="",
            expires_at=now + LIFETIME,
        )
        if not moved:
            raise already_decided(suggestion.pk)
        lift_silences(suggestion, now, goal=suggestion.goal)
        lift_stops(suggestion, user, actor, now)
        if merges.is_merge(suggestion) and merges.was_not_duplicate(suggestion):
            merges.take_settlement_back(suggestion, user, now)
        insert(decision_on(suggestion, Verdict.REOPEN, user, now))
        record(actor, Event.SUGGESTION_REOPENED, suggestion)
    suggestion.refresh_from_db()
    return suggestion
