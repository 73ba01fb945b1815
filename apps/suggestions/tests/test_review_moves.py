"""Every state and every move: the table of moves, the services and the database agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.conftest import Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import ActivityFactory
from apps.suggestions.enums import MOVES, RejectReason, State, Verdict
from apps.suggestions.exceptions import AlreadyDecidedError
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import approve, reject, reopen, snooze
from apps.suggestions.tests.cases import NOW, put_in, scan, suggested
from apps.users.models import User

Move = Callable[[Suggestion, User], object]

# Which states each person's move may start from, and where it leads: docs/architecture.md and decision 0013.
MOVES_OF_PEOPLE: dict[str, tuple[Move, set[State], State]] = {
    "approve": (
        lambda suggestion, user: approve(suggestion_id=suggestion.pk, user=user, now=NOW),
        {State.PENDING, State.FAILED},
        State.APPLIED,
    ),
    "reject": (
        lambda suggestion, user: reject(
            suggestion_id=suggestion.pk, user=user, reason=RejectReason.NOT_NEEDED, now=NOW
        ),
        {State.PENDING, State.SNOOZED, State.FAILED},
        State.REJECTED,
    ),
    "snooze": (
        lambda suggestion, user: snooze(
            suggestion_id=suggestion.pk, user=user, until=NOW + timedelta(days=7), now=NOW
        ),
        {State.PENDING},
        State.SNOOZED,
    ),
    "reopen": (
        lambda suggestion, user: reopen(suggestion_id=suggestion.pk, user=user, now=NOW),
        {State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.SNOOZED},
        State.PENDING,
    ),
}


def test_the_table_of_moves_is_the_one_of_the_design() -> None:
    assert {state: set(targets) for state, targets in MOVES.items()} == {
        State.PENDING: {
            State.APPROVED, State.SNOOZED, State.REJECTED, State.WITHDRAWN, State.EXPIRED,
            State.SUPERSEDED,
        },
        State.SNOOZED: {
            State.PENDING, State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED,
        },
        State.APPROVED: {State.APPLIED, State.FAILED},
        State.FAILED: {State.APPROVED, State.REJECTED, State.EXPIRED},
        State.APPLIED: {State.UNDONE, State.PENDING},
        State.REJECTED: {State.PENDING},
        State.WITHDRAWN: {State.PENDING},
        State.EXPIRED: {State.PENDING},
        State.SUPERSEDED: set(),
        State.UNDONE: set(),
    }  # fmt: skip
    assert set(MOVES) == set(State)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("name", sorted(MOVES_OF_PEOPLE))
def test_each_move_from_each_state(cast: Cast, name: str, state: State) -> None:
    move, sources, target = MOVES_OF_PEOPLE[name]
    suggestion = put_in(suggested(cast.rep), state, cast.teammate)
    before = Suggestion.objects.filter(pk=suggestion.pk).values().get()
    if state in sources:
        move(suggestion, cast.rep)
        suggestion.refresh_from_db()
        assert suggestion.state == target
        assert Decision.objects.filter(verdict=Verdict(name)).count() == 1
        return
    with pytest.raises(AlreadyDecidedError) as caught:
        move(suggestion, cast.rep)
    assert (caught.value.code, caught.value.status) == ("already_decided", 409)
    assert caught.value.extras["state"] == state
    assert Suggestion.objects.filter(pk=suggestion.pk).values().get() == before
    assert Decision.objects.count() == 0


@pytest.mark.parametrize("state", list(State))
def test_clearing_withdraws_only_what_nobody_decided(cast: Cast, state: State) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    ActivityFactory(lead=Lead.objects.get(), occurred_at=NOW - timedelta(minutes=1))
    ledger = scan(timedelta(minutes=1))
    suggestion.refresh_from_db()
    is_undecided = state in {State.PENDING, State.SNOOZED}
    assert ledger.suggestions_withdrawn == int(is_undecided)
    assert suggestion.state == (State.WITHDRAWN if is_undecided else state)


@pytest.mark.parametrize("state", list(State))
def test_time_expires_what_nobody_decided_or_tried_again(cast: Cast, state: State) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    keep_true(suggestion.expires_at - timedelta(seconds=1))
    suggestion.refresh_from_db()
    if state == State.SNOOZED:
        assert suggestion.state == State.PENDING  # woken long before
    else:
        assert suggestion.state == state
    keep_true(suggestion.expires_at)
    suggestion.refresh_from_db()
    is_open = state in {State.PENDING, State.SNOOZED, State.FAILED}
    assert suggestion.state == (State.EXPIRED if is_open else state)
    said = "It could not be written, and nobody tried again in time."
    assert (suggestion.closed_because == said) is (state == State.FAILED)


@pytest.mark.parametrize("state", list(State))
def test_fault_05_the_database_knows_every_state(cast: Cast, state: State) -> None:
    assert put_in(suggested(cast.rep), state, cast.rep).state == state


def test_fault_05_and_no_other(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(IntegrityError, match="suggestion_state_is_known"), transaction.atomic():
        Suggestion.objects.filter(pk=suggestion.pk).update(state="dismissed")


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": State.APPLIED}, "applied_suggestion_has_execution"),
        ({"state": State.APPROVED}, "decided_suggestion_has_reviewer"),
        ({"state": State.FAILED}, "decided_suggestion_has_reviewer"),
        ({"state": State.REJECTED}, "decided_suggestion_has_reviewer"),
        ({"state": State.SNOOZED}, "snoozed_suggestion_has_end"),
    ],
)
def test_the_database_refuses_half_a_decision(
    cast: Cast, values: dict[str, object], constraint: str
) -> None:
    suggestion = suggested(cast.rep)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Suggestion.objects.filter(pk=suggestion.pk).update(**values)


@pytest.mark.parametrize("state", [State.PENDING, State.SNOOZED, State.APPROVED])
def test_one_open_suggestion_for_each_record_and_goal(cast: Cast, state: State) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    suggestion.pk = None
    with (
        pytest.raises(IntegrityError, match="one_open_suggestion_per_record_and_goal"),
        transaction.atomic(),
    ):
        suggestion.save()
