"""deal_close_date_past: an open deal that should have closed by now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.crm.enums import DealOutcome
from apps.crm.models import Opportunity
from apps.crm.tests.factories import OpportunityFactory, StageFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.rules import registry
from apps.triggers.tests.asking import NOW, ago, crossing, facts_of, matching

KEY = "deal_close_date_past"
TODAY = date(2026, 3, 2)


def expected(days_ago: int, **fields: object) -> Opportunity:
    deal: Opportunity = OpportunityFactory(
        expected_close_on=TODAY - timedelta(days=days_ago), **fields
    )
    return deal


@pytest.mark.parametrize(("days", "fires"), [(4, True), (3, False), (0, False), (-30, False)])
def test_three_days_of_grace(acme: Tenant, days: int, fires: bool) -> None:
    deal = expected(days)
    assert matching(KEY) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(("grace", "fires"), [(0, True), (1, False)])
def test_a_company_may_choose_another_grace(acme: Tenant, grace: int, fires: bool) -> None:
    deal = expected(1)
    assert matching(KEY, {"grace_days": grace}) == ([deal.pk] if fires else [])


def test_a_deal_without_a_day_never_matches(acme: Tenant) -> None:
    OpportunityFactory(expected_close_on=None)
    assert matching(KEY) == []


@pytest.mark.parametrize("outcome", DealOutcome)
def test_only_open_deals(acme: Tenant, outcome: DealOutcome) -> None:
    stage = StageFactory(key="engaging" if outcome == DealOutcome.OPEN else outcome.value)
    deal = expected(30, stage=stage, owner=None, amount=None)
    assert matching(KEY) == ([deal.pk] if outcome == DealOutcome.OPEN else [])


def test_whatever_else_is_planned_the_day_is_wrong(acme: Tenant) -> None:
    deal = expected(30)
    TaskFactory(opportunity=deal)
    assert matching(KEY) == [deal.pk]


def test_another_day_clears_it(acme: Tenant) -> None:
    deal = expected(30)
    Opportunity.objects.filter(pk=deal.pk).update(expected_close_on=TODAY)
    assert matching(KEY) == []


def test_days_are_those_of_the_tenants_zone(acme: Tenant) -> None:
    deal = expected(3)
    late = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert matching(KEY, now=late) == []
    assert matching(KEY, now=midnight) == [deal.pk]
    assert crossing(KEY, late, midnight) == {deal.pk}


def test_facts(acme: Tenant) -> None:
    deal = expected(4)
    assert facts_of(KEY, deal.pk) == {"expected_close_on": "2026-02-26", "revision": 1}
    assert NOW.isoformat() not in str(facts_of(KEY, deal.pk))


def test_while_it_fires_a_standstill_needs_no_suggestion_of_its_own(acme: Tenant) -> None:
    """Settling the day moves the deal; a task for that clears the others, which hold only without one."""
    deal = expected(10, stage_entered_at=ago(days=100), last_activity_at=ago(days=50))
    assert matching(KEY) == matching("deal_stalled") == [deal.pk]
    assert registry.get(KEY).inhibits == ("deal_decaying", "deal_stalled")
    TaskFactory(opportunity=deal)
    assert (matching(KEY), matching("deal_stalled")) == ([deal.pk], [])
