"""engagement_shift and its sister of accounts: contact that became far more, or far less."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from apps.crm.enums import ActivityKind, Direction
from apps.crm.models import Account, Activity, Contact
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    OpportunityFactory,
)
from apps.tenants.calendar import WorkingCalendar
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import BERLIN, NOW, facts_of, matching

KEY = "engagement_shift"
ACCOUNT_KEY = "account_engagement_shift"
TODAY = NOW.astimezone(BERLIN).date()
NOON = timedelta(hours=12)


def on(days_ago: int) -> datetime:
    """Noon of the day so many days ago, in the tenant's zone."""
    return datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time(), BERLIN) + NOON


def touch(days_ago: int, **fields: Any) -> Activity:
    """A mail that was entered when it was sent."""
    at = on(days_ago)
    activity: Activity = ActivityFactory(**{"occurred_at": at, "created_at": at, **fields})
    return activity


def weekly(counts: Sequence[int], **fields: Any) -> None:
    """So many days with contact in each week, the newest first."""
    for week, count in enumerate(counts):
        for day in range(count):
            touch(1 + 7 * week + day, **fields)


# Three weeks, and the weeks before them.
RISEN = [6, 6, 6] + [1] * 12
FALLEN = [0, 0, 0, 0] + [3] * 12
STEADY = [2] * 15


@pytest.mark.parametrize(
    ("counts", "direction"),
    [(RISEN, "rise"), (FALLEN, "fall"), (STEADY, None), ([0] * 12 + [2] * 12, None)],
    ids=["risen", "fallen", "steady", "long ago"],
)
def test_another_rate_since_a_few_weeks(
    acme: Tenant, counts: list[int], direction: str | None
) -> None:
    contact: Contact = ContactFactory()
    weekly(counts, contact=contact)
    if direction is None:
        assert matching(KEY) == []
    else:
        assert facts_of(KEY, contact.pk)["direction"] == direction


