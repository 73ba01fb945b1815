"""followup_missing: a meeting or call after which nothing happened and nothing is planned."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, Direction, TaskStatus
from apps.crm.models import Activity
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.tenants.calendar import WorkingCalendar
from apps.tenants.models import Tenant
from apps.triggers.models import Reading
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "followup_missing"
SECOND = timedelta(seconds=1)


def talk(**fields: object) -> Activity:
    """A meeting of six days ago, about an open deal unless another subject is given."""
    if not {"opportunity", "lead", "contact"} & set(fields):
        fields["opportunity"] = OpportunityFactory()
    given = {
        "activity_kind": ActivityKind.MEETING,
        "direction": Direction.NONE,
        "occurred_at": ago(days=6),
        **fields,
    }
    activity: Activity = ActivityFactory(**given)
    return activity


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        (ago(days=4), True),
        (ago(days=4) + SECOND, False),
        (ago(days=30) + SECOND, True),
        (ago(days=30), False),
    ],
    ids=["grace over", "still in grace", "just inside the window", "window over"],
)
def test_grace_and_window(acme: Tenant, at: datetime, fires: bool) -> None:
    meeting = talk(occurred_at=at)
    assert matching(KEY) == ([meeting.pk] if fires else [])


@pytest.mark.parametrize(
    ("now", "fires"),
    [
        ("2026-02-28T23:59+01:00", False),
        ("2026-03-01T23:59+01:00", False),
        ("2026-03-02T16:59+01:00", False),
        ("2026-03-02T17:00+01:00", True),
    ],
    ids=["Saturday", "Sunday", "Monday before five", "Monday at five"],
)
def test_a_weekend_is_no_grace_used_up(acme: Tenant, now: str, fires: bool) -> None:
    meeting = talk(occurred_at=datetime.fromisoformat("2026-02-26T17:00+01:00"))
    assert matching(KEY, now=datetime.fromisoformat(now)) == ([meeting.pk] if fires else [])


def test_a_holiday_is_none_either(acme: Tenant) -> None:
    talk(occurred_at=ago(days=4))
    closed = WorkingCalendar(holidays=frozenset({date(2026, 2, 27)}))
    assert matching(KEY, calendar=closed) == []
    tuesday = NOW + timedelta(days=1)
    assert len(matching(KEY, calendar=closed, now=tuesday)) == 1


def test_a_night_on_which_the_clocks_change_counts_as_a_night(acme: Tenant) -> None:
    every_day = WorkingCalendar(weekdays=frozenset(range(1, 8)))
    # Saturday noon in Berlin; the clocks go forward on the night to Sunday.
    meeting = talk(occurred_at=datetime(2026, 3, 28, 11, 0, tzinfo=UTC))
    noon = datetime(2026, 3, 30, 10, 0, tzinfo=UTC)
    assert matching(KEY, calendar=every_day, now=noon - SECOND) == []
    assert matching(KEY, calendar=every_day, now=noon) == [meeting.pk]


@pytest.mark.parametrize(
    ("kind", "direction", "fires"),
    [
        (ActivityKind.MEETING, Direction.NONE, True),
        (ActivityKind.CALL, Direction.INBOUND, True),
        (ActivityKind.CALL, Direction.OUTBOUND, True),
        (ActivityKind.CALL, Direction.NONE, False),
        (ActivityKind.EMAIL, Direction.INBOUND, False),
        (ActivityKind.NOTE, Direction.NONE, False),
    ],
)
def test_meetings_and_calls_that_took_place(
    acme: Tenant, kind: ActivityKind, direction: Direction, fires: bool
) -> None:
    activity = talk(activity_kind=kind, direction=direction)
    assert matching(KEY) == ([activity.pk] if fires else [])


@pytest.mark.parametrize(
    ("later", "fires"),
    [
        ({"occurred_at": ago(days=5)}, False),
        ({"occurred_at": NOW + timedelta(days=5), "activity_kind": "meeting"}, False),
        ({"occurred_at": ago(days=5), "activity_kind": "note"}, True),
        ({"occurred_at": ago(days=7)}, True),
    ],
    ids=["a mail since", "the next meeting is planned", "only a note since", "a mail before"],
)
def test_only_the_last_contact_calls_for_a_step(
    acme: Tenant, later: dict[str, object], fires: bool
) -> None:
    meeting = talk()
    ActivityFactory(opportunity=meeting.opportunity, **later)
    assert matching(KEY) == ([meeting.pk] if fires else [])


@pytest.mark.parametrize(
    ("said", "kind", "fires"),
    [
        ({"tells_of_step": True}, ActivityKind.NOTE, False),
        ({"needs_no_answer": True}, ActivityKind.EMAIL, True),
        ({"asks_to_buy": True}, ActivityKind.EMAIL, False),
    ],
    ids=["noted that they were called", "only thanked", "asked for more"],
)
def test_what_was_said_since(
    acme: Tenant, said: dict[str, bool], kind: ActivityKind, fires: bool
) -> None:
    meeting = talk()
    later = ActivityFactory(
        opportunity=meeting.opportunity,
        activity_kind=kind,
        direction=Direction.INBOUND,
        occurred_at=ago(days=5),
    )
    Reading.objects.create(activity_id=later.pk, **said)
    assert matching(KEY) == ([meeting.pk] if fires else [])


@pytest.mark.parametrize(("made_days_ago", "fires"), [(5, False), (7, True)])
def test_a_task_of_before_the_talk_is_not_its_next_step(
    acme: Tenant, made_days_ago: int, fires: bool
) -> None:
    meeting = talk()
    TaskFactory(
        opportunity=meeting.opportunity,
        status=TaskStatus.DONE,
        created_at=ago(days=made_days_ago),
        completed_at=ago(days=4),
    )
    assert matching(KEY) == ([meeting.pk] if fires else [])


def test_of_two_at_the_same_moment_one_stands_for_both(acme: Tenant) -> None:
    first = talk()
    second = talk(opportunity=first.opportunity)
    assert matching(KEY) == [second.pk]


def test_what_happened_on_another_deal_is_no_next_step(acme: Tenant) -> None:
    meeting = talk()
    ActivityFactory(opportunity=OpportunityFactory(), occurred_at=ago(days=1))
    assert matching(KEY) == [meeting.pk]


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
@pytest.mark.parametrize(("status", "fires"), [(TaskStatus.OPEN, False), (TaskStatus.DONE, True)])
def test_an_open_task_on_the_subject_is_a_plan(
    acme: Tenant, subject: str, status: TaskStatus, fires: bool
) -> None:
    makers = {"opportunity": OpportunityFactory, "lead": LeadFactory, "contact": ContactFactory}
    record = makers[subject]()
    meeting = talk(**{subject: record})
    TaskFactory(**{subject: record}, status=status)
    assert matching(KEY) == ([meeting.pk] if fires else [])


def test_closed_subjects_call_for_no_step(acme: Tenant) -> None:
    talk(opportunity=OpportunityFactory(stage=StageFactory(key="won")))
    talk(lead=LeadFactory(status="unqualified"))
    talk(lead=LeadFactory(do_not_contact=True))
    talk(contact=ContactFactory(do_not_contact=True))
    assert matching(KEY) == []


def test_the_deal_comes_before_lead_and_contact(acme: Tenant) -> None:
    lead, contact = LeadFactory(), ContactFactory()
    closed = OpportunityFactory(stage=StageFactory(key="lost"))
    talk(opportunity=closed, lead=lead, contact=contact)
    assert matching(KEY) == []
    about_lead = talk(lead=lead, contact=contact, occurred_at=ago(days=5))
    assert matching(KEY) == [about_lead.pk]


def test_a_talk_about_an_account_alone_is_not_followed(acme: Tenant) -> None:
    deal = OpportunityFactory()
    ActivityFactory(
        account=deal.account, activity_kind=ActivityKind.MEETING, occurred_at=ago(days=6)
    )
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"grace_working_days": 4}, True),
        ({"grace_working_days": 5}, False),
        ({"window_days": 6}, False),
        ({"window_days": 7}, True),
    ],
)
def test_parameters_move_both_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    meeting = talk()
    assert matching(KEY, parameters) == ([meeting.pk] if fires else [])


def test_facts_name_the_subject_and_both_revisions(acme: Tenant) -> None:
    meeting = talk()
    assert facts_of(KEY, meeting.pk) == {
        "occurred_at": ago(days=6).isoformat(),
        "opportunity_id": meeting.opportunity_id,
        "lead_id": None,
        "contact_id": None,
        "revision": 1,
        "about_revision": 1,
    }
