"""deal_close_date_pushed: an open deal whose close date was moved later again and again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from apps.crm.models import ChangeLog, Opportunity
from apps.crm.tests.factories import OpportunityFactory, StageFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import crossing, facts_of, matching

KEY = "deal_close_date_pushed"
MOMENT = timedelta(microseconds=1)


def moved(*days: date | None, **fields: object) -> Opportunity:
    """A deal whose close date was moved from day to day, just now."""
    deal: Opportunity = OpportunityFactory(expected_close_on=days[0], **fields)
    for day in days[1:]:
        Opportunity.objects.filter(pk=deal.pk).update(expected_close_on=day)
    return deal


def moves_of(deal: Opportunity) -> list[ChangeLog]:
    history = ChangeLog.objects.of_record("opportunity", deal.pk).order_by("id")
    return list(history.filter(changes__has_key="expected_close_on"))


def found(parameters: dict[str, int] | None = None) -> list[int]:
    """At the moment of the latest change: the log is dated by the clock of the database."""
    latest = ChangeLog.objects.latest("changed_at").changed_at
    return matching(KEY, parameters, now=latest)


def may(day: int) -> date:
    return date(2027, 5, day)


@pytest.mark.parametrize(
    ("days", "fires"),
    [
        ([may(1), may(10), may(20)], True),
        ([may(1), may(10)], False),
        ([may(1), may(10), may(5), may(6)], True),
        ([may(1), may(10), may(5)], False),
        ([may(20), may(10), may(1)], False),
        ([None, may(10), may(20)], False),
        ([may(1), may(10), None, may(20)], False),
        ([may(1), may(10), None, may(11), may(20)], True),
        ([may(1), may(10), may(20), None], False),
        ([None], False),
    ],
    ids=[
        "twice", "once", "twice, and back in between", "once, and back", "earlier", "set, then once",
        "taken away in between", "twice, taken away in between", "taken away", "never had one",
    ],
)  # fmt: skip
def test_later_twice(acme: Tenant, days: list[date | None], fires: bool) -> None:
    deal = moved(*days)
    assert found() == ([deal.pk] if fires else [])


@pytest.mark.parametrize(("times", "fires"), [(3, True), (4, False)])
def test_a_company_may_choose_another_number(acme: Tenant, times: int, fires: bool) -> None:
    deal = moved(may(1), may(2), may(3), may(4))
    assert found({"times": times}) == ([deal.pk] if fires else [])


@pytest.mark.parametrize("days", [180, 30])
def test_pushes_count_for_half_a_year(acme: Tenant, days: int) -> None:
    deal = moved(may(1), may(10), may(20))
    first = moves_of(deal)[0].changed_at
    ends = first + timedelta(days=days)
    parameters = {"window_days": days}
    assert matching(KEY, parameters, now=ends - MOMENT) == [deal.pk]
    assert matching(KEY, parameters, now=ends) == []
    assert crossing(KEY, ends - MOMENT, ends, parameters) == {deal.pk}


def test_a_push_dated_ahead_does_not_count_before_its_time(acme: Tenant) -> None:
    deal = moved(may(1), may(10), may(20))
    second = moves_of(deal)[1].changed_at
    assert matching(KEY, now=second - MOMENT) == []
    assert matching(KEY, now=second) == [deal.pk]
    assert crossing(KEY, second - MOMENT, second) == {deal.pk}


@pytest.mark.parametrize("key", ["won", "lost"])
def test_a_closed_deal_is_settled(acme: Tenant, key: str) -> None:
    deal = moved(may(1), may(10), may(20), owner=None)
    assert found() == [deal.pk]
    Opportunity.objects.filter(pk=deal.pk).update(stage=StageFactory(key=key))
    assert found() == []


def test_other_changes_and_other_deals_say_nothing(acme: Tenant) -> None:
    deal = moved(may(1), may(10))
    moved(may(1), may(10))
    Opportunity.objects.filter(pk=deal.pk).update(name="Another name", opened_on=may(1))
    Opportunity.objects.filter(pk=deal.pk).update(opened_on=may(2))
    assert found() == []


def test_whatever_is_planned_the_pattern_is_there(acme: Tenant) -> None:
    deal = moved(may(1), may(10), may(20))
    TaskFactory(opportunity=deal)
    assert found() == [deal.pk]


def test_facts(acme: Tenant) -> None:
    deal = moved(may(1), may(10), may(5), may(20))
    last = moves_of(deal)[-1].changed_at
    facts = facts_of(KEY, deal.pk, now=last)
    assert datetime.fromisoformat(facts.pop("pushed_at")) == last
    assert facts == {
        "expected_close_on": "2027-05-20",
        "former_close_on": "2027-05-01",
        "push_count": 2,
        "revision": 4,
    }
