"""What a person may do with a suggestion. Each function is one decision: checked, written and on record.

``approve`` owns the transaction: claim, the trigger's second answer, the write, the audit entries and the
new state are committed together or not at all.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import DatabaseError, IntegrityError, transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, acting, record_event
from apps.crm.enums import RecordKind
from apps.execution import services as execution
from apps.execution.exceptions import (
    ExecutionError,
    InvalidArgumentsError,
    PermissionRefusedError,
    PolicyRefusedError,
    StaleError,
    UnknownToolError,
)
from apps.execution.reading import read_seen
from apps.execution.schemas import ApprovedChange, RecordRef, Seen
from apps.execution.tools import registry as tools
from apps.suggestions.enums import MOVES, HeldBack, RejectReason, State, Verdict
from apps.suggestions.exceptions import (
    AlreadyDecidedError,
    AnotherOpenError,
    ApplyFailedError,
    ChangedSinceSeenError,
    DecisionPermissionError,
    InvalidSnoozeError,
    SuggestionNotFoundError,
    WithdrawnError,
)
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.run import bring_up_to_date
from apps.suggestions.rules import LIFETIME
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.triggers.models import Signal, Silence
from apps.triggers.services import current_tenant, is_still_true
from apps.users.models import User

LONGEST_SNOOZE = timedelta(days=90)


class _ReasonGoneError(Exception):
    """Inside the transaction of an approval: no trigger holds any more."""


def get_for(user: User, suggestion_id: int) -> Suggestion:
    """Return a suggestion that this person may see, with every record that it names.

    Raises:
        SuggestionNotFoundError: there is none, or they may not.
    """
    found: Suggestion | None = (
        Suggestion.objects.visible_to(user)
        .select_related("assignee", "reviewed_by", "execution")
        .filter(pk=suggestion_id)
        .first()
    )
    if found is None or not sees_records_of(user, found):
        raise SuggestionNotFoundError()
    return found


def sees_records_of(user: User, suggestion: Suggestion) -> bool:
    """Whether the person may see what a suggestion names besides its own record, as it stands now."""
    named = {*seen_of(suggestion).by_record(), *_mentions_of(suggestion)}
    return execution.sees_records(user, named - {record_of(suggestion)})


def approve(
    *,
    suggestion_id: int,
    user: User,
    now: datetime,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Apply a suggestion because this person says so; also the way to try a failed one again.

    ``seen_at`` is the ``refreshed_at`` of the packet that the person looked at.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, PermissionRefusedError, PolicyRefusedError: refused.
        AlreadyDecidedError: somebody was first; the error says who and when.
        ChangedSinceSeenError: the packet was refreshed after the person had looked at it.
        StaleError: a value has changed since; the error says which. Nothing was written.
        WithdrawnError: the reason is gone; a waiting suggestion is withdrawn now.
        AnotherOpenError: it had failed, and a newer one for the same purpose waits.
        ApplyFailedError: the write failed; the suggestion is marked and can be tried again.
    """
    suggestion = _decidable(user, suggestion_id, origin)
    actor = Actor.for_person(user, origin)
    if seen_at is not None and seen_at != suggestion.refreshed_at:
        raise _refusal(suggestion, State.APPROVED, read_at=seen_at)
    change = _change_of(suggestion, user, actor, now)
    try:
        with acting(actor):
            _claim(suggestion, State.APPROVED, user=user, now=now)
            if not _is_still_true(suggestion, now):
                raise _ReasonGoneError
            _record(actor, Event.SUGGESTION_APPROVED, suggestion)
            done = execution.apply_change(change, now=now)
            _move(suggestion, State.APPLIED, execution=done, applied_at=now, closed_because="")
            _note_decision(suggestion, Verdict.APPROVE, user, now)
            _silence(suggestion, user, now, "Applied")
    except _ReasonGoneError:
        _withdraw(suggestion, actor)
        raise WithdrawnError() from None
    except StaleError as error:
        fields = [f"{moved.record}.{moved.field}" for moved in error.moved]
        _record(actor, Event.SUGGESTION_STALE, suggestion, fields=", ".join(fields))
        raise
    except PermissionRefusedError:
        _record(actor, Event.PERMISSION_REFUSED, suggestion, tool=suggestion.tool)
        raise
    except PolicyRefusedError:
        _record(actor, Event.POLICY_REFUSED, suggestion, tool=suggestion.tool)
        raise
    except (ExecutionError, DatabaseError) as error:
        if _is_another_open(error):
            raise AnotherOpenError() from error
        code = error.code if isinstance(error, ExecutionError) else type(error).__name__
        reason = error.message if isinstance(error, ExecutionError) else "the database refused it."
        _mark_failed(suggestion, change, code=code, reason=reason, user=user, now=now)
        raise ApplyFailedError(reason) from error
    suggestion.refresh_from_db()
    return suggestion


