"""engagement_shift: far more contact with somebody than there used to be, or far less."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, Direction
from apps.crm.models import Contact
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "engagement_shift"
SECOND = timedelta(seconds=1)
RECENTLY = ago(days=5)
FORMERLY = ago(days=50)


def contact_with(recent: int, former: int, **fields: object) -> Contact:
    """A contact with so many mails in the last fortnight and in the eight weeks before."""
    contact: Contact = ContactFactory(**fields)
    for at, count in ((RECENTLY, recent), (FORMERLY, former)):
        ActivityFactory.create_batch(count, contact=contact, occurred_at=at)
    return contact


@pytest.mark.parametrize(
    ("recent", "former", "fires"),
    [
        # Four times the rate: as many in two weeks as in the eight before.
        (4, 4, True),
        (4, 5, False),
        (5, 5, True),
        (4, 1, True),
        (3, 1, False),
        (9, 0, False),
    ],
    ids=["just", "not quite", "more of both", "from little", "too few", "nothing to compare to"],
)
def test_a_rise(acme: Tenant, recent: int, former: int, fires: bool) -> None:
    contact = contact_with(recent, former)
    assert matching(KEY) == ([contact.pk] if fires else [])


@pytest.mark.parametrize(
    ("recent", "former", "fires"),
    [
        (0, 12, True),
        (0, 11, False),
        (1, 12, False),
        # A fifth of the rate: one in two weeks after five in each two weeks.
        (1, 20, True),
        (1, 19, False),
    ],
    ids=["silent", "too few before", "still in touch", "just", "not quite"],
)
def test_a_fall(acme: Tenant, recent: int, former: int, fires: bool) -> None:
    contact = contact_with(recent, former)
    assert matching(KEY) == ([contact.pk] if fires else [])


@pytest.mark.parametrize(
    ("at", "recent_count", "former_count"),
    [
        (NOW, 5, 4),
        (NOW + SECOND, 4, 4),
        (ago(days=14) + SECOND, 5, 4),
        (ago(days=14), 4, 5),
        (ago(days=70) + SECOND, 4, 5),
        (ago(days=70), 4, 4),
    ],
    ids=["now", "ahead", "recent just", "former just", "still counts", "too old"],
)
def test_the_ends_of_both_spans(
    acme: Tenant, at: datetime, recent_count: int, former_count: int
) -> None:
    contact = contact_with(4, 4)
    ActivityFactory(contact=contact, occurred_at=at)
    facts = facts_of(KEY, contact.pk, {"rise_percent": 110})
    assert (facts["recent_count"], facts["former_count"]) == (recent_count, former_count)


@pytest.mark.parametrize(
    ("first_at", "parameters", "fires"),
    [
        (ago(days=42), {}, True),
        (ago(days=42) + SECOND, {}, False),
        (ago(days=28) + SECOND, {"past_days": 28}, False),
        (ago(days=28), {"past_days": 28}, True),
        (ago(days=44) + SECOND, {"recent_days": 16}, False),
        (ago(days=44), {"recent_days": 16}, True),
    ],
)
def test_a_contact_of_a_few_weeks_has_no_usual_rate_that_could_have_risen(
    acme: Tenant, first_at: datetime, parameters: dict[str, int], fires: bool
) -> None:
    contact = contact_with(8, 0)
    ActivityFactory(contact=contact, occurred_at=first_at)
    assert matching(KEY, parameters) == ([contact.pk] if fires else [])


def test_it_fires_and_clears_by_time(acme: Tenant) -> None:
    contact = contact_with(0, 12)
    assert matching(KEY, now=NOW + timedelta(days=20) - SECOND) == [contact.pk]
    # What happened 50 days ago leaves the window of 70.
    assert matching(KEY, now=NOW + timedelta(days=20)) == []
    assert matching(KEY, now=FORMERLY + timedelta(days=14) - SECOND) == []
    assert matching(KEY, now=FORMERLY + timedelta(days=14)) == [contact.pk]


def test_it_clears_by_a_call(acme: Tenant) -> None:
    contact = contact_with(0, 12)
    ActivityFactory(contact=contact, activity_kind=ActivityKind.CALL, occurred_at=ago(hours=1))
    assert matching(KEY) == []


def test_notes_are_no_contact(acme: Tenant) -> None:
    contact = contact_with(3, 1)
    ActivityFactory(
        contact=contact,
        activity_kind=ActivityKind.NOTE,
        direction=Direction.NONE,
        occurred_at=ago(days=1),
    )
    assert matching(KEY) == []


def test_only_the_contact_s_own_activities_count(acme: Tenant) -> None:
    contact_with(2, 1)
    contact_with(2, 1)
    assert matching(KEY) == []


def test_who_is_not_to_be_contacted_is_left_alone(acme: Tenant) -> None:
    contact_with(4, 1, do_not_contact=True)
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("recent", "former", "parameters", "fires"),
    [
        (4, 5, {"rise_percent": 320}, True),
        (4, 5, {"rise_percent": 321}, False),
        (3, 1, {"min_count": 3}, True),
        (4, 1, {"min_count": 5}, False),
        (0, 11, {"past_count": 11}, True),
        (0, 12, {"past_count": 13}, False),
        (1, 16, {"fall_percent": 25}, True),
        (1, 16, {"fall_percent": 24}, False),
        (0, 12, {"fall_percent": 0}, True),
        (4, 4, {"past_days": 55}, False),
        (4, 4, {"recent_days": 13}, True),
    ],
)
def test_parameters_move_the_boundaries(
    acme: Tenant, recent: int, former: int, parameters: dict[str, int], fires: bool
) -> None:
    contact = contact_with(recent, former)
    assert matching(KEY, parameters) == ([contact.pk] if fires else [])


def test_facts_of_a_rise(acme: Tenant) -> None:
    contact = contact_with(6, 2, owner=None)
    Contact.objects.update(title="Head of Purchasing")
    assert facts_of(KEY, contact.pk) == {
        "direction": "rise",
        "recent_count": 6,
        "former_count": 2,
        "revision": 2,
    }


def test_facts_of_a_fall(acme: Tenant) -> None:
    contact = contact_with(1, 25)
    assert facts_of(KEY, contact.pk) == {
        "direction": "fall",
        "recent_count": 1,
        "former_count": 25,
        "revision": 1,
    }
