"""lead_hot: a lead that had the last word and means to buy, and nothing is planned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.crm.enums import ActivityKind, Direction, LeadStatus, TaskStatus
from apps.crm.models import Activity, Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.predictions.enums import Prediction
from apps.predictions.services.writing import retire_scores
from apps.predictions.tests.factories import ScoreFactory
from apps.tenants.models import Tenant
from apps.triggers.models import Reading
from apps.triggers.reading.services import read_activities
from apps.triggers.tests.asking import BERLIN, NOW, ago, crossing, facts_of, matching

KEY = "lead_hot"
SECOND = timedelta(seconds=1)


def wrote(lead: Lead, at: datetime, **reading: Any) -> Activity:
    """A mail of the lead's, read so."""
    mail: Activity = ActivityFactory(
        lead=lead,
        occurred_at=at,
        activity_kind=ActivityKind.EMAIL,
        direction=Direction.INBOUND,
    )
    if reading:
        Reading.objects.create(activity_id=mail.pk, **reading)
    return mail


def waiting(*scores: tuple[datetime, float], models: str = "") -> Lead:
    """A lead that wrote yesterday without asking to buy, with these scores, the last one in force.

    ``models`` has a letter for the model of each score; without it one model gave them all.
    """
    lead: Lead = LeadFactory()
    wrote(lead, ago(days=1))
    for number, (at, score) in enumerate(scores, start=1):
        ScoreFactory(
            record_id=lead.pk,
            score_0_1=score,
            scored_at=at,
            model_version=f"lead_conversion-{(models or 'a' * len(scores))[number - 1]}",
            is_latest=number == len(scores),
        )
    return lead


@pytest.mark.parametrize(
    ("at", "fires"),
    [(NOW, True), (NOW + SECOND, False), (ago(days=14) + SECOND, True), (ago(days=14), False)],
)
def test_a_question_for_a_price_within_a_fortnight(acme: Tenant, at: datetime, fires: bool) -> None:
    lead = LeadFactory()
    wrote(lead, at, asks_to_buy=True)
    assert matching(KEY) == ([lead.pk] if fires else [])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ActivityKind.EMAIL, "How much is it per user?"),
        (ActivityKind.EMAIL, "We would like to buy 50 licences."),
        (ActivityKind.CALL, "Asked for the price and an offer."),
    ],
)
def test_one_wish_to_buy_is_told_with_and_without_a_score(
    acme: Tenant, kind: str, body: str
) -> None:
    leads: list[Lead] = [LeadFactory(), waiting((ago(days=5), 0.9))]
    for lead in leads:
        ActivityFactory(
            lead=lead,
            occurred_at=ago(hours=3),
            activity_kind=kind,
            direction=Direction.INBOUND,
            body=body,
        )
    read_activities(NOW, BERLIN)
    assert matching(KEY) == [lead.pk for lead in leads]
    for lead in leads:
        assert facts_of(KEY, lead.pk)["asked_at"] == ago(hours=3).isoformat()


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
)
def test_an_answer_ends_it(
    acme: Tenant, kind: str, direction: str, is_answer: bool, at: datetime, is_after: bool
) -> None:
    lead = LeadFactory()
    wrote(lead, ago(days=1), asks_to_buy=True)
    ActivityFactory(lead=lead, occurred_at=at, activity_kind=kind, direction=direction)
    assert matching(KEY) == ([] if is_answer and is_after else [lead.pk])


@pytest.mark.parametrize(("score", "fires"), [(0.7, True), (0.699, False)])
def test_a_high_score_counts_when_they_had_the_last_word(
    acme: Tenant, score: float, fires: bool
) -> None:
    lead = LeadFactory()
    ScoreFactory(record_id=lead.pk, score_0_1=score)
    assert matching(KEY) == []
    wrote(lead, ago(days=1))
    assert matching(KEY) == ([lead.pk] if fires else [])


@pytest.mark.parametrize(
    ("before", "after", "fires"),
    [
        (0.4, 0.6, True),
        (0.41, 0.6, False),
        (0.1, 0.3, True),
        (0.2, 0.4, True),
        (0.0, 0.2, True),
        (0.6, 0.4, False),
        (0.5, 0.5, False),
    ],
)
def test_a_rise_of_twenty_points_counts_when_they_had_the_last_word(
    acme: Tenant, before: float, after: float, fires: bool
) -> None:
    lead = waiting((ago(days=7), before), (ago(days=1), after))
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_a_rise_alone_says_nothing(acme: Tenant) -> None:
    lead = waiting((ago(days=7), 0.1), (ago(days=1), 0.6))
    assert matching(KEY) == [lead.pk]
    Activity.objects.filter(lead=lead).delete()
    assert matching(KEY) == []


