"""new_activity: somebody came back about something where nothing had happened for long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

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
from apps.tenants.models import Tenant
from apps.triggers.models import Reading
from apps.triggers.rules import registry
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "new_activity"
SECOND = timedelta(seconds=1)
MAKERS = {"opportunity": OpportunityFactory, "lead": LeadFactory, "contact": ContactFactory}


def came_back(subject: str = "opportunity", record: Any = None, **fields: object) -> Activity:
    """A mail of two days ago; the last contact before it lies a hundred days back."""
    about = {subject: record or MAKERS[subject]()}
    ActivityFactory(direction=Direction.OUTBOUND, occurred_at=ago(days=100), **about)
    activity: Activity = ActivityFactory(**{"occurred_at": ago(days=2), **about, **fields})
    return activity


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
def test_it_fires_for_deals_leads_and_contacts(acme: Tenant, subject: str) -> None:
    message = came_back(subject)
    assert matching(KEY) == [message.pk]


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        (NOW, True),
        (NOW + SECOND, False),
        (ago(days=7) + SECOND, True),
        (ago(days=7), False),
    ],
    ids=["this moment", "dated ahead", "just inside the window", "window over"],
)
def test_how_new_it_must_be(acme: Tenant, at: datetime, fires: bool) -> None:
    message = came_back(occurred_at=at)
    assert matching(KEY) == ([message.pk] if fires else [])


@pytest.mark.parametrize(
    ("before", "fires"),
    [
        (timedelta(days=60), True),
        (timedelta(days=60) - SECOND, False),
        (timedelta(days=1), False),
        (timedelta(), False),
    ],
)
def test_how_long_nothing_may_have_happened_before(
    acme: Tenant, before: timedelta, fires: bool
) -> None:
    deal = OpportunityFactory()
    ActivityFactory(opportunity=deal, occurred_at=ago(days=300))
    ActivityFactory(
        opportunity=deal, direction=Direction.OUTBOUND, occurred_at=ago(days=2) - before
    )
    message = ActivityFactory(opportunity=deal, occurred_at=ago(days=2))
    assert matching(KEY) == ([message.pk] if fires else [])


def test_the_first_message_ever_comes_back_from_nowhere(acme: Tenant) -> None:
    ActivityFactory(opportunity=OpportunityFactory(), occurred_at=ago(days=2))
    assert matching(KEY) == []


def test_a_note_is_no_contact_before(acme: Tenant) -> None:
    message = came_back()
    ActivityFactory(
        opportunity=message.opportunity,
        activity_kind=ActivityKind.NOTE,
        direction=Direction.NONE,
        occurred_at=ago(days=3),
    )
    assert matching(KEY) == [message.pk]


@pytest.mark.parametrize(
    ("kind", "direction", "fires"),
    [
        (ActivityKind.EMAIL, Direction.INBOUND, True),
        (ActivityKind.CALL, Direction.INBOUND, True),
        (ActivityKind.NOTE, Direction.INBOUND, False),
        (ActivityKind.CALL, Direction.OUTBOUND, False),
        (ActivityKind.MEETING, Direction.NONE, False),
    ],
)
def test_what_came_from_them(
    acme: Tenant, kind: ActivityKind, direction: Direction, fires: bool
) -> None:
    activity = came_back(activity_kind=kind, direction=direction)
    assert matching(KEY) == ([activity.pk] if fires else [])


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
@pytest.mark.parametrize(
    ("kind", "direction", "fires"),
    [
        (ActivityKind.EMAIL, Direction.OUTBOUND, False),
        (ActivityKind.CALL, Direction.OUTBOUND, False),
        (ActivityKind.CALL, Direction.INBOUND, False),
        (ActivityKind.MEETING, Direction.NONE, False),
        (ActivityKind.NOTE, Direction.NONE, True),
        (ActivityKind.EMAIL, Direction.INBOUND, True),
    ],
    ids=["answered", "called", "they called again", "met", "noted", "they wrote again"],
)
def test_a_reaction_clears_it(
    acme: Tenant, subject: str, kind: ActivityKind, direction: Direction, fires: bool
) -> None:
    record = MAKERS[subject]()
    message = came_back(subject, record)
    ActivityFactory(
        activity_kind=kind, direction=direction, occurred_at=ago(days=1), **{subject: record}
    )
    assert matching(KEY) == ([message.pk] if fires else [])


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
@pytest.mark.parametrize(
    ("made_at", "status", "fires"),
    [
        (ago(days=2), TaskStatus.OPEN, False),
        (ago(days=2) - SECOND, TaskStatus.OPEN, True),
        (ago(days=1), TaskStatus.DONE, True),
    ],
)
def test_an_open_task_made_since_is_a_plan(
    acme: Tenant, subject: str, made_at: datetime, status: TaskStatus, fires: bool
) -> None:
    record = MAKERS[subject]()
    message = came_back(subject, record)
    TaskFactory(created_at=made_at, status=status, **{subject: record})
    assert matching(KEY) == ([message.pk] if fires else [])


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
def test_a_note_that_tells_of_a_step_clears_it(acme: Tenant, subject: str) -> None:
    record = MAKERS[subject]()
    message = came_back(subject, record)
    note = ActivityFactory(
        activity_kind=ActivityKind.NOTE,
        direction=Direction.NONE,
        occurred_at=ago(days=1),
        **{subject: record},
    )
    assert matching(KEY) == [message.pk]
    Reading.objects.create(activity_id=note.pk, tells_of_step=True)
    assert matching(KEY) == []


def test_what_was_lost_or_given_up_may_come_back(acme: Tenant) -> None:
    lost = came_back("opportunity", OpportunityFactory(stage=StageFactory(key="lost")))
    given_up = came_back("lead", LeadFactory(status="unqualified"))
    assert matching(KEY) == [lost.pk, given_up.pk]


def test_people_who_are_not_to_be_contacted_and_machines_do_not_count(acme: Tenant) -> None:
    came_back("lead", LeadFactory(do_not_contact=True))
    came_back("contact", ContactFactory(do_not_contact=True))
    came_back(counterpart_address="No-Reply@one.example")
    assert matching(KEY) == []


def test_the_deal_comes_before_the_contact(acme: Tenant) -> None:
    # The contact was silent for long, the deal is new: nothing came back.
    contact = ContactFactory()
    ActivityFactory(contact=contact, occurred_at=ago(days=100))
    ActivityFactory(contact=contact, opportunity=OpportunityFactory(), occurred_at=ago(days=2))
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"window_days": 2}, False),
        ({"window_days": 3}, True),
        ({"dormant_days": 98}, True),
        ({"dormant_days": 99}, False),
    ],
)
def test_parameters_move_both_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    message = came_back()
    assert matching(KEY, parameters) == ([message.pk] if fires else [])


def test_while_it_fires_the_unanswered_mail_needs_no_suggestion_of_its_own(acme: Tenant) -> None:
    message = came_back(occurred_at=ago(days=5))
    assert matching(KEY) == matching("email_unanswered") == [message.pk]
    assert registry.get(KEY).inhibits == ("email_unanswered",)


def test_facts_say_when_there_was_contact_before(acme: Tenant) -> None:
    message = came_back()
    assert facts_of(KEY, message.pk) == {
        "occurred_at": ago(days=2).isoformat(),
        "opportunity_id": message.opportunity_id,
        "lead_id": None,
        "contact_id": None,
        "revision": 1,
        "about_revision": 1,
        "former_activity_at": ago(days=100).isoformat(),
    }
