"""deal_single_threaded: a large open deal, well under way, that hangs on a single person."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from apps.crm.enums import ActivityKind, Direction
from apps.crm.models import Contact, Opportunity
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.triggers.distribution import DistributionRow
from apps.triggers.rules import registry
from apps.triggers.tests.asking import NOW, ago, crossing, facts_of, matching, measured

KEY = "deal_single_threaded"
SECOND = timedelta(seconds=1)


def talked(*people: Contact | None, count: int = 5, **fields: object) -> Opportunity:
    """A grown-up deal with so many contacts, in turn with these people."""
    deal: Opportunity = OpportunityFactory(**{"created_at": ago(days=60), **fields})
    for number in range(count):
        person = people[number % len(people)] if people else None
        ActivityFactory(opportunity=deal, contact=person, occurred_at=ago(days=10 + number))
    return deal


def test_who_is_counted(acme: Tenant) -> None:
    one, other = ContactFactory(), ContactFactory()
    expected = {
        talked(one, contact=one).pk: True,
        talked(contact=one).pk: True,
        talked(one).pk: True,
        talked(one, None).pk: True,
        talked().pk: True,  # with nobody by name
        talked(one, other).pk: False,
        talked(other, contact=one).pk: False,
        talked(one, None, None, None, other, contact=None).pk: False,
    }
    assert matching(KEY) == [pk for pk, fires in expected.items() if fires]


def test_a_second_person_clears_it(acme: Tenant) -> None:
    one = ContactFactory()
    deal = talked(one, contact=one)
    assert matching(KEY) == [deal.pk]
    ActivityFactory(opportunity=deal, contact=ContactFactory(), occurred_at=ago(days=1))
    assert matching(KEY) == []


def test_people_outside_the_window_and_in_notes_do_not_count(acme: Tenant) -> None:
    one, other = ContactFactory(), ContactFactory()
    deal = talked(one)
    ActivityFactory(opportunity=deal, contact=other, occurred_at=ago(days=90))
    ActivityFactory(opportunity=deal, contact=other, occurred_at=NOW + SECOND)
    ActivityFactory(
        opportunity=deal,
        contact=other,
        occurred_at=ago(days=1),
        activity_kind=ActivityKind.NOTE,
        direction=Direction.NONE,
    )
    assert matching(KEY) == [deal.pk]
    assert matching(KEY, now=NOW + SECOND) == []
    assert crossing(KEY, NOW, NOW + SECOND) == {deal.pk}


@pytest.mark.parametrize(
    ("created", "fires"), [(ago(days=30), True), (ago(days=30) + SECOND, False)]
)
def test_a_young_deal_may_hang_on_one(acme: Tenant, created: datetime, fires: bool) -> None:
    deal = talked(ContactFactory(), created_at=created)
    assert matching(KEY) == ([deal.pk] if fires else [])
    assert crossing(KEY, NOW - SECOND, NOW) == ({deal.pk} if fires else set())


@pytest.mark.parametrize(("count", "fires"), [(5, True), (4, False)])
def test_it_is_well_under_way(acme: Tenant, count: int, fires: bool) -> None:
    deal = talked(ContactFactory(), count=count)
    assert matching(KEY) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(("at", "fires"), [(ago(days=90) + SECOND, True), (ago(days=90), False)])
def test_only_contacts_of_the_window_count(acme: Tenant, at: datetime, fires: bool) -> None:
    deal = talked(ContactFactory(), count=4)
    ActivityFactory(opportunity=deal, occurred_at=at)
    assert matching(KEY) == ([deal.pk] if fires else [])
    assert crossing(KEY, NOW, NOW + SECOND) == {deal.pk}


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"min_age_days": 60, "min_activities": 6, "window_days": 16}, True),
        ({"min_age_days": 61, "min_activities": 6, "window_days": 16}, False),
        ({"min_age_days": 60, "min_activities": 7, "window_days": 16}, False),
        ({"min_age_days": 60, "min_activities": 6, "window_days": 15}, False),
    ],
)
def test_parameters_move_the_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    deal = talked(ContactFactory(), count=6)
    assert matching(KEY, parameters) == ([deal.pk] if fires else [])


@pytest.mark.parametrize("key", ["won", "lost"])
def test_a_closed_deal_needs_nobody(acme: Tenant, key: str) -> None:
    talked(ContactFactory(), stage=StageFactory(key=key))
    assert matching(KEY) == []


def test_whatever_is_planned_it_is_still_one_person(acme: Tenant) -> None:
    deal = talked(ContactFactory(), owner=None, account=None)
    TaskFactory(opportunity=deal)
    assert matching(KEY) == [deal.pk]


def amounts(currency: str, count: int) -> None:
    """Open deals of 100, 200, … in a currency."""
    for number in range(1, count + 1):
        OpportunityFactory(amount=Decimal(100 * number), currency=currency, account=None)


def test_it_must_be_as_large_as_the_median_of_the_open_deals(acme: Tenant) -> None:
    amounts("USD", 30)
    OpportunityFactory(amount=Decimal(9_000), stage=StageFactory(key="won"))
    OpportunityFactory(amount=None)
    figures = measured(KEY)
    assert figures[KEY].values == {
        "amounts": [{"currency": "USD", "count": 30, "median": "1500.00", "p80": "2400.00"}]
    }
    one = ContactFactory()
    expected = {
        talked(one, amount=Decimal("1500.00")).pk: True,
        talked(one, amount=Decimal("1499.99")).pk: False,
        talked(one, amount=None).pk: False,
        # Nothing is known of other currencies, so that every deal in them counts.
        talked(one, amount=Decimal(1), currency="EUR").pk: True,
        talked(one, amount=None, currency="").pk: True,
    }
    assert matching(KEY, figures=figures) == [pk for pk, fires in expected.items() if fires]
    assert matching(KEY) == list(expected)


def test_each_currency_has_its_own_median_and_few_deals_have_none(acme: Tenant) -> None:
    amounts("EUR", 31)
    amounts("JPY", 29)
    amounts("USD", 30)
    assert measured(KEY)[KEY].values == {
        "amounts": [
            {"currency": "EUR", "count": 31, "median": "1600.00", "p80": "2500.00"},
            {"currency": "USD", "count": 30, "median": "1500.00", "p80": "2400.00"},
        ]
    }


def test_the_median_is_shown_with_its_distribution(acme: Tenant) -> None:
    amounts("EUR", 31)
    amounts("", 30)
    trigger = registry.get(KEY)
    assert trigger.distribution(measured(KEY)[KEY].values, trigger.parse({})) == (
        DistributionRow("Open deals", 30, 1500, 2400, 1500, ""),
        DistributionRow("Open deals in EUR", 31, 1600, 2500, 1600, "EUR"),
    )


def test_facts(acme: Tenant) -> None:
    one = ContactFactory()
    deal = talked(one, None, count=6)
    assert facts_of(KEY, deal.pk) == {
        "activity_count": 6,
        "only_contact_id": one.pk,
        "created_at": ago(days=60).isoformat(),
        "revision": 1,
    }
    nobody = talked()
    assert facts_of(KEY, nobody.pk)["only_contact_id"] is None
