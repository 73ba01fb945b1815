"""deal_decaying: an open deal about which both sides talk much less than they did."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, Direction, TaskStatus
from apps.crm.models import Opportunity
from apps.crm.tests.factories import (
    ActivityFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.triggers.models import Reading
from apps.triggers.tests.asking import NOW, ago, crossing, facts_of, matching

KEY = "deal_decaying"
SECOND = timedelta(seconds=1)
# Inside the past days and inside the recent ones.
PAST, RECENT = ago(days=40), ago(days=12)


def talked(past: int, recent: int, **fields: object) -> Opportunity:
    """A deal with so many contacts before and of late."""
    deal: Opportunity = OpportunityFactory(**fields)
    for at in [PAST] * past + [RECENT] * recent:
        ActivityFactory(opportunity=deal, occurred_at=at)
    return deal


@pytest.mark.parametrize(
    ("past", "recent", "fires"),
    [
        (1, 0, False),
        (2, 0, True),
        (4, 1, False),
        (10, 1, False),  # a quarter of 10 is expected, two fifths of that are 1: not below
        (11, 1, True),
        (20, 2, False),
        (20, 1, True),
        (0, 0, False),
        (0, 5, False),
    ],
)
def test_the_rate_falls_below_two_fifths(acme: Tenant, past: int, recent: int, fires: bool) -> None:
    deal = talked(past, recent)
    assert matching(KEY) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"past_count": 6}, True),
        ({"past_count": 7}, False),
        ({"rate_percent": 66}, False),
        ({"rate_percent": 67}, True),  # 1 of late against 1.5 expected
        ({"recent_days": 7, "past_days": 63}, True),
        ({"quiet_days": 40}, True),
        ({"quiet_days": 41}, False),
    ],
)
def test_parameters_move_the_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    recent = 1 if "rate_percent" in parameters else 0
    deal = talked(6, recent)
    assert matching(KEY, parameters) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        (ago(days=14), True),
        (ago(days=14) + SECOND, False),
        (ago(days=70) + SECOND, True),
        (ago(days=70), False),
    ],
    ids=["just past", "still recent", "still past", "too old"],
)
def test_both_ends_of_both_spans(acme: Tenant, at: datetime, fires: bool) -> None:
    deal = talked(1, 0)
    ActivityFactory(opportunity=deal, occurred_at=at)
    assert matching(KEY) == ([deal.pk] if fires else [])


def test_a_contact_dated_ahead_counts_when_it_takes_place(acme: Tenant) -> None:
    deal = talked(4, 0)
    ActivityFactory(opportunity=deal, occurred_at=NOW + SECOND)
    assert matching(KEY) == [deal.pk]
    assert matching(KEY, now=NOW + SECOND) == []
    assert crossing(KEY, NOW, NOW + SECOND) == {deal.pk}


@pytest.mark.parametrize("days", [14, 70])
def test_the_clock_leads_to_contacts_that_leave_a_span(acme: Tenant, days: int) -> None:
    leaving, staying = OpportunityFactory(), OpportunityFactory()
    ActivityFactory(opportunity=leaving, occurred_at=ago(days=days) + SECOND)
    ActivityFactory(opportunity=staying, occurred_at=ago(days=days) + 2 * SECOND)
    ActivityFactory(occurred_at=ago(days=days) + SECOND)
    assert crossing(KEY, NOW, NOW + SECOND) == {leaving.pk}


@pytest.mark.parametrize("kind", ActivityKind)
def test_a_note_is_no_contact(acme: Tenant, kind: ActivityKind) -> None:
    deal = talked(1, 0)
    ActivityFactory(
        opportunity=deal, occurred_at=PAST, activity_kind=kind, direction=Direction.NONE
    )
    assert matching(KEY) == ([] if kind == ActivityKind.NOTE else [deal.pk])


@pytest.mark.parametrize("direction", Direction)
def test_a_contact_in_either_direction_keeps_it_going(acme: Tenant, direction: Direction) -> None:
    deal = talked(4, 0)
    assert matching(KEY) == [deal.pk]
    ActivityFactory(opportunity=deal, occurred_at=NOW, direction=direction)
    assert matching(KEY) == []


@pytest.mark.parametrize("key", ["won", "lost"])
def test_a_closed_deal_may_be_quiet(acme: Tenant, key: str) -> None:
    talked(6, 0, stage=StageFactory(key=key))
    assert matching(KEY) == []


def test_every_open_stage_counts(acme: Tenant) -> None:
    deals = [
        talked(4, 0, stage=StageFactory(key=key), owner=None, amount=None)
        for key in ("prospecting", "engaging", "proposal", "negotiation")
    ]
    assert matching(KEY) == [deal.pk for deal in deals]


@pytest.mark.parametrize(
    ("status", "fires"),
    [(TaskStatus.OPEN, False), (TaskStatus.DONE, True), (TaskStatus.CANCELLED, True)],
)
def test_an_open_task_says_that_the_pause_is_meant(
    acme: Tenant, status: TaskStatus, fires: bool
) -> None:
    deal = talked(4, 0)
    TaskFactory(opportunity=deal, status=status)
    TaskFactory(opportunity=deal, status=TaskStatus.DONE)
    assert matching(KEY) == ([deal.pk] if fires else [])


def test_facts_are_counts_that_change_at_edges_only(acme: Tenant) -> None:
    deal = talked(11, 1)
    ActivityFactory(opportunity=deal, occurred_at=ago(days=80))
    facts = {
        "recent_count": 1,
        "former_count": 11,
        "last_activity_at": RECENT.isoformat(),
        "revision": 1,
    }
    assert facts_of(KEY, deal.pk) == facts
    later = NOW + timedelta(days=1)
    assert crossing(KEY, NOW, later) == set()
    assert facts_of(KEY, deal.pk, now=later) == facts


@pytest.mark.parametrize(
    ("at", "fires"),
    [(ago(days=10), True), (ago(days=10) + SECOND, False)],
    ids=["quiet", "not yet"],
)
def test_it_has_been_quiet_for_ten_days(acme: Tenant, at: datetime, fires: bool) -> None:
    deal = talked(11, 0)
    ActivityFactory(opportunity=deal, occurred_at=at)
    assert matching(KEY) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(
    ("at", "fires"),
    [(ago(days=60), True), (ago(days=60) + SECOND, False)],
    ids=["long ago", "asked"],
)
def test_who_asked_to_wait_is_not_kept_waiting(acme: Tenant, at: datetime, fires: bool) -> None:
    deal = talked(4, 0)
    mail = ActivityFactory(opportunity=deal, occurred_at=at, direction=Direction.INBOUND)
    Reading.objects.create(activity_id=mail.pk, asks_to_wait=True)
    assert matching(KEY) == ([deal.pk] if fires else [])
