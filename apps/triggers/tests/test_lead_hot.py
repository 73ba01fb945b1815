"""lead_hot: a lead that had the last word and means to buy, and nothing is planned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.crm.enums import ActivityKind, Direction, LeadStatus, TaskStatus
from apps.crm.models import Activity, Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.predictions.tests.factories import ScoreFactory
from apps.tenants.models import Tenant
from apps.triggers.models import Reading
from apps.triggers.tests.asking import NOW, ago, crossing, facts_of, matching

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


@pytest.mark.parametrize(
    ("at", "fires"),
    [(NOW, True), (NOW + SECOND, False), (ago(days=14) + SECOND, True), (ago(days=14), False)],
)
def test_a_question_for_a_price_within_a_fortnight(acme: Tenant, at: datetime, fires: bool) -> None:
    lead = LeadFactory()
    wrote(lead, at, asks_to_buy=True)
    assert matching(KEY) == ([lead.pk] if fires else [])


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
        "score_0_1": None,
        "revision": 1,
    }
