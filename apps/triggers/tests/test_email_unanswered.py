"""email_unanswered: somebody's mail after which nobody wrote, called or met them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, Direction, TaskStatus
from apps.crm.models import Activity, Task
from apps.crm.tests.factories import (
    AccountFactory,
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

KEY = "email_unanswered"
SECOND = timedelta(seconds=1)
MAKERS = {"opportunity": OpportunityFactory, "lead": LeadFactory, "contact": ContactFactory}


def mail(**fields: object) -> Activity:
    """An inbound mail of six days ago, about an open deal unless another subject is given."""
    if not {"opportunity", "lead", "contact", "account"} & set(fields):
        fields["opportunity"] = OpportunityFactory()
    activity: Activity = ActivityFactory(**{"occurred_at": ago(days=6), **fields})
    return activity


def task(made_at: datetime, **fields: object) -> Task:
    """A task that was made at a moment."""
    made: Task = TaskFactory(created_at=made_at, **fields)
    return made


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        # Two working days before Monday at ten is Thursday at ten.
        (ago(days=4), True),
        (ago(days=4) + SECOND, False),
        (ago(days=30) + SECOND, True),
        (ago(days=30), False),
        (NOW + timedelta(days=1), False),
    ],
    ids=["waited long enough", "not yet", "just inside the window", "window over", "dated ahead"],
)
def test_how_long_a_mail_waits(acme: Tenant, at: datetime, fires: bool) -> None:
    message = mail(occurred_at=at)
    assert matching(KEY) == ([message.pk] if fires else [])


def test_mail_of_a_saturday_is_as_old_as_mail_of_late_friday(acme: Tenant) -> None:
    on_friday = mail(occurred_at=datetime(2026, 2, 27, 22, 59, 59, tzinfo=UTC))
    on_saturday = mail(occurred_at=datetime(2026, 2, 28, 12, 0, tzinfo=UTC))
    # Tuesday is over at 23:00 UTC.
    tuesday_ends = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
    assert matching(KEY, now=tuesday_ends - 2 * SECOND) == []
    assert matching(KEY, now=tuesday_ends) == [on_friday.pk, on_saturday.pk]


def test_holidays_of_the_company_do_not_count(acme: Tenant) -> None:
    message = mail(occurred_at=ago(days=4))
    closed = WorkingCalendar(holidays=frozenset({date(2026, 2, 27)}))
    assert matching(KEY, calendar=closed) == []
    assert matching(KEY, calendar=closed, now=NOW + timedelta(days=1)) == [message.pk]


def test_the_night_on_which_the_clocks_change_is_a_night(acme: Tenant) -> None:
    # Friday noon in Berlin, an hour ahead of UTC; on Tuesday it is two.
    message = mail(occurred_at=datetime(2026, 3, 27, 11, 0, tzinfo=UTC))
    tuesday_noon = datetime(2026, 3, 31, 10, 0, tzinfo=UTC)
    assert matching(KEY, now=tuesday_noon - SECOND) == []
    assert matching(KEY, now=tuesday_noon) == [message.pk]


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"reply_working_days": 4}, True),
        ({"reply_working_days": 5}, False),
        ({"window_days": 7}, True),
        ({"window_days": 6}, False),
    ],
)
def test_parameters_move_both_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    message = mail()
    assert matching(KEY, parameters) == ([message.pk] if fires else [])


@pytest.mark.parametrize(
    ("kind", "direction", "fires"),
    [
        (ActivityKind.EMAIL, Direction.INBOUND, True),
        (ActivityKind.EMAIL, Direction.OUTBOUND, False),
        (ActivityKind.CALL, Direction.INBOUND, False),
        (ActivityKind.MEETING, Direction.NONE, False),
        (ActivityKind.NOTE, Direction.INBOUND, False),
    ],
)
def test_mails_that_came_in(
    acme: Tenant, kind: ActivityKind, direction: Direction, fires: bool
) -> None:
    activity = mail(activity_kind=kind, direction=direction)
    assert matching(KEY) == ([activity.pk] if fires else [])


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
@pytest.mark.parametrize(
    ("kind", "direction", "at", "fires"),
    [
        (ActivityKind.EMAIL, Direction.OUTBOUND, ago(days=5), False),
        (ActivityKind.CALL, Direction.OUTBOUND, ago(days=5), False),
        (ActivityKind.CALL, Direction.INBOUND, ago(days=5), False),
        (ActivityKind.MEETING, Direction.NONE, ago(days=5), False),
        (ActivityKind.MEETING, Direction.NONE, NOW + timedelta(days=2), False),
        (ActivityKind.NOTE, Direction.NONE, ago(days=5), True),
        (ActivityKind.EMAIL, Direction.OUTBOUND, ago(days=6) - SECOND, True),
    ],
    ids=["answered", "called", "they called", "met", "meeting planned", "noted", "written before"],
)
def test_an_answer_clears_it(
    acme: Tenant,
    subject: str,
    kind: ActivityKind,
    direction: Direction,
    at: datetime,
    fires: bool,
) -> None:
    record = MAKERS[subject]()
    message = mail(**{subject: record})
    ActivityFactory(activity_kind=kind, direction=direction, occurred_at=at, **{subject: record})
    assert matching(KEY) == ([message.pk] if fires else [])


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
def test_a_note_that_tells_of_a_step_clears_it(acme: Tenant, subject: str) -> None:
    record = MAKERS[subject]()
    message = mail(**{subject: record})
    note = ActivityFactory(
        activity_kind=ActivityKind.NOTE,
        direction=Direction.NONE,
        occurred_at=ago(days=1),
        **{subject: record},
    )
    assert matching(KEY) == [message.pk]
    Reading.objects.create(activity_id=note.pk, tells_of_step=True)
    assert matching(KEY) == []


def test_the_newest_mail_stands_for_those_before(acme: Tenant) -> None:
    first = mail()
    second = mail(opportunity=first.opportunity, occurred_at=ago(days=5))
    assert matching(KEY) == [second.pk]
    mail(opportunity=first.opportunity, occurred_at=ago(days=1))
    assert matching(KEY) == []


def test_of_two_at_the_same_moment_the_later_one_stands(acme: Tenant) -> None:
    first = mail()
    second = mail(opportunity=first.opportunity)
    assert matching(KEY) == [second.pk]


def test_an_answer_about_another_deal_is_none(acme: Tenant) -> None:
    message = mail()
    ActivityFactory(
        opportunity=OpportunityFactory(), direction=Direction.OUTBOUND, occurred_at=ago(days=1)
    )
    assert matching(KEY) == [message.pk]


@pytest.mark.parametrize("subject", ["opportunity", "lead", "contact"])
@pytest.mark.parametrize(
    ("made_at", "status", "fires"),
    [
        (ago(days=6), TaskStatus.OPEN, False),
        (ago(days=6) - SECOND, TaskStatus.OPEN, True),
        (ago(days=5), TaskStatus.DONE, True),
        (ago(days=5), TaskStatus.CANCELLED, True),
    ],
    ids=["planned since", "planned before", "done", "cancelled"],
)
def test_an_open_task_made_since_is_a_plan(
    acme: Tenant, subject: str, made_at: datetime, status: TaskStatus, fires: bool
) -> None:
    record = MAKERS[subject]()
    message = mail(**{subject: record})
    task(made_at, status=status, **{subject: record})
    assert matching(KEY) == ([message.pk] if fires else [])


def test_what_is_over_calls_for_no_answer(acme: Tenant) -> None:
    mail(opportunity=OpportunityFactory(stage=StageFactory(key="won")))
    mail(opportunity=OpportunityFactory(stage=StageFactory(key="lost")))
    mail(lead=LeadFactory(status="converted"))
    mail(lead=LeadFactory(do_not_contact=True))
    mail(contact=ContactFactory(do_not_contact=True))
    assert matching(KEY) == []


def test_the_deal_comes_before_lead_and_contact(acme: Tenant) -> None:
    lead, contact = LeadFactory(), ContactFactory()
    mail(opportunity=OpportunityFactory(stage=StageFactory(key="lost")), lead=lead, contact=contact)
    assert matching(KEY) == []
    about_lead = mail(lead=lead, contact=contact, occurred_at=ago(days=5))
    assert matching(KEY) == [about_lead.pk]


def test_mail_about_an_account_alone_or_from_a_stranger_is_not_asked_about(acme: Tenant) -> None:
    mail(account=AccountFactory())
    mail(opportunity=None, counterpart_address="ann@one.example")
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("address", "fires"),
    [
        ("ann@one.example", True),
        ("", True),
        ("bouncer@one.example", True),
        ("No-Reply@one.example", False),
        ("noreply+17@one.example", False),
        ("mailer-daemon@one.example", False),
        ("newsletter@one.example", False),
    ],
)
def test_machines_want_no_answer(acme: Tenant, address: str, fires: bool) -> None:
    message = mail(counterpart_address=address)
    assert matching(KEY) == ([message.pk] if fires else [])


def test_a_mail_that_nobody_owns_counts(acme: Tenant) -> None:
    message = mail(owner=None, opportunity=OpportunityFactory(owner=None))
    assert matching(KEY) == [message.pk]


def test_facts_name_the_subject_and_both_revisions(acme: Tenant) -> None:
    contact = ContactFactory()
    message = mail(contact=contact)
    contact.title = "Buyer"
    contact.save()
    assert facts_of(KEY, message.pk) == {
        "occurred_at": ago(days=6).isoformat(),
        "opportunity_id": None,
        "lead_id": None,
        "contact_id": contact.pk,
        "revision": 1,
        "about_revision": 2,
    }
