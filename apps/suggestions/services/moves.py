"""The moves between states, each by one conditional update, and what is written down with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Self

from django.db import DatabaseError, IntegrityError, transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_events, recording
from apps.suggestions.enums import MOVES, UNDECIDED, State, Verdict
from apps.suggestions.exceptions import (
    AlreadyDecidedError,
    AnotherOpenError,
    ChangedSinceSeenError,
)
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.rules import sources_of
from apps.tenants.models import Tenant
from apps.tenants.statements import Asked, ask_together
from apps.tenants.writing import insert, updating
from apps.triggers.models import Signal, Silence
from apps.triggers.second_look import SecondLook
from apps.users.models import User
from apps.users.statements import ROW_PLACE, RowsStatement

# Why nothing is suggested for a while about a record after an approval.
APPLIED = "Applied"

# Of a record and goal, and of what a person asked for about a record with one tool.
_ONE_OPEN = (
    "one_open_suggestion_per_record_and_goal",
    "one_open_asked_suggestion_per_record_tool_and_person",
)


@dataclass(frozen=True, slots=True)
class TenantNow:
    """The tenant at the moment of a decision: its settings, working days and figures, read once."""

    tenant: Tenant
    second_look: SecondLook

    @classmethod
    def read(cls, now: datetime) -> Self:
        """Read it."""
        return cls(*SecondLook.at(now))

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.second_look.moment.now


def claim(
    suggestion: Suggestion, state: State, *, user: User, now: datetime, **values: object
) -> None:
    """Move to ``state`` by one conditional update: the first decision wins, the second is told so.

    It also fails when the packet was refreshed or rebased since it was read, so that nobody approves what
    they have not seen.
    """
    claiming = Claim.of(suggestion, state, user=user, now=now, **values)
    (count,) = ask_together(claiming.asked())
    claiming.take(count)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that is sent together with what else a transaction begins with."""

    suggestion: Suggestion
    state: State
    values: Mapping[str, object]

    @classmethod
    def of(
        cls, suggestion: Suggestion, state: State, *, user: User, now: datetime, **values: object
    ) -> Self:
        """See ``claim``."""
        claimed = {"state": state, "reviewed_by": user, "reviewed_at": now, **values}
        return cls(suggestion, state, claimed)

    def asked(self) -> Asked[int]:
        """The update, which tells whether it was in time."""
        as_read = {
            "pk": self.suggestion.pk,
            "state": [*sources_of(self.state)],
            "refreshed_at": self.suggestion.refreshed_at,
        }
        return updating(Suggestion, as_read, self.values)

    def take(self, count: int) -> None:
        """Let the row at hand show what was written.

        Raises:
            AlreadyDecidedError, ChangedSinceSeenError: nothing was.
        """
        if not count:
            raise refusal_of(self.suggestion, self.state)
        _take_over(self.suggestion, self.values)


def name_of(error: DatabaseError) -> str:
    """What the database calls its trouble (DiskFull, SerializationFailure); values are never in it."""
    return type(error.__cause__ or error).__name__


def is_another_open(error: Exception) -> bool:
    """Whether the database refused a second open suggestion for the same purpose."""
    return any(name in str(error) for name in _ONE_OPEN)


@contextmanager
def telling_another_open() -> Iterator[None]:
    """Say so where the transaction within would have made a second open suggestion for the same purpose.

    Raises:
        AnotherOpenError: it would.
    """
    try:
        yield
    except IntegrityError as error:
        if is_another_open(error):
            raise AnotherOpenError() from error
        raise


def move(suggestion: Suggestion, state: State, **values: object) -> None:
    """Go on from a claim that this transaction holds."""
    ask_together(moving(suggestion, state, **values))


def moving(suggestion: Suggestion, state: State, **values: object) -> Asked[int]:
    """The same, to be written together with others; the row at hand shows it already."""
    moved = {"state": state, **values}
    _take_over(suggestion, moved)
    return updating(Suggestion, {"pk": suggestion.pk}, moved)


def _take_over(suggestion: Suggestion, values: Mapping[str, object]) -> None:
    """Let the row at hand show what was written, without reading it again."""
    for name, value in values.items():
        setattr(suggestion, name, value)


def refusal_of(
    suggestion: Suggestion, wanted: State, *, read_at: datetime | None = None
) -> AlreadyDecidedError | ChangedSinceSeenError:
    """Why a claim found nothing: somebody decided, or the packet is no longer what was read."""
    now_there = Suggestion.objects.get(pk=suggestion.pk)
    read_at = read_at or suggestion.refreshed_at
    if wanted in MOVES[State(now_there.state)] and now_there.refreshed_at != read_at:
        return ChangedSinceSeenError()
    return already_decided(suggestion.pk)