def reject(
    *,
    suggestion_id: int,
    user: User,
    reason: RejectReason | str,
    note: str = "",
    now: datetime,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Close a suggestion because this person does not want it; it is not made again for a while.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, AlreadyDecidedError: refused.
    """
    suggestion = _decidable(user, suggestion_id, origin)
    why = RejectReason(reason)
    actor = Actor.for_person(user, origin)
    with transaction.atomic():
        _claim(suggestion, State.REJECTED, user=user, now=now, closed_because=why.label)
        _note_decision(suggestion, Verdict.REJECT, user, now, reason=why, note=note)
        _silence(suggestion, user, now, f"Rejected: {why.label}")
        _record(actor, Event.SUGGESTION_REJECTED, suggestion, reason=why.value)
    suggestion.refresh_from_db()
    return suggestion


def snooze(
    *,
    suggestion_id: int,
    user: User,
    until: datetime,
    now: datetime,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Put a suggestion away until a moment within the next 90 days.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, AlreadyDecidedError: refused.
        InvalidSnoozeError: the moment has passed or is too far away.
    """
    suggestion = _decidable(user, suggestion_id, origin)
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidSnoozeError()
    actor = Actor.for_person(user, origin)
    with transaction.atomic():
        _claim(
            suggestion,
            State.SNOOZED,
            user=user,
            now=now,
            snoozed_until=until,
            expires_at=max(suggestion.expires_at, until + LIFETIME),
        )
        _note_decision(suggestion, Verdict.SNOOZE, user, now)
        _record(actor, Event.SUGGESTION_SNOOZED, suggestion, until=until.isoformat())
    suggestion.refresh_from_db()
    return suggestion


def rebase(
    *, suggestion_id: int, user: User, now: datetime, origin: Origin = Origin.PERSON
) -> Suggestion:
    """Bring a stale suggestion up to date: a new preview to approve, nothing written to the record.

    One that a trigger made is written anew, reason and evidence included; of any other only the values
    that it was shown with are read again.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, AlreadyDecidedError: refused.
        ChangedSinceSeenError: a scan has just brought it up to date.
        WithdrawnError: the reason is gone; the suggestion is withdrawn now.
        RecordGoneError, InvalidArgumentsError: there is nothing left to change.
    """
    suggestion = _decidable(user, suggestion_id, origin)
    actor = Actor.for_person(user, origin)
    if State(suggestion.state) not in _sources_of(State.APPROVED):
        raise _already_decided(suggestion.pk)
    if suggestion.origin != Origin.TRIGGER:
        _read_again(suggestion, now)
    elif not _is_still_true(suggestion, now) or not bring_up_to_date(
        suggestion, actor=actor, now=now
    ):
        suggestion.refresh_from_db(fields=["state"])
        if State(suggestion.state) not in _sources_of(State.APPROVED):
            raise _already_decided(suggestion.pk)
        _withdraw(suggestion, actor)
        raise WithdrawnError()
    with transaction.atomic():
        _note_decision(suggestion, Verdict.REBASE, user, now)
        _record(actor, Event.SUGGESTION_REBASED, suggestion)
    suggestion.refresh_from_db()
    return suggestion


def reopen(
    *, suggestion_id: int, user: User, now: datetime, origin: Origin = Origin.PERSON
) -> Suggestion:
    """Bring back what was rejected, withdrawn, expired or snoozed, and lift its silence.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError: refused.
        AlreadyDecidedError: it is in a state that cannot be reopened.
        AnotherOpenError: another suggestion waits for the same record and goal.
    """
    suggestion = _decidable(user, suggestion_id, origin)
    actor = Actor.for_person(user, origin)
    try:
        with transaction.atomic():
            moved = Suggestion.objects.filter(
                pk=suggestion.pk, state__in=_sources_of(State.PENDING)
            ).update(
                state=State.PENDING,
                held_back=HeldBack.NO,
                queued_at=now,
                snoozed_until=None,
                closed_because="",
                expires_at=now + LIFETIME,
            )
            if not moved:
                raise _already_decided(suggestion.pk)
            Silence.objects.in_force(now).filter(
                record_kind=suggestion.record_kind,
                record_id=suggestion.record_id,
                goal=suggestion.goal,
            ).update(until=now)
            _note_decision(suggestion, Verdict.REOPEN, user, now)
            _record(actor, Event.SUGGESTION_REOPENED, suggestion)
    except IntegrityError as error:
        if _is_another_open(error):
            raise AnotherOpenError() from error
        raise
    suggestion.refresh_from_db()
    return suggestion


def seen_of(suggestion: Suggestion) -> Seen:
    """The values that the suggestion was shown with."""
    return Seen(before=suggestion.before_values, guards=suggestion.guard_values)


def record_of(suggestion: Suggestion) -> RecordRef:
    """The record that the suggestion is about."""
    return RecordRef(RecordKind(suggestion.record_kind), suggestion.record_id)


def _mentions_of(suggestion: Suggestion) -> tuple[RecordRef, ...]:
    """The records in the change's arguments; none when the change can no longer be read."""
    try:
        tool = tools.get(suggestion.tool)
        return tool.mentions(tool.parse(suggestion.arguments))
    except (UnknownToolError, InvalidArgumentsError):
        return ()


def may_decide(user: User) -> bool:
    """Whether the person may decide on suggestions at all."""
    return user.has_perm("suggestions.decide_suggestion")


def _decidable(user: User, suggestion_id: int, origin: Origin) -> Suggestion:
    """Return what this person may decide on; a refusal is on record.

    Raises:
        ModuleOffError: suggestions are switched off for the company.
        SuggestionNotFoundError, DecisionPermissionError: see there.
    """
    require_module(current_tenant(), Module.SUGGESTIONS)
    try:
        suggestion = get_for(user, suggestion_id)
        if not may_decide(user):
            raise DecisionPermissionError()
    except (SuggestionNotFoundError, DecisionPermissionError):
        refused = Suggestion.objects.filter(pk=suggestion_id).first()
        if refused is not None:
            actor = Actor.for_person(user, origin)
            _record(actor, Event.PERMISSION_REFUSED, refused, tool=refused.tool)
        raise
    return suggestion


def _change_of(suggestion: Suggestion, user: User, actor: Actor, now: datetime) -> ApprovedChange:
    return ApprovedChange(
        tool=suggestion.tool,
        arguments=suggestion.arguments,
        record=record_of(suggestion),
        seen=seen_of(suggestion),
        approved_by=user,
        approved_at=now,
        actor=actor,
        idempotency_key=f"suggestion:{suggestion.pk}",
        suggestion_id=suggestion.pk,
    )


def _claim(
    suggestion: Suggestion, state: State, *, user: User, now: datetime, **values: object
) -> None:
    """Move to ``state`` by one conditional update: the first decision wins, the second is told so.

    It also fails when the packet was refreshed or rebased since it was read, so that nobody approves what
    they have not seen.
    """
    moved = Suggestion.objects.filter(
        pk=suggestion.pk, state__in=_sources_of(state), refreshed_at=suggestion.refreshed_at
    ).update(state=state, reviewed_by=user, reviewed_at=now, **values)
    if not moved:
        raise _refusal(suggestion, state)


def _is_another_open(error: Exception) -> bool:
    return "one_open_suggestion_per_record_and_goal" in str(error)


def _sources_of(state: State) -> list[State]:
    return [source for source, targets in MOVES.items() if state in targets]


def _move(suggestion: Suggestion, state: State, **values: object) -> None:
    """Go on from a claim that this transaction holds."""
    Suggestion.objects.filter(pk=suggestion.pk).update(state=state, **values)


def _read_again(suggestion: Suggestion, now: datetime) -> None:
    """Take over the values as they stand now, unless the packet has changed meanwhile."""
    tool = tools.get(suggestion.tool)
    seen = read_seen(tool, tool.parse(suggestion.arguments))
    moved = Suggestion.objects.filter(
        pk=suggestion.pk,
        state__in=_sources_of(State.APPROVED),
        refreshed_at=suggestion.refreshed_at,
    ).update(
        before_values={key: dict(values) for key, values in seen.before.items()},
        guard_values={key: dict(values) for key, values in seen.guards.items()},
        refreshed_at=now,
    )
    if not moved:
        raise _refusal(suggestion, State.APPROVED)


def _refusal(
    suggestion: Suggestion, wanted: State, *, read_at: datetime | None = None
) -> AlreadyDecidedError | ChangedSinceSeenError:
    """Why a claim found nothing: somebody decided, or the packet is no longer what was read."""
    now_there = Suggestion.objects.get(pk=suggestion.pk)
    read_at = read_at or suggestion.refreshed_at
    if wanted in MOVES[State(now_there.state)] and now_there.refreshed_at != read_at:
        return ChangedSinceSeenError()
    return _already_decided(suggestion.pk)


def _already_decided(suggestion_id: int) -> AlreadyDecidedError:
    return AlreadyDecidedError(
        Suggestion.objects.select_related("reviewed_by").get(pk=suggestion_id)
    )


def _is_still_true(suggestion: Suggestion, now: datetime) -> bool:
    """Ask the triggers again; a suggestion that no trigger made needs no second answer."""
    if suggestion.origin != Origin.TRIGGER:
        return True
    firing = Signal.objects.firing().filter(suggestions=suggestion)
    return any(is_still_true(signal, now=now) for signal in firing)


def _withdraw(suggestion: Suggestion, actor: Actor) -> None:
    with transaction.atomic():
        moved = Suggestion.objects.filter(
            pk=suggestion.pk, state__in=[State.PENDING, State.SNOOZED]
        ).update(state=State.WITHDRAWN, closed_because="The reason no longer holds.")
        if moved:
            _record(actor, Event.SUGGESTION_WITHDRAWN, suggestion)


def _mark_failed(
    suggestion: Suggestion,
    change: ApprovedChange,
    *,
    code: str,
    reason: str,
    user: User,
    now: datetime,
) -> None:
    with transaction.atomic():
        _claim(suggestion, State.APPROVED, user=user, now=now)
        attempt = execution.record_failure(change, code=code, message=reason, now=now)
        _move(suggestion, State.FAILED, execution=attempt, closed_because=reason[:200])


def _note_decision(
    suggestion: Suggestion,
    verdict: Verdict,
    user: User,
    now: datetime,
    *,
    reason: str = "",
    note: str = "",
) -> None:
    Decision.objects.create(
        suggestion=suggestion,
        verdict=verdict,
        decided_by=user,
        decided_at=now,
        reason=reason,
        note=note[:500],
        goal=suggestion.goal,
        tool=suggestion.tool,
    )


def _silence(suggestion: Suggestion, user: User, now: datetime, reason: str) -> None:
    """Do not make the same suggestion again until the tenant's days have passed."""
    Silence.objects.create(
        record_kind=suggestion.record_kind,
        record_id=suggestion.record_id,
        goal=suggestion.goal,
        until=now + timedelta(days=current_tenant().silence_days),
        reason=reason[:200],
        created_by=user,
    )


def _record(
    actor: Actor,
    event: Event,
    suggestion: Suggestion,
    **details: str,
) -> None:
    record_event(
        actor,
        Entry(
            event,
            record_kind=suggestion.record_kind,
            record_id=suggestion.record_id,
            suggestion_id=suggestion.pk,
            details=dict(details),
        ),
    )
