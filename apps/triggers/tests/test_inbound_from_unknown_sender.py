"""inbound_from_unknown_sender: a person wrote lately whom no lead and no contact knows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import Direction
from apps.crm.models import Activity
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    merge,
)
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "inbound_from_unknown_sender"
ADDRESS = "Maria.Silva@novacorp.com"
SECOND = timedelta(seconds=1)


def message(**fields: object) -> Activity:
    given = {"counterpart_address": ADDRESS, "occurred_at": ago(days=2), **fields}
    activity: Activity = ActivityFactory(**given)
    return activity


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        (NOW, True),
        (NOW + SECOND, False),
        (ago(days=30) + SECOND, True),
        (ago(days=30), False),
    ],
)
def test_the_window_ends_now_and_begins_thirty_days_ago(
    acme: Tenant, at: datetime, fires: bool
) -> None:
    mail = message(occurred_at=at)
    assert matching(KEY) == ([mail.pk] if fires else [])


def test_the_window_is_a_parameter(acme: Tenant) -> None:
    mail = message(occurred_at=ago(days=40))
    assert matching(KEY, {"window_days": 40}) == []
    assert matching(KEY, {"window_days": 41}) == [mail.pk]


@pytest.mark.parametrize("direction", [Direction.OUTBOUND, Direction.NONE])
def test_only_what_came_in(acme: Tenant, direction: Direction) -> None:
    message(direction=direction)
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("subject", "make"),
    [
        ("lead", LeadFactory),
        ("contact", ContactFactory),
        ("account", AccountFactory),
        ("opportunity", OpportunityFactory),
    ],
)
def test_a_message_that_hangs_on_a_record_is_known(acme: Tenant, subject: str, make: type) -> None:
    message(**{subject: make()})
    assert matching(KEY) == []


@pytest.mark.parametrize("make", [LeadFactory, ContactFactory])
def test_an_address_on_file_is_known_whatever_its_case(acme: Tenant, make: type) -> None:
    message()
    make(email=ADDRESS.upper())
    assert matching(KEY) == []


def test_an_address_like_it_is_not(acme: Tenant) -> None:
    mail = message()
    LeadFactory(email="maria.silva@novacorp.co")
    assert matching(KEY) == [mail.pk]


@pytest.mark.parametrize("address", ["", "Maria Silva", "+49 30 1234567"])
def test_without_an_address_there_is_no_sender(acme: Tenant, address: str) -> None:
    message(counterpart_address=address)
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("address", "fires"),
    [
        ("no-reply@shop.example", False),
        ("NoReply@shop.example", False),
        ("do-not-reply@shop.example", False),
        ("mailer-daemon@mx.example", False),
        ("postmaster@mx.example", False),
        ("bounce+7f3@mx.example", False),
        ("bounces-42@mx.example", False),
        ("notifications@tool.example", False),
        ("newsletter@shop.example", False),
        ("norepliman@people.example", True),
        ("anna.noreply@people.example", True),
        ("bouncer@club.example", True),
    ],
)
def test_machines_are_not_people(acme: Tenant, address: str, fires: bool) -> None:
    mail = message(counterpart_address=address)
    assert matching(KEY) == ([mail.pk] if fires else [])


def test_one_signal_per_address_on_its_first_message(acme: Tenant) -> None:
    later = message(occurred_at=ago(days=1), counterpart_address=ADDRESS.lower())
    first = message(occurred_at=ago(days=2))
    same_moment = message(occurred_at=ago(days=2))
    assert first.pk < same_moment.pk
    assert later.pk < first.pk
    assert matching(KEY) == [first.pk]


def test_the_first_message_stands_even_when_it_has_left_the_window(acme: Tenant) -> None:
    first = message(occurred_at=ago(days=45))
    message(occurred_at=ago(days=3))
    assert matching(KEY) == [first.pk]


def test_facts(acme: Tenant) -> None:
    mail = message()
    assert facts_of(KEY, mail.pk) == {
        "address": ADDRESS,
        "occurred_at": ago(days=2).isoformat(),
        "revision": 1,
    }


def test_whose_record_was_merged_is_known(acme: Tenant) -> None:
    message()
    lead = LeadFactory(email=ADDRESS.upper())
    merge(lead, ContactFactory(email="maria@elsewhere.com"))
    assert matching(KEY) == []