def already_decided(suggestion_id: int) -> AlreadyDecidedError:
    """Who decided, and what."""
    return AlreadyDecidedError(
        Suggestion.objects.select_related("reviewed_by").get(pk=suggestion_id)
    )


def is_still_true_of(suggestion: Suggestion, at: TenantNow) -> bool:
    """Ask the triggers again; a suggestion that no trigger made needs no second answer."""
    return are_still_true_of(suggestion, asking_firing(suggestion).read(), at)


def asking_firing(suggestion: Suggestion) -> Asked[list[Signal]]:
    """Which signals behind a suggestion still fire."""
    behind = _statement_of_signals().asked(None, suggestion.pk)
    return behind.told_as(lambda found: [one for one in found if one.cleared_at is None])


def are_still_true_of(suggestion: Suggestion, firing: Iterable[Signal], at: TenantNow) -> bool:
    """Ask the triggers of these signals again."""
    if suggestion.origin != Origin.TRIGGER:
        return True
    return any(at.second_look.holds(signal) for signal in firing)


@cache
def _statement_of_signals() -> RowsStatement:
    """The few signals behind one suggestion.

    Those that fire are told apart afterwards: asked for them, the database would rather go through all that
    fire.
    """
    return RowsStatement.of(Signal.objects.filter(suggestions=ROW_PLACE))


def withdraw(suggestion: Suggestion, actor: Actor) -> None:
    """Close what has lost its reason, unless somebody has decided it."""
    with transaction.atomic():
        moved = Suggestion.objects.filter(pk=suggestion.pk, state__in=UNDECIDED).update(
            state=State.WITHDRAWN, closed_because="The reason no longer holds."
        )
        if moved:
            record(actor, Event.SUGGESTION_WITHDRAWN, suggestion)


def supersede(waiting: Collection[Suggestion], because: str, actor: Actor) -> None:
    """Close what gives way to a new suggestion; the transaction holds the rows."""
    Suggestion.objects.filter(pk__in=[row.pk for row in waiting]).update(
        state=State.SUPERSEDED, closed_because=because[:200]
    )
    record_events(actor, [entry_of(Event.SUGGESTION_SUPERSEDED, row) for row in waiting])


def decision_on(
    suggestion: Suggestion,
    verdict: Verdict,
    user: User,
    now: datetime,
    *,
    reason: str = "",
    note: str = "",
) -> Decision:
    """The decision as a labelled example, to be written."""
    return Decision(
        suggestion=suggestion,
        verdict=verdict,
        decided_by=user,
        decided_at=now,
        reason=reason,
        note=note[:500],
        goal=suggestion.goal,
        trigger=suggestion.trigger,
        tool=suggestion.tool,
        segment=suggestion.segment,
        is_edited=suggestion.proposed_arguments is not None,
        confidence=suggestion.confidence,
    )


def silence(
    suggestion: Suggestion, user: User, now: datetime, reason: str, *, tenant: Tenant
) -> None:
    """Do not make the same suggestion again until the tenant's days have passed, if anybody would."""
    if quiet := silence_after(suggestion, user, now, reason, tenant=tenant):
        insert(quiet)


def silence_after(
    suggestion: Suggestion, user: User, now: datetime, reason: str, *, tenant: Tenant
) -> Silence | None:
    """The silence, to be written.

    None for what a person asked for: nobody makes it again by themselves, and they may ask again at any time.
    """
    if suggestion.is_asked:
        return None
    return Silence(
        record_kind=suggestion.record_kind,
        record_id=suggestion.record_id,
        goal=suggestion.goal,
        until=now + timedelta(days=tenant.silence_days),
        reason=reason[:200],
        created_by=user,
    )


def lift_silences(suggestion: Suggestion, now: datetime, **which: object) -> None:
    """Let what was found about the record be suggested again, as far as ``which`` silences kept it back."""
    Silence.objects.in_force(now).filter(
        record_kind=suggestion.record_kind, record_id=suggestion.record_id, **which
    ).update(until=now)


def record(
    actor: Actor,
    event: Event,
    suggestion: Suggestion,
    **details: Detail,
) -> None:
    """Write it to the audit log, in the caller's transaction."""
    ask_together(noting(actor, event, suggestion, **details))


def noting(actor: Actor, event: Event, suggestion: Suggestion, **details: Detail) -> Asked[None]:
    """The same, to be written together with others."""
    return recording(actor, entry_of(event, suggestion, **details))


def entry_of(event: Event, suggestion: Suggestion, **details: Detail) -> Entry:
    """An entry about a suggestion and its record, to be written alone or with others."""
    return Entry(
        event,
        record_kind=suggestion.record_kind,
        record_id=suggestion.record_id,
        suggestion_id=suggestion.pk,
        details=dict(details),
    )
