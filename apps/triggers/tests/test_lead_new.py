"""lead_new: a lead that has just come in, and nobody has been in touch or means to."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, Direction, LeadStatus, TaskStatus
from apps.crm.models import Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, crossing, facts_of, matching

KEY = "lead_new"
SECOND = timedelta(seconds=1)


def new_lead(**fields: object) -> Lead:
    lead: Lead = LeadFactory(**{"status": LeadStatus.NEW, "created_at": ago(hours=2), **fields})
    return lead


@pytest.mark.parametrize(
    ("created", "fires"),
    [
        (NOW, True),
        (NOW + SECOND, False),
        (ago(days=14) + SECOND, True),
        (ago(days=14), False),
    ],
    ids=["just now", "dated ahead", "almost two weeks", "two weeks"],
)
def test_it_is_new_for_two_weeks(acme: Tenant, created: datetime, fires: bool) -> None:
    lead = new_lead(created_at=created)
    assert matching(KEY) == ([lead.pk] if fires else [])


@pytest.mark.parametrize(("days", "fires"), [(2, True), (1, False)])
def test_a_company_may_choose_other_days(acme: Tenant, days: int, fires: bool) -> None:
    lead = new_lead(created_at=ago(days=1))
    assert matching(KEY, {"window_days": days}) == ([lead.pk] if fires else [])


@pytest.mark.parametrize(
    ("status", "fires"), [(status, status == LeadStatus.NEW) for status in LeadStatus]
)
def test_only_a_lead_that_nobody_has_taken_up(
    acme: Tenant, status: LeadStatus, fires: bool
) -> None:
    lead = new_lead(status=status)
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_fault_15_the_status_it_looks_for_is_that_of_a_lead_as_the_database_makes_it(
    acme: Tenant,
) -> None:
    lead = Lead.objects.create(last_name="Somebody")
    assert matching(KEY, now=lead.created_at) == [lead.pk]


def test_who_must_not_be_contacted_is_left_alone(acme: Tenant) -> None:
    new_lead(do_not_contact=True)
    assert matching(KEY) == []


def test_one_that_nobody_owns_counts_as_well(acme: Tenant) -> None:
    lead = new_lead(owner=None, email="", phone="")
    assert matching(KEY) == [lead.pk]


@pytest.mark.parametrize(
    ("kind", "direction", "is_contact"),
    [
        (ActivityKind.EMAIL, Direction.OUTBOUND, True),
        (ActivityKind.EMAIL, Direction.INBOUND, False),
        (ActivityKind.CALL, Direction.OUTBOUND, True),
        (ActivityKind.CALL, Direction.INBOUND, True),
        (ActivityKind.CALL, Direction.NONE, True),
        (ActivityKind.MEETING, Direction.NONE, True),
        (ActivityKind.NOTE, Direction.NONE, False),
    ],
)
@pytest.mark.parametrize("at", [ago(hours=1), NOW + timedelta(days=3)], ids=["past", "planned"])
def test_a_first_contact_ends_it(
    acme: Tenant, kind: ActivityKind, direction: Direction, is_contact: bool, at: datetime
) -> None:
    lead = new_lead()
    ActivityFactory(lead=lead, activity_kind=kind, direction=direction, occurred_at=at)
    assert matching(KEY) == ([] if is_contact else [lead.pk])


@pytest.mark.parametrize(
    ("status", "fires"),
    [(TaskStatus.OPEN, False), (TaskStatus.DONE, True), (TaskStatus.CANCELLED, True)],
)
def test_an_open_task_is_a_plan(acme: Tenant, status: TaskStatus, fires: bool) -> None:
    lead = new_lead()
    TaskFactory(lead=lead, status=status)
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_what_happens_with_others_says_nothing(acme: Tenant) -> None:
    lead, other = new_lead(), LeadFactory(created_at=ago(days=30))
    TaskFactory(lead=other)
    ActivityFactory(lead=other, direction=Direction.OUTBOUND)
    assert matching(KEY) == [lead.pk]


def test_the_clock_leads_to_those_that_arrive_and_to_those_that_grow_old(acme: Tenant) -> None:
    arriving, ageing = new_lead(created_at=NOW + SECOND), new_lead(created_at=ago(days=14) + SECOND)
    new_lead()
    later = NOW + timedelta(minutes=5)
    assert crossing(KEY, NOW, later) == {arriving.pk, ageing.pk}
    assert arriving.pk in matching(KEY, now=later)
    assert ageing.pk not in matching(KEY, now=later)


def test_facts(acme: Tenant) -> None:
    lead = new_lead()
    assert facts_of(KEY, lead.pk) == {"created_at": ago(hours=2).isoformat(), "revision": 1}
