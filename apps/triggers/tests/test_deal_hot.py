"""deal_hot: a high score or unanswered messages of the other side, and nothing planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.crm.enums import ActivityKind, DealOutcome, Direction, TaskStatus
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

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Case:
    """The trigger, and what it is about."""

    key: str
    subject: str
    make: Callable[..., Any]
    prediction: Prediction

    def heard(self, record: Any, *moments: datetime, **fields: object) -> None:
        """Inbound mails at these moments."""
        for at in moments:
            ActivityFactory(**{self.subject: record, "occurred_at": at, **fields})

    def score(self, record: Any, score_0_1: float, **fields: object) -> None:
        ScoreFactory(
            **{
                "prediction": self.prediction,
                "record_kind": self.subject,
                "record_id": record.pk,
                "score_0_1": score_0_1,
                **fields,
            }
        )


DEAL = Case("deal_hot", "opportunity", OpportunityFactory, Prediction.DEAL_CLOSE)


@pytest.fixture
def case(acme: Tenant) -> Case:
    return DEAL


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
def test_two_messages_within_a_week(case: Case, moments: list[datetime], fires: bool) -> None:
    record = case.make()
    case.heard(record, *moments)
    assert matching(case.key) == ([record.pk] if fires else [])


def test_a_call_of_theirs_counts_like_a_mail(case: Case) -> None:
    """Taking it is no answer here: the last word is theirs until our side writes, calls or meets them."""
    record = case.make()
    case.heard(record, ago(days=6))
    assert matching(case.key) == []
    case.heard(record, ago(days=1), activity_kind=ActivityKind.CALL)
    assert matching(case.key) == [record.pk]
    assert facts_of(case.key, record.pk)["inbound_count"] == 2


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
    case: Case,
    kind: ActivityKind,
    direction: Direction,
    is_answer: bool,
    at: datetime,
    is_after: bool,
) -> None:
    record = case.make()
    case.heard(record, ago(days=6), ago(days=1))
    case.heard(record, at, activity_kind=kind, direction=direction)
    assert matching(case.key) == ([] if is_answer and is_after else [record.pk])


@pytest.mark.parametrize(("score", "fires"), [(0.7, True), (0.699, False)])
def test_a_high_score_is_enough(case: Case, score: float, fires: bool) -> None:
    record = case.make()
    case.score(record, score)
    assert matching(case.key) == ([record.pk] if fires else [])


def test_a_high_score_holds_although_somebody_has_answered(case: Case) -> None:
    record = case.make()
    case.score(record, 0.8)
    case.heard(record, ago(days=1), direction=Direction.OUTBOUND)
    assert matching(case.key) == [record.pk]


def test_only_the_latest_score_counts_and_only_of_this_prediction(case: Case) -> None:
    record = case.make()
    case.score(record, 0.9, is_latest=False)
    case.score(record, 0.6)
    case.score(record, 0.9, prediction=Prediction.CONTACT_ENGAGEMENT)
    assert matching(case.key) == []


def test_a_missing_score_never_fires_and_never_fails(case: Case) -> None:
    case.make()
    assert matching(case.key) == []


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
    case: Case, parameters: dict[str, int], fires: bool
) -> None:
    record = case.make()
    case.heard(record, ago(days=5), ago(days=2), ago(hours=2))
    case.score(record, 0.4)
    assert matching(case.key, parameters) == ([record.pk] if fires else [])


@pytest.mark.parametrize(
    ("status", "fires"),
    [(TaskStatus.OPEN, False), (TaskStatus.DONE, True), (TaskStatus.CANCELLED, True)],
)
def test_an_open_task_is_a_plan(case: Case, status: TaskStatus, fires: bool) -> None:
    record = case.make()
    case.score(record, 0.9)
    case.heard(record, ago(days=2), ago(days=1))
    TaskFactory(**{case.subject: record, "status": status})
    assert matching(case.key) == ([record.pk] if fires else [])


def test_messages_of_others_and_to_nobody_say_nothing(case: Case) -> None:
    record = case.make()
    case.heard(record, ago(days=2))
    case.heard(case.make(), ago(days=1))
    ActivityFactory(occurred_at=ago(days=1), counterpart_address="somebody@new.example")
    assert matching(case.key) == []


@pytest.mark.parametrize("outcome", DealOutcome)
def test_only_open_deals(acme: Tenant, outcome: DealOutcome) -> None:
    stage = StageFactory(key="engaging" if outcome == DealOutcome.OPEN else outcome.value)
    deal = OpportunityFactory(stage=stage, amount=None, owner=None)
    DEAL.score(deal, 0.9)
    assert matching("deal_hot") == ([deal.pk] if outcome == DealOutcome.OPEN else [])


def test_the_clock_leads_to_messages_that_arrive_and_to_those_that_grow_old(case: Case) -> None:
    arriving, ageing, steady = (case.make() for _ in range(3))
    case.heard(arriving, ago(days=2), NOW + SECOND)
    case.heard(ageing, ago(days=7) + SECOND, ago(days=2))
    case.heard(steady, ago(days=3), ago(days=2))
    assert matching(case.key) == [ageing.pk, steady.pk]
    later = NOW + timedelta(minutes=5)
    assert crossing(case.key, NOW, later) == {arriving.pk, ageing.pk}
    assert matching(case.key, now=later) == [arriving.pk, steady.pk]


def test_facts_of_messages(case: Case) -> None:
    record = case.make()
    case.heard(record, ago(days=30), ago(days=6), ago(days=1))
    case.score(record, 0.41)
    assert facts_of(case.key, record.pk) == {
        "inbound_count": 2,
        "last_inbound_at": ago(days=1).isoformat(),
        "score_0_1": None,
        "revision": 1,
    }


def test_facts_of_a_score(case: Case) -> None:
    record = case.make()
    case.score(record, 0.8349)
    assert facts_of(case.key, record.pk) == {
        "inbound_count": 0,
        "last_inbound_at": None,
        "score_0_1": 0.83,
        "revision": 1,
    }