def test_what_it_saw(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly(RISEN, contact=contact)
    assert facts_of(KEY, contact.pk) == {
        "direction": "rise",
        "changed_on": (TODAY - timedelta(days=21)).isoformat(),
        "recent_count": 18,
        "recent_days": 21,
        "former_count": 12,
        "past_days": 84,
        "revision": 1,
    }


def test_several_mails_of_one_day_are_one_contact(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly(STEADY, contact=contact)
    for _ in range(20):
        touch(2, contact=contact)
    assert matching(KEY) == []


def test_an_import_of_weeks_at_once_is_no_behaviour(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly(STEADY, contact=contact)
    for days in range(1, 21):
        at = on(days)
        entered_at = at + timedelta(days=3, seconds=1) if days > 3 else at
        touch(days, contact=contact, created_at=max(entered_at, at))
    assert matching(KEY) == []


def test_holidays_are_no_fall(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly([2, 0, 0] + [3] * 12, contact=contact)
    off = frozenset(TODAY - timedelta(days=days) for days in range(8, 22))
    assert matching(KEY, {"fall_percent": 70, "evidence_tenths": 30}) == [contact.pk]
    calendar = WorkingCalendar(holidays=off)
    assert matching(KEY, {"fall_percent": 70, "evidence_tenths": 30}, calendar=calendar) == []


def test_who_was_met_a_few_weeks_ago_has_begun(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly([7, 7, 7, 0, 0, 2], contact=contact)
    assert matching(KEY) == []
    touch(7 * 7, contact=contact)
    assert matching(KEY) == [contact.pk]


def test_who_was_met_once_or_twice_before_has_begun(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly([5, 5, 5] + [0] * 11 + [2], contact=contact)
    assert matching(KEY) == []
    touch(7 * 13, contact=contact)
    assert matching(KEY) == [contact.pk]


@pytest.mark.parametrize(("weeks", "fires"), [(5, False), (6, True)])
def test_a_matter_of_a_few_weeks_that_is_settled_is_no_fall(
    acme: Tenant, weeks: int, fires: bool
) -> None:
    contact: Contact = ContactFactory()
    weekly([0] * 6 + [4] * weeks, contact=contact)
    assert matching(KEY) == ([contact.pk] if fires else [])


def test_the_deals_of_one_day_are_so_many_contacts(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly([2] * 15, contact=contact)
    for days in range(1, 15):
        touch(days, contact=contact, opportunity=OpportunityFactory(contact=contact))
    assert matching(KEY) == [contact.pk]
    Activity.objects.update(opportunity=None)
    assert matching(KEY) == []


def test_another_week_of_the_window_may_be_that_of_the_change(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly([4] * 8 + [3] + [1] * 15, contact=contact)
    assert facts_of(KEY, contact.pk)["changed_on"] == (TODAY - timedelta(weeks=9)).isoformat()
    assert matching(KEY, {"oldest_weeks": 8}) == [contact.pk]
    assert matching(KEY, {"oldest_weeks": 7}) == []


def test_what_a_closure_puts_off_is_no_rise(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly([5, 5, 0, 0] + [2] * 14, contact=contact)
    parameters = {"evidence_tenths": 30, "rise_percent": 150}
    off = frozenset(TODAY - timedelta(days=days) for days in range(15, 29))
    assert matching(KEY, parameters) == [contact.pk]
    assert matching(KEY, parameters, calendar=WorkingCalendar(holidays=off)) == []


def test_who_grew_as_quiet_a_year_before_has_a_season(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly(FALLEN, contact=contact)
    assert matching(KEY) == [contact.pk]
    for week in range(4, 16):
        touch(364 + 1 + 7 * week, contact=contact)
    assert matching(KEY) == []


def test_notes_and_what_lies_ahead_or_is_of_today_do_not_count(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly(STEADY, contact=contact)
    for days in range(1, 21):
        touch(days, contact=contact, activity_kind=ActivityKind.NOTE, direction=Direction.NONE)
    for days in (0, -1, -2):
        touch(days, contact=contact)
    assert matching(KEY) == []


def test_who_is_not_to_be_contacted_is_left_alone(acme: Tenant) -> None:
    contact: Contact = ContactFactory(do_not_contact=True)
    weekly(RISEN, contact=contact)
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"youngest_weeks": 3}, True),
        ({"youngest_weeks": 4}, False),
        ({"oldest_weeks": 3}, True),
        ({"oldest_weeks": 2}, False),
        ({"rise_percent": 600}, True),
        ({"rise_percent": 601}, False),
        ({"evidence_tenths": 114}, True),
        ({"evidence_tenths": 115}, False),
    ],
)
def test_parameters_move_the_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    contact: Contact = ContactFactory()
    weekly(RISEN, contact=contact)
    assert matching(KEY, parameters) == ([contact.pk] if fires else [])


def test_at_an_account_its_people_and_deals_count(acme: Tenant) -> None:
    account: Account = AccountFactory()
    contact = ContactFactory(account=account)
    deal = OpportunityFactory(account=account, contact=None)
    weekly([0, 0, 0, 0] + [1] * 12, account=account)
    weekly([0, 0, 0, 0] + [1] * 12, contact=contact)
    weekly([0, 0, 0, 0] + [1] * 12, opportunity=deal)
    assert account.activities.count() == 12
    assert facts_of(ACCOUNT_KEY, account.pk)["direction"] == "fall"


def test_a_hand_over_to_a_colleague_changes_nothing_at_the_account(acme: Tenant) -> None:
    account: Account = AccountFactory()
    one, other = ContactFactory(account=account), ContactFactory(account=account)
    weekly([0] * 4 + [3] * 12, contact=one)
    weekly([3] * 4, contact=other)
    assert matching(ACCOUNT_KEY) == []
    assert matching(KEY) == [one.pk]


def test_the_day_is_the_epoch(acme: Tenant) -> None:
    contact: Contact = ContactFactory()
    weekly(RISEN, contact=contact)
    assert date.fromisoformat(facts_of(KEY, contact.pk)["changed_on"]) < TODAY
    assert matching(KEY, now=NOW + timedelta(weeks=30)) == []
