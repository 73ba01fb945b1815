"""deal_hot: a high score or unanswered messages of the other side, and nothing planned."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, DealOutcome, Direction, TaskStatus
from apps.crm.models import Opportunity
from apps.crm.tests.factories import (
    ActivityFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.tests.factories import ScoreFactory
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, crossing, facts_of, matching

KEY = "deal_hot"
SECOND = timedelta(seconds=1)


def heard(deal: Opportunity, *moments: datetime, **fields: object) -> None:
    """Inbound mails at these moments."""
    for at in moments:
        ActivityFactory(**{"opportunity": deal, "occurred_at": at, **fields})


def score(deal: Opportunity, score_0_1: float, **fields: object) -> None:
    ScoreFactory(
        **{
            "prediction": Prediction.DEAL_CLOSE,
            "record_kind": deal.kind,
            "record_id": deal.pk,
            "score_0_1": score_0_1,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("moments", "fires"),
    [
        ([ago(days=6), ago(days=1)], True),
        ([ago(days=1)], False),
        ([ago(days=7) + SECOND, NOW], True),
        ([ago(days=7), NOW], False),
        ([ago(days=6), NOW + SECOND], False),
    ],
    ids=["two", "one", "at both ends", "one too old", "one dated ahead"],
)
def test_two_messages_within_a_week(acme: Tenant, moments: list[datetime], fires: bool) -> None:
    deal = OpportunityFactory()
    heard(deal, *moments)
    assert matching(KEY) == ([deal.pk] if fires else [])


def test_a_call_of_theirs_counts_like_a_mail(acme: Tenant) -> None:
    """Taking it is no answer here: the last word is theirs until our side writes, calls or meets them."""
    deal = OpportunityFactory()
    heard(deal, ago(days=6))
    assert matching(KEY) == []
    heard(deal, ago(days=1), activity_kind=ActivityKind.CALL)
    assert matching(KEY) == [deal.pk]
    assert facts_of(KEY, deal.pk)["inbound_count"] == 2


@pytest.mark.parametrize(
    ("kind", "direction", "is_answer"),
    [
        (ActivityKind.EMAIL, Direction.OUTBOUND, True),
        (ActivityKind.CALL, Direction.OUTBOUND, True),
        (ActivityKind.MEETING, Direction.NONE, True),
        (ActivityKind.NOTE, Direction.NONE, False),
        (ActivityKind.CALL, Direction.INBOUND, False),
    ],
)
@pytest.mark.parametrize(
    ("at", "is_after"),
    [(ago(days=1) - SECOND, False), (ago(days=1), True), (NOW + timedelta(days=9), True)],
    ids=["before the last", "at once", "planned"],
)
def test_an_answer_ends_it(
    acme: Tenant,
    kind: ActivityKind,
    direction: Direction,
    is_answer: bool,
    at: datetime,
    is_after: bool,
) -> None:
    deal = OpportunityFactory()
    heard(deal, ago(days=6), ago(days=1))
    heard(deal, at, activity_kind=kind, direction=direction)
    assert matching(KEY) == ([] if is_answer and is_after else [deal.pk])


@pytest.mark.parametrize(("score_0_1", "fires"), [(0.7, True), (0.699, False)])
def test_a_high_score_is_enough(acme: Tenant, score_0_1: float, fires: bool) -> None:
    deal = OpportunityFactory()
    score(deal, score_0_1)
    assert matching(KEY) == ([deal.pk] if fires else [])


def test_a_high_score_holds_although_somebody_has_answered(acme: Tenant) -> None:
    deal = OpportunityFactory()
    score(deal, 0.8)
    heard(deal, ago(days=1), direction=Direction.OUTBOUND)
    assert matching(KEY) == [deal.pk]


def test_only_the_latest_score_counts_and_only_of_this_prediction(acme: Tenant) -> None:
    deal = OpportunityFactory()
    score(deal, 0.9, is_latest=False)
    score(deal, 0.6)
    score(deal, 0.9, prediction=Prediction.CONTACT_ENGAGEMENT)
    assert matching(KEY) == []


def test_a_missing_score_never_fires_and_never_fails(acme: Tenant) -> None:
    OpportunityFactory()
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"inbound_count": 3}, True),
        ({"inbound_count": 4}, False),
        ({"inbound_count": 3, "window_days": 5}, False),
        ({"inbound_count": 3, "window_days": 6}, True),
        ({"inbound_count": 50, "score_percent": 40}, True),
        ({"inbound_count": 50, "score_percent": 41}, False),
    ],
)
def test_parameters_move_the_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    deal = OpportunityFactory()
    heard(deal, ago(days=5), ago(days=2), ago(hours=2))
    score(deal, 0.4)
    assert matching(KEY, parameters) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(
    ("status", "fires"),
    [(TaskStatus.OPEN, False), (TaskStatus.DONE, True), (TaskStatus.CANCELLED, True)],
)
def test_an_open_task_is_a_plan(acme: Tenant, status: TaskStatus, fires: bool) -> None:
    deal = OpportunityFactory()
    score(deal, 0.9)
    heard(deal, ago(days=2), ago(days=1))
    TaskFactory(opportunity=deal, status=status)
    assert matching(KEY) == ([deal.pk] if fires else [])


def test_messages_of_others_and_to_nobody_say_nothing(acme: Tenant) -> None:
    deal = OpportunityFactory()
    heard(deal, ago(days=2))
    heard(OpportunityFactory(), ago(days=1))
    ActivityFactory(occurred_at=ago(days=1), counterpart_address="somebody@new.example")
    assert matching(KEY) == []


@pytest.mark.parametrize("outcome", DealOutcome)
def test_only_open_deals(acme: Tenant, outcome: DealOutcome) -> None:
    stage = StageFactory(key="engaging" if outcome == DealOutcome.OPEN else outcome.value)
    deal = OpportunityFactory(stage=stage, amount=None, owner=None)
    score(deal, 0.9)
    assert matching(KEY) == ([deal.pk] if outcome == DealOutcome.OPEN else [])


def test_the_clock_leads_to_messages_that_arrive_and_to_those_that_grow_old(acme: Tenant) -> None:
    arriving, ageing, steady = (OpportunityFactory() for _ in range(3))
    heard(arriving, ago(days=2), NOW + SECOND)
    heard(ageing, ago(days=7) + SECOND, ago(days=2))
    heard(steady, ago(days=3), ago(days=2))
    assert matching(KEY) == [ageing.pk, steady.pk]
    later = NOW + timedelta(minutes=5)
    assert crossing(KEY, NOW, later) == {arriving.pk, ageing.pk}
    assert matching(KEY, now=later) == [arriving.pk, steady.pk]


def test_facts_of_messages(acme: Tenant) -> None:
    deal = OpportunityFactory()
    heard(deal, ago(days=30), ago(days=6), ago(days=1))
    score(deal, 0.41)
    assert facts_of(KEY, deal.pk) == {
        "inbound_count": 2,
        "last_inbound_at": ago(days=1).isoformat(),
        "score_0_1": None,
        "revision": 1,
    }


def test_facts_of_a_score(acme: Tenant) -> None:
    deal = OpportunityFactory()
    score(deal, 0.8349)
    assert facts_of(KEY, deal.pk) == {
        "inbound_count": 0,
        "last_inbound_at": None,
        "score_0_1": 0.83,
        "revision": 1,
    }
