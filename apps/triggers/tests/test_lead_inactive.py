"""lead_inactive: an open lead, silent for long enough and not for too long, with nothing planned."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, LeadStatus, TaskStatus
from apps.crm.models import Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "lead_inactive"
SECOND = timedelta(seconds=1)


def silent_since(moment: datetime, **fields: object) -> Lead:
    lead: Lead = LeadFactory(created_at=ago(days=400), **fields)
    ActivityFactory(lead=lead, occurred_at=moment)
    return lead


@pytest.mark.parametrize(
    ("since", "fires"),
    [
        (ago(days=14), True),
        (ago(days=14) + SECOND, False),
        (ago(days=120) + SECOND, True),
        (ago(days=120), False),
    ],
    ids=["14 days", "a second less", "almost 120 days", "120 days: past reviving"],
)
def test_silence_is_measured_from_the_last_activity(
    acme: Tenant, since: datetime, fires: bool
) -> None:
    lead = silent_since(since)
    assert matching(KEY) == ([lead.pk] if fires else [])


@pytest.mark.parametrize(
    ("created", "fires"),
    [
        (ago(days=14), True),
        (ago(days=14) + SECOND, False),
        (ago(days=120) + SECOND, True),
        (ago(days=120), False),
    ],
)
def test_without_any_activity_it_is_measured_from_the_creation(
    acme: Tenant, created: datetime, fires: bool
) -> None:
    lead = LeadFactory(created_at=created)
    assert matching(KEY) == ([lead.pk] if fires else [])


@pytest.mark.parametrize(
    ("status", "fires"),
    [
        (LeadStatus.NEW, True),
        (LeadStatus.WORKING, True),
        (LeadStatus.QUALIFIED, True),
        (LeadStatus.UNQUALIFIED, False),
        (LeadStatus.CONVERTED, False),
    ],
)
def test_only_open_leads(acme: Tenant, status: LeadStatus, fires: bool) -> None:
    lead = silent_since(ago(days=30), status=status)
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_every_status_is_decided_above() -> None:
    assert len(LeadStatus) == 5


def test_who_must_not_be_contacted_is_left_alone(acme: Tenant) -> None:
    silent_since(ago(days=30), do_not_contact=True)
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("status", "fires"),
    [(TaskStatus.OPEN, False), (TaskStatus.DONE, True), (TaskStatus.CANCELLED, True)],
)
def test_an_open_task_is_a_plan(acme: Tenant, status: TaskStatus, fires: bool) -> None:
    lead = silent_since(ago(days=30))
    TaskFactory(lead=lead, status=status)
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_a_task_of_another_lead_is_none(acme: Tenant) -> None:
    lead = silent_since(ago(days=30))
    TaskFactory(lead=LeadFactory(created_at=NOW))
    assert matching(KEY) == [lead.pk]


def test_fault_13_an_edit_does_not_count_and_a_logged_call_does(acme: Tenant) -> None:
    lead = silent_since(ago(days=30))
    Lead.objects.filter(pk=lead.pk).update(title="Head of procurement")
    lead.refresh_from_db()
    assert (lead.revision, lead.updated_at > NOW) == (2, True)
    assert matching(KEY) == [lead.pk]
    ActivityFactory(lead=lead, occurred_at=ago(days=1), activity_kind=ActivityKind.CALL)
    assert matching(KEY) == []


def test_a_note_is_no_contact(acme: Tenant) -> None:
    lead = silent_since(ago(days=30))
    ActivityFactory(lead=lead, occurred_at=ago(days=1), activity_kind=ActivityKind.NOTE)
    assert matching(KEY) == [lead.pk]


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"silent_days": 7}, True),
        ({"silent_days": 8}, False),
        ({"silent_days": 1, "past_reviving_days": 7}, False),
        ({"silent_days": 1, "past_reviving_days": 8}, True),
    ],
)
def test_parameters_move_both_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    lead = silent_since(ago(days=7))
    assert matching(KEY, parameters) == ([lead.pk] if fires else [])


def test_facts_are_moments_and_the_revision_never_ages(acme: Tenant) -> None:
    lead = silent_since(ago(days=30))
    assert facts_of(KEY, lead.pk) == {
        "last_activity_at": "2026-01-31T09:00:00+00:00",
        "created_at": "2025-01-26T09:00:00+00:00",
        "revision": 1,
    }