@pytest.mark.parametrize(("at", "fires"), [(ago(days=14) + SECOND, True), (ago(days=14), False)])
def test_the_lower_score_must_be_recent(acme: Tenant, at: datetime, fires: bool) -> None:
    lead = waiting((at, 0.1), (ago(days=1), 0.6))
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_the_lowest_of_the_window_counts_and_the_latest(acme: Tenant) -> None:
    lead = waiting((ago(days=9), 0.5), (ago(days=8), 0.28), (ago(days=3), 0.4), (ago(days=1), 0.48))
    waiting((ago(days=8), 0.28), (ago(days=3), 0.6), (ago(days=1), 0.4))
    assert matching(KEY) == [lead.pk]


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"rise_points": 30}, True),
        ({"rise_points": 31}, False),
        ({"rise_points": 30, "rise_days": 7}, False),
        ({"rise_points": 30, "rise_days": 8}, True),
        ({"rise_points": 30, "window_days": 2}, True),
    ],
)
def test_parameters_move_both_boundaries_of_a_rise(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    lead = waiting((ago(days=7), 0.2), (ago(days=1), 0.5))
    assert matching(KEY, parameters) == ([lead.pk] if fires else [])


def test_a_mere_change_of_model_is_no_rise(acme: Tenant) -> None:
    waiting((ago(days=7), 0.1), (ago(days=1), 0.6), models="ab")
    # There and back again: each model says what it said.
    waiting((ago(days=9), 0.6), (ago(days=7), 0.1), (ago(days=1), 0.6), models="aba")
    seen_by_one = waiting((ago(days=9), 0.05), (ago(days=7), 0.4), (ago(days=1), 0.6), models="abb")
    assert matching(KEY) == [seen_by_one.pk]


def test_what_was_never_scored_or_is_no_longer_has_not_risen(acme: Tenant) -> None:
    waiting()
    waiting((ago(days=1), 0.6))
    lead = waiting((ago(days=7), 0.1), (ago(days=1), 0.6))
    assert matching(KEY) == [lead.pk]
    retire_scores(Prediction.LEAD_CONVERSION, now=NOW)
    assert matching(KEY) == []


def test_the_clock_leads_to_rises_that_grow_old(acme: Tenant) -> None:
    lead = waiting((ago(days=14) + SECOND, 0.1), (ago(days=1), 0.6))
    later = NOW + timedelta(minutes=5)
    assert matching(KEY) == [lead.pk]
    assert crossing(KEY, NOW, later) == {lead.pk}
    assert matching(KEY, now=later) == []


@pytest.mark.parametrize(
    ("latest", "former_told", "told"),
    [(0.6049, 0.1, 0.6), (0.29, None, None), (0.75, 0.1, 0.75)],
)
def test_both_scores_are_told_when_one_has_risen(
    acme: Tenant, latest: float, former_told: float | None, told: float | None
) -> None:
    lead = waiting((ago(days=7), 0.1), (ago(days=1), latest))
    wrote(lead, ago(days=2), asks_to_buy=True)
    facts = facts_of(KEY, lead.pk)
    assert (facts["former_score_0_1"], facts["score_0_1"]) == (former_told, told)


@pytest.mark.parametrize(("count", "fires"), [(2, False), (3, True)])
def test_three_messages_without_an_answer(acme: Tenant, count: int, fires: bool) -> None:
    lead = LeadFactory()
    for days in range(1, count + 1):
        wrote(lead, ago(days=days))
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_thanks_and_automatic_replies_are_no_words(acme: Tenant) -> None:
    lead = LeadFactory()
    for days in (1, 2, 3, 4):
        wrote(lead, ago(days=days), needs_no_answer=True)
    ScoreFactory(record_id=lead.pk, score_0_1=0.9)
    assert matching(KEY) == []


@pytest.mark.parametrize(("status", "fires"), [(TaskStatus.OPEN, False), (TaskStatus.DONE, True)])
def test_an_open_task_is_a_plan(acme: Tenant, status: TaskStatus, fires: bool) -> None:
    lead = LeadFactory()
    wrote(lead, ago(days=1), asks_to_buy=True)
    TaskFactory(lead=lead, status=status)
    assert matching(KEY) == ([lead.pk] if fires else [])


@pytest.mark.parametrize("status", LeadStatus)
def test_only_open_leads_that_may_be_contacted(acme: Tenant, status: LeadStatus) -> None:
    lead, other = LeadFactory(status=status), LeadFactory(status=status, do_not_contact=True)
    for one in (lead, other):
        wrote(one, ago(days=1), asks_to_buy=True)
    assert matching(KEY) == ([lead.pk] if status in LeadStatus.open_values() else [])


def test_the_clock_leads_to_messages_that_arrive_and_to_those_that_grow_old(acme: Tenant) -> None:
    arriving, ageing = LeadFactory(), LeadFactory()
    wrote(arriving, NOW + SECOND, asks_to_buy=True)
    wrote(ageing, ago(days=14) + SECOND, asks_to_buy=True)
    assert matching(KEY) == [ageing.pk]
    later = NOW + timedelta(minutes=5)
    assert crossing(KEY, NOW, later) == {arriving.pk, ageing.pk}
    assert matching(KEY, now=later) == [arriving.pk]


def test_what_it_saw(acme: Tenant) -> None:
    lead = LeadFactory()
    wrote(lead, ago(days=3), asks_to_buy=True)
    wrote(lead, ago(days=1))
    assert facts_of(KEY, lead.pk) == {
        "asked_at": ago(days=3).isoformat(),
        "inbound_count": 2,
        "last_inbound_at": ago(days=1).isoformat(),
        "former_score_0_1": None,
        "score_0_1": None,
        "revision": 1,
    }
