"""“Stop suggesting this”: a silence wider and longer than that of a single rejection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.reading import told_by
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event, record_events
from apps.brain.enums import Goal
from apps.suggestions.enums import UNDECIDED, State, StopScope
from apps.suggestions.exceptions import StopPermissionError
from apps.suggestions.models import Suggestion
from apps.suggestions.services.moves import entry_of, record
from apps.triggers.models import Silence
from apps.users.models import User

# What the forms offer; a year is as long as anybody knows what they will want.
STOP_DAYS = (30, 90, 365)
_WIDE_PERMISSION = "triggers.add_silence"


@dataclass(frozen=True, slots=True)
class Stop:
    """What is not to be suggested any more, and for how many days."""

    scope: StopScope
    days: int


def may_stop(user: User, scope: StopScope) -> bool:
    """Whether this person may stop so much: who decides on a record's suggestion, that; managers, all."""
    return scope == StopScope.RECORD or user.has_perm(_WIDE_PERMISSION)


def stop_scopes(suggestion: Suggestion, user: User) -> list[StopScope]:
    """What this person may stop beside the suggestion, from the narrowest to the widest."""
    return [
        scope
        for scope in StopScope
        if may_stop(user, scope) and (scope != StopScope.TRIGGER or suggestion.trigger)
    ]


def require_may_stop(suggestion: Suggestion, user: User, stop: Stop, actor: Actor) -> None:
    """Refuse, on record, what is not for this person.

    Raises:
        StopPermissionError: it is not.
    """
    if stop.scope not in stop_scopes(suggestion, user):
        record(
            actor,
            Event.PERMISSION_REFUSED,
            suggestion,
            verb="reject",
            code=StopPermissionError.code,
            stop=stop.scope.value,
        )
        raise StopPermissionError()


def put_in_force(
    suggestion: Suggestion, user: User, stop: Stop, actor: Actor, now: datetime
) -> None:
    """Write the silence and withdraw what waits of it, in the caller's transaction."""
    matching = _matching(suggestion, stop.scope)
    silence = Silence.objects.create(
        **matching,
        until=now + timedelta(days=stop.days),
        reason="Stopped from a suggestion",
        created_by=user,
    )
    record_event(
        actor,
        Entry(
            Event.SILENCE_CREATED,
            record_kind=silence.record_kind,
            record_id=silence.record_id,
            suggestion_id=suggestion.pk,
            details={
                "silence_id": silence.pk,
                "trigger": silence.trigger,
                "until": silence.until.isoformat(),
            },
        ),
    )
    undecided = Suggestion.objects.filter(Q(**matching), state__in=UNDECIDED)
    # What people asked for is not what AiSHA suggests by itself.
    undecided = undecided.exclude(goal=Goal.AS_ASKED)
    # Whole rows would be read in vain: their texts and evidence are no part of an entry.
    named = undecided.only("record_kind", "record_id")
    found = list(named.select_for_update().order_by("pk"))
    Suggestion.objects.filter(pk__in=[row.pk for row in found]).update(
        state=State.WITHDRAWN, closed_because=f"Stopped by {user}: {stop.scope.label}."[:200]
    )
    record_events(actor, [entry_of(Event.SUGGESTION_WITHDRAWN, row) for row in found])


def lift_stops(suggestion: Suggestion, user: User, actor: Actor, now: datetime) -> None:
    """Lift what was stopped about the record, and what was for everybody from this suggestion, on record.

    The second only if this person may stop so much. What was withdrawn with it is found again by the next
    scan, as it stands then.
    """
    stopped = Q(pk__in=_stopped_from(suggestion) if user.has_perm(_WIDE_PERMISSION) else [])
    # What a person asked for was kept from nobody by a silence.
    if not suggestion.is_asked:
        stopped |= Q(record_kind=suggestion.record_kind, record_id=suggestion.record_id, goal="")
    silences = Silence.objects.in_force(now).filter(stopped)
    lifted = list(silences.select_for_update().order_by("pk"))
    Silence.objects.filter(pk__in=[silence.pk for silence in lifted]).update(until=now)
    entries = [
        Entry(
            Event.SILENCE_LIFTED,
            record_kind=silence.record_kind,
            record_id=silence.record_id,
            suggestion_id=suggestion.pk,
            details={"silence_id": silence.pk, "trigger": silence.trigger},
        )
        for silence in lifted
    ]
    record_events(actor, entries)


def _stopped_from(suggestion: Suggestion) -> list[int]:
    """The ids of the silences that were made with a rejection of it."""
    created = AuditEntry.objects.of_suggestion(suggestion.pk).filter(event=Event.SILENCE_CREATED)
    return told_by(created, lambda entry: int(entry.details["silence_id"]))


def _matching(suggestion: Suggestion, scope: StopScope) -> dict[str, object]:
    """What suggestions and the silence have in common."""
    if scope == StopScope.RECORD:
        return {"record_kind": suggestion.record_kind, "record_id": suggestion.record_id}
    return {"trigger": suggestion.trigger} if scope == StopScope.TRIGGER else {}
