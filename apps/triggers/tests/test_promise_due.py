"""promise_due: something was promised for a day that is over, and nothing came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.crm.enums import ActivityKind, DealOutcome, Direction, TaskStatus
from apps.crm.models import Activity, Stage
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.triggers.models import Reading
from apps.triggers.reading.services import read_activities
from apps.triggers.tests.asking import BERLIN, NOW, ago, facts_of, matching

KEY = "promise_due"
TODAY = NOW.astimezone(BERLIN).date()


def promised(days_ago: int, *, due_days_ago: int, **fields: Any) -> Activity:
    """A mail of ours that promises something for a day."""
    day = TODAY - timedelta(days=due_days_ago)
    sent: Activity = ActivityFactory(
        **{
            "activity_kind": ActivityKind.EMAIL,
            "direction": Direction.OUTBOUND,
            "occurred_at": ago(days=days_ago),
            "body": f"Thank you for the talk. I will send the quote by {day.isoformat()}.",
            **fields,
        }
    )
    return sent


def found(now: datetime = NOW) -> list[int]:
    """What fires, after the texts were read."""
    read_activities(now, BERLIN)
    return matching(KEY, now=now)


@pytest.mark.parametrize(
    ("due_days_ago", "fires"), [(1, True), (0, False), (-1, False), (45, True), (46, False)]
)
def test_the_day_must_be_over_and_not_long_so(acme: Tenant, due_days_ago: int, fires: bool) -> None:
    sent = promised(50, due_days_ago=due_days_ago, opportunity=OpportunityFactory())
    assert found() == ([sent.pk] if fires else [])


def test_it_tells_the_day_and_what_it_is_about(acme: Tenant) -> None:
    deal = OpportunityFactory()
    sent = promised(5, due_days_ago=2, opportunity=deal)
    read_activities(NOW, BERLIN)
    facts = facts_of(KEY, sent.pk)
    assert facts["promised_on"] == (TODAY - timedelta(days=2)).isoformat()
    assert facts["opportunity_id"] == deal.pk


@pytest.mark.parametrize(
    ("kind", "direction", "days_ago", "kept"),
    [
        (ActivityKind.EMAIL, Direction.OUTBOUND, 1, True),
        (ActivityKind.CALL, Direction.INBOUND, 1, True),
        (ActivityKind.EMAIL, Direction.INBOUND, 1, True),
        (ActivityKind.NOTE, Direction.NONE, 1, True),
        (ActivityKind.NOTE, Direction.NONE, 4, False),
    ],
    ids=["written", "called", "their mail waits instead", "noted on the day", "noted before it"],
)
def test_what_happened_since(
    acme: Tenant, kind: str, direction: str, days_ago: int, kept: bool
) -> None:
    lead = LeadFactory()
    sent = promised(6, due_days_ago=2, lead=lead)
    ActivityFactory(
        lead=lead, activity_kind=kind, direction=direction, occurred_at=ago(days=days_ago)
    )
    assert found() == ([] if kept else [sent.pk])


def test_a_colleague_wrote_to_the_person_about_nothing_in_particular(acme: Tenant) -> None:
    contact = ContactFactory()
    sent = promised(6, due_days_ago=2, opportunity=OpportunityFactory(), contact=contact)
    assert found() == [sent.pk]
    ActivityFactory(
        contact=contact,
        activity_kind=ActivityKind.EMAIL,
        direction=Direction.OUTBOUND,
        occurred_at=ago(days=1),
    )
    assert found() == []


@pytest.mark.parametrize(
    ("fields", "is_plan"),
    [
        ({"status": TaskStatus.OPEN}, True),
        ({"status": TaskStatus.DONE, "completed_at": ago(days=1)}, True),
        ({"status": TaskStatus.DONE, "completed_at": ago(days=9)}, False),
        (
            {"status": TaskStatus.DONE, "completed_at": ago(days=1), "created_at": ago(days=7)},
            False,
        ),
    ],
    ids=["open", "done since", "done before", "made before"],
)
def test_tasks(acme: Tenant, fields: dict[str, Any], is_plan: bool) -> None:
    deal = OpportunityFactory()
    sent = promised(6, due_days_ago=2, opportunity=deal)
    TaskFactory(opportunity=deal, **fields)
    assert found() == ([] if is_plan else [sent.pk])


@pytest.mark.parametrize(
    ("body", "kind", "direction", "kept"),
    [
        ("Called her, all is settled.", ActivityKind.NOTE, Direction.NONE, True),
        ("Her assistant is new.", ActivityKind.NOTE, Direction.NONE, False),
        ("Thank you, well received.", ActivityKind.EMAIL, Direction.INBOUND, False),
        ("Thank you. Could you send it sooner?", ActivityKind.EMAIL, Direction.INBOUND, True),
    ],
    ids=["a call is noted", "something is noted", "they thank", "they ask"],
)
def test_what_was_said_before_the_day(
    acme: Tenant, body: str, kind: str, direction: str, kept: bool
) -> None:
    deal = OpportunityFactory()
    sent = promised(6, due_days_ago=1, opportunity=deal)
    ActivityFactory(
        opportunity=deal,
        activity_kind=kind,
        direction=direction,
        body=body,
        occurred_at=ago(days=4),
    )
    assert found() == ([] if kept else [sent.pk])


@pytest.mark.parametrize(("utc_hour", "kept"), [(22, False), (23, True)])
@pytest.mark.parametrize("asking_from", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_the_day_of_a_note_is_the_companys_whoever_asks(
    acme: Tenant, utc_hour: int, kept: bool, asking_from: str
) -> None:
    deal = OpportunityFactory()
    sent = promised(6, due_days_ago=3, opportunity=deal)
    # In Berlin the promised day begins at eleven in the evening of the day before.
    noted_at = datetime(2026, 2, 26, utc_hour, 30, tzinfo=UTC)
    ActivityFactory(opportunity=deal, activity_kind=ActivityKind.NOTE, occurred_at=noted_at)
    with timezone.override(asking_from):
        assert found() == ([] if kept else [sent.pk])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (ActivityKind.CALL, {"body": "Spoke to Anna, will call back Friday"}),
        (ActivityKind.NOTE, {"body": "- call back Friday"}),
        (ActivityKind.NOTE, {"subject": "Left voicemail, call back Friday", "body": ""}),
    ],
)
def test_what_was_noted_in_haste_is_due_the_day_after(
    acme: Tenant, kind: str, fields: dict[str, str]
) -> None:
    # Of last Tuesday; today is Monday.
    noted = promised(6, due_days_ago=0, lead=LeadFactory(), activity_kind=kind, **fields)
    read_activities(NOW, BERLIN)
    friday = NOW - timedelta(days=3)
    assert (matching(KEY, now=friday), matching(KEY, now=friday + timedelta(days=1))) == (
        [],
        [noted.pk],
    )
    assert matching("followup_missing", now=friday) == []


def test_closed_deals_are_left_alone(acme: Tenant) -> None:
    promised(
        6,
        due_days_ago=2,
        opportunity=OpportunityFactory(stage=Stage.objects.get(outcome=DealOutcome.LOST)),
    )
    assert found() == []


def test_a_talk_that_promised_a_day_misses_no_next_step_before_it(acme: Tenant) -> None:
    talk = promised(
        6, due_days_ago=-1, opportunity=OpportunityFactory(), activity_kind=ActivityKind.CALL
    )
    read_activities(NOW, BERLIN)
    assert matching("followup_missing") == []
    assert matching("followup_missing", now=NOW + timedelta(days=2)) == [talk.pk]


def test_a_text_that_is_changed_is_read_anew(acme: Tenant) -> None:
    sent = promised(6, due_days_ago=2, opportunity=OpportunityFactory())
    assert found() == [sent.pk]
    Activity.objects.filter(pk=sent.pk).update(body="Thank you for the talk.")
    assert found() == []
    assert Reading.objects.get().promised_on is None


def test_what_has_not_changed_is_not_read_again(acme: Tenant) -> None:
    promised(6, due_days_ago=2, opportunity=OpportunityFactory())
    assert read_activities(NOW, BERLIN) == 1
    before = Reading.objects.get().transaction_id
    # Within one transaction everything of it is read again; what says the same stays as it is.
    read_activities(NOW, BERLIN)
    assert Reading.objects.get().transaction_id == before
