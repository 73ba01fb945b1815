"""What came of decisions: looked at once, after 7, 30 and 90 days, for applied and rejected suggestions."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import Cast
from apps.crm.enums import Direction, LeadStatus
from apps.crm.models import ChangeLog, Lead, Opportunity
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.suggestions.enums import State
from apps.suggestions.learning.enums import FollowedDays
from apps.suggestions.learning.models import FollowedOutcome
from apps.suggestions.learning.outcomes import OutcomeRow, Share, follow_outcomes, read_outcomes
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import NOW, put_in
from apps.suggestions.tests.factories import SuggestionFactory

DECIDED = NOW - timedelta(days=40)
WEEK = DECIDED + timedelta(days=7)


def decided(
    cast: Cast, state: State = State.REJECTED, at: datetime = DECIDED, **fields: object
) -> Suggestion:
    suggestion = put_in(SuggestionFactory(assignee=cast.rep, **fields), state, cast.rep)
    Suggestion.objects.filter(pk=suggestion.pk).update(
        reviewed_at=at, **({"applied_at": at} if state == State.APPLIED else {})
    )
    return suggestion


def seen(suggestion: Suggestion, days: int = 7) -> tuple[bool | None, bool | None, bool | None]:
    row = FollowedOutcome.objects.get(suggestion=suggestion, days=days)
    return row.answered, row.moved, row.done


def inbound(at: datetime, **subject: object) -> None:
    ActivityFactory(direction=Direction.INBOUND, occurred_at=at, **subject)


def follow_from(suggestion: Suggestion, *, before_last_change: timedelta) -> None:
    """Follow it for a week, as if it had been decided so long before its record changed last."""
    history = ChangeLog.objects.of_record(suggestion.record_kind, suggestion.record_id)
    at = history.latest("changed_at").changed_at - before_last_change
    Suggestion.objects.filter(pk=suggestion.pk).update(reviewed_at=at)
    follow_outcomes(at + timedelta(days=7))


@pytest.mark.parametrize(
    ("after", "expected"), [(6, []), (7, [7]), (29, [7]), (30, [7, 30]), (90, [7, 30, 90])]
)
def test_it_is_looked_at_when_the_days_are_over(
    cast: Cast, after: int, expected: list[int]
) -> None:
    decided(cast)
    assert follow_outcomes(DECIDED + timedelta(days=after)) == len(expected)
    found = FollowedOutcome.objects.order_by("days").values_list("days", flat=True)
    assert list(found) == expected


def test_looking_again_writes_nothing(cast: Cast) -> None:
    suggestion = decided(cast)
    assert follow_outcomes(NOW) == 2
    inbound(DECIDED + timedelta(days=1), lead_id=suggestion.record_id)
    assert follow_outcomes(NOW) == 0
    assert seen(suggestion) == (False, False, None)


@pytest.mark.parametrize(
    ("at", "direction", "expected"),
    [
        (DECIDED + timedelta(days=1), Direction.INBOUND, True),
        (WEEK, Direction.INBOUND, True),
        (WEEK + timedelta(seconds=1), Direction.INBOUND, False),
        (DECIDED, Direction.INBOUND, False),
        (DECIDED + timedelta(days=1), Direction.OUTBOUND, False),
    ],
)
def test_a_lead_that_is_in_touch_within_the_days_has_answered(
    cast: Cast, at: datetime, direction: Direction, expected: bool
) -> None:
    suggestion = decided(cast)
    ActivityFactory(direction=direction, occurred_at=at, lead_id=suggestion.record_id)
    ActivityFactory(direction=Direction.INBOUND, occurred_at=DECIDED + timedelta(days=1))
    follow_outcomes(WEEK)
    assert seen(suggestion)[0] is expected


def test_a_deals_customer_is_its_contact_and_a_tasks_whom_it_is_about(cast: Cast) -> None:
    contact = ContactFactory()
    deal = OpportunityFactory(contact=contact)
    task = TaskFactory(contact=contact)
    of_deal = decided(cast, record_kind="opportunity", record_id=deal.pk)
    of_task = decided(cast, record_kind="task", record_id=task.pk)
    inbound(DECIDED + timedelta(days=2), contact=contact)
    follow_outcomes(WEEK)
    assert seen(of_deal) == (True, False, None)
    assert seen(of_task) == (True, None, False)


@pytest.mark.parametrize(
    ("stage", "expected"), [("later", True), ("earlier", False), ("won", True), ("lost", False)]
)
def test_a_deal_moves_by_stages_forward_or_by_being_won(
    cast: Cast, stage: str, expected: bool
) -> None:
    stages = {
        "earlier": StageFactory(key="earlier", position=101),
        "middle": StageFactory(key="middle", position=102),
        "later": StageFactory(key="later", position=103),
        "won": StageFactory(key="won-early", position=90, outcome="won"),
        "lost": StageFactory(key="lost-late", position=110, outcome="lost"),
    }
    deal = OpportunityFactory(stage=stages["middle"])
    suggestion = decided(cast, record_kind="opportunity", record_id=deal.pk)
    Opportunity.objects.filter(pk=deal.pk).update(stage=stages[stage])
    follow_from(suggestion, before_last_change=timedelta(days=3))
    assert seen(suggestion)[1] is expected


@pytest.mark.parametrize(("days", "expected"), [(7, True), (8, False), (-1, False)])
def test_a_move_counts_within_the_days_alone(cast: Cast, days: int, expected: bool) -> None:
    deal = OpportunityFactory(stage=StageFactory(key="first", position=101))
    suggestion = decided(cast, record_kind="opportunity", record_id=deal.pk)
    Opportunity.objects.filter(pk=deal.pk).update(stage=StageFactory(key="second", position=102))
    follow_from(suggestion, before_last_change=timedelta(days=days))
    assert seen(suggestion)[1] is expected


@pytest.mark.parametrize(
    ("status", "expected"), [(LeadStatus.QUALIFIED, True), (LeadStatus.UNQUALIFIED, False)]
)
def test_a_lead_moves_towards_a_deal(cast: Cast, status: LeadStatus, expected: bool) -> None:
    suggestion = decided(cast)
    Lead.objects.filter(pk=suggestion.record_id).update(status=status)
    follow_from(suggestion, before_last_change=timedelta(days=3))
    assert seen(suggestion)[1] is expected


@pytest.mark.parametrize(("day", "expected"), [(7, True), (8, False)])
def test_a_task_is_done_within_the_days(cast: Cast, day: int, expected: bool) -> None:
    task = TaskFactory(status="done", completed_at=DECIDED + timedelta(days=day))
    suggestion = decided(cast, State.APPLIED, record_kind="task", record_id=task.pk)
    follow_outcomes(WEEK)
    assert seen(suggestion)[2] is expected


def test_a_record_that_is_gone_has_nothing_to_tell(cast: Cast) -> None:
    suggestion = decided(cast, record_kind="task", record_id=10**9)
    follow_outcomes(WEEK)
    assert seen(suggestion) == (None, None, False)


def test_what_waits_or_was_undone_is_not_followed(cast: Cast) -> None:
    for state in (State.PENDING, State.SNOOZED, State.FAILED, State.UNDONE, State.WITHDRAWN):
        decided(cast, state)
    assert follow_outcomes(NOW) == 0


def test_applied_and_rejected_stand_beside_each_other(cast: Cast) -> None:
    for state, answers in ((State.APPLIED, [1, 1, 0]), (State.REJECTED, [0, 1])):
        for is_answered in answers:
            suggestion = decided(cast, state, trigger="lead_inactive")
            if is_answered:
                inbound(DECIDED + timedelta(days=1), lead_id=suggestion.record_id)
    undone = decided(cast, State.APPLIED, trigger="lead_inactive")
    follow_outcomes(WEEK)
    put_in(undone, State.UNDONE, cast.rep)
    assert read_outcomes(cast.rep) == [
        OutcomeRow("lead_inactive", FollowedDays.WEEK, True, 3, Share(2, 3), Share(0, 3), Share(0, 0)),
        OutcomeRow("lead_inactive", FollowedDays.WEEK, False, 2, Share(1, 2), Share(0, 2), Share(0, 0)),
    ]  # fmt: skip
    assert read_outcomes(cast.manager) == read_outcomes(cast.rep)
    assert read_outcomes(cast.teammate) == []


@pytest.mark.parametrize("count", [1, 3])
def test_following_takes_one_statement_however_much_is_due(cast: Cast, count: int) -> None:
    for _ in range(count):
        decided(cast)
    with CaptureQueriesContext(connection) as queries:
        follow_outcomes(NOW)
    inserted = [query for query in queries if "INSERT INTO" in query["sql"]]
    assert len(inserted) == 1


def test_a_decision_that_was_reopened_and_taken_again_is_followed_anew(cast: Cast) -> None:
    suggestion = decided(cast, lead=LeadFactory())
    follow_outcomes(WEEK)
    again = WEEK + timedelta(days=1)
    Suggestion.objects.filter(pk=suggestion.pk).update(reviewed_at=again)
    assert follow_outcomes(again + timedelta(days=7)) == 1
    found = FollowedOutcome.objects.filter(suggestion=suggestion).order_by("decided_at")
    assert list(found.values_list("decided_at", flat=True)) == [DECIDED, again]
