"""deal_stalled by the tenant's own figures: how long its closed deals stayed in each stage."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from django.utils import timezone
from pydantic import JsonValue

from apps.crm.models import Opportunity, Stage
from apps.crm.tests.factories import OpportunityFactory, StageFactory
from apps.tenants.models import Tenant
from apps.triggers.distribution import DistributionRow
from apps.triggers.moments import Figures
from apps.triggers.rules import registry
from apps.triggers.rules.deals.stays import LEAST_STAYS
from apps.triggers.tests.asking import BERLIN, NOW, ago, crossing, facts_of, matching, measured

KEY = "deal_stalled"
SECOND = timedelta(seconds=1)
# A little less than whole days, because the log is written a moment later.
SLACK = timedelta(minutes=1)


@pytest.fixture
def now(acme: Tenant) -> datetime:
    """The clock of the database dates the history that these tests make."""
    return timezone.now()


def closed(
    now: datetime, days: int, *, stage: str = "engaging", won: bool = True, **fields: object
) -> Opportunity:
    """A deal that has just been closed, so many days after it was entered in a stage."""
    deal: Opportunity = OpportunityFactory(
        **{
            "stage": StageFactory(key=stage),
            "created_at": now - timedelta(days=days) + SLACK,
            "account": None,
            **fields,
        }
    )
    Opportunity.objects.filter(pk=deal.pk).update(stage=StageFactory(key="won" if won else "lost"))
    return deal


def freeze(now: datetime) -> dict[str, Figures]:
    return measured(KEY, now=now + timedelta(hours=1))


def groups_of(figures: dict[str, Figures]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", figures[KEY].values["stays"])


def days_at(figures: dict[str, Figures], percentile: int) -> list[tuple[object, ...]]:
    """Stage, currency, bounds, count and days at a percentile of each measured group."""
    return [
        (row["stage_id"], row["currency"], row["above"], row["up_to"], row["count"],
         row["days"][percentile - 50])
        for row in groups_of(figures)
        if row["days"]
    ]  # fmt: skip


def test_percentiles_of_a_stage(now: datetime) -> None:
    for days in range(1, 32):
        closed(now, days, won=days % 2 == 0, amount=None)
    engaging = StageFactory(key="engaging").pk
    figures = freeze(now)
    assert days_at(figures, 50) == [(engaging, None, None, None, 31, 16)]
    assert days_at(figures, 80) == [(engaging, None, None, None, 31, 25)]
    assert days_at(figures, 95) == [(engaging, None, None, None, 31, 30)]


def test_few_stays_say_too_little(now: datetime) -> None:
    for number in range(LEAST_STAYS - 1):
        closed(now, 10, amount=Decimal(number))
    (group,) = groups_of(freeze(now))
    assert (group["count"], group["days"]) == (LEAST_STAYS - 1, [])
    closed(now, 10, amount=None)
    assert len(days_at(freeze(now), 80)) == 1


def test_bands_are_the_thirds_by_amount_of_each_currency(now: datetime) -> None:
    for currency, factor in (("EUR", 1), ("USD", 1000)):
        for number in range(1, 91):
            closed(now, number, amount=Decimal(number * factor), currency=currency)
    engaging = StageFactory(key="engaging").pk
    assert days_at(freeze(now), 50) == [
        (engaging, "EUR", None, "30.00", 30, 16),
        (engaging, "EUR", "30.00", "60.00", 30, 46),
        (engaging, "EUR", "60.00", None, 30, 76),
        (engaging, "USD", None, "30000.00", 30, 16),
        (engaging, "USD", "30000.00", "60000.00", 30, 46),
        (engaging, "USD", "60000.00", None, 30, 76),
        (engaging, None, None, None, 180, 46),
    ]


def test_each_stage_that_a_deal_passed_counts_by_itself(now: datetime) -> None:
    for _ in range(LEAST_STAYS):
        deal = closed(now, 20, stage="engaging", amount=None)
        Opportunity.objects.filter(pk=deal.pk).update(stage=StageFactory(key="proposal"))
        Opportunity.objects.filter(pk=deal.pk).update(stage=StageFactory(key="lost"))
    stages = [StageFactory(key=key).pk for key in ("engaging", "proposal")]
    # From won back to proposal: being won is no stay.
    assert days_at(freeze(now), 80) == [
        (stages[0], None, None, None, LEAST_STAYS, 20),
        (stages[1], None, None, None, LEAST_STAYS, 1),
    ]


def test_the_first_stay_begins_when_the_deal_was_opened_if_that_is_earlier(now: datetime) -> None:
    opened_on = (now - timedelta(days=50)).astimezone(BERLIN).date()
    for _ in range(LEAST_STAYS):
        closed(now, 20, amount=None, opened_on=opened_on, source="files")
    ((*_, count, days),) = days_at(freeze(now), 80)
    assert (count, days in {50, 51}) == (LEAST_STAYS, True)
    assert [row["imported_count"] for row in groups_of(freeze(now))] == [LEAST_STAYS]


def test_open_deals_and_closings_of_more_than_two_years_ago_are_left_out(now: datetime) -> None:
    for _ in range(LEAST_STAYS):
        closed(now, 10, amount=None)
    reopened = closed(now, 10, amount=None)
    Opportunity.objects.filter(pk=reopened.pk).update(stage=StageFactory(key="engaging"))
    assert [row[4] for row in days_at(freeze(now), 80)] == [LEAST_STAYS]
    assert len(groups_of(measured(KEY, now=now + timedelta(days=729)))) == 1
    assert groups_of(measured(KEY, now=now + timedelta(days=731))) == []
    # What is dated ahead has not happened yet.
    assert groups_of(measured(KEY, now=now - timedelta(days=1))) == []


def test_dates_that_contradict_each_other_are_no_stays(now: datetime) -> None:
    for _ in range(LEAST_STAYS):
        closed(now, -5, amount=None)
    assert groups_of(freeze(now)) == []


def imported(opened_on: date | None, closed_on: date | None) -> None:
    """A closed deal that came without any history."""
    OpportunityFactory(
        stage=StageFactory(key="won"), opened_on=opened_on, closed_on=closed_on, account=None
    )


def test_whole_lives_stand_in_for_deals_without_history(now: datetime) -> None:
    today = now.date()
    for days in range(1, 31):
        imported(today - timedelta(days=days + 1), today - timedelta(days=1))
    imported(None, today)
    imported(today, None)
    imported(today, today - timedelta(days=3))
    imported(today - timedelta(days=1000), today - timedelta(days=740))
    figures = freeze(now)
    assert days_at(figures, 80) == [(None, None, None, None, 30, 25)]
    deal = entered(24)
    assert matching(KEY, figures=figures) == []
    assert matching(KEY, figures=figures, now=NOW + timedelta(days=1)) == [deal.pk]


# Limits given by hand: matching and edges by figures.
def stays(stage: str | None, days: int, **fields: JsonValue) -> JsonValue:
    return {
        "stage_id": Stage.objects.get(key=stage).pk if stage else None,
        "currency": None,
        "above": None,
        "up_to": None,
        "count": 30,
        "imported_count": 0,
        "days": [days + percentile - 80 for percentile in range(50, 96)],
        **fields,
    }


def frozen(*groups: JsonValue) -> dict[str, Figures]:
    return {KEY: Figures("tests", {"stays": list(groups)})}


def entered(days: float, **fields: object) -> Opportunity:
    deal: Opportunity = OpportunityFactory(**{"stage_entered_at": ago(days=days), **fields})
    return deal


@pytest.mark.parametrize(
    ("stage", "days", "fires"),
    [
        ("engaging", 60, True),
        ("engaging", 59, False),
        ("proposal", 20, True),
        ("proposal", 19, False),
        ("negotiation", 45, True),
        ("negotiation", 44, False),
    ],
)
def test_each_stage_has_its_limit_and_the_others_the_default(
    acme: Tenant, stage: str, days: int, fires: bool
) -> None:
    figures = frozen(stays("engaging", 60), stays("proposal", 20))
    deal = entered(days, stage=StageFactory(key=stage))
    assert matching(KEY, figures=figures) == ([deal.pk] if fires else [])
    assert crossing(KEY, NOW - SECOND, NOW, figures=figures) == ({deal.pk} if fires else set())


@pytest.mark.parametrize(
    ("percentile", "fires"), [(50, True), (89, True), (90, False), (95, False)]
)
def test_a_company_may_choose_another_percentile(
    acme: Tenant, percentile: int, fires: bool
) -> None:
    figures = frozen(stays("engaging", 60))
    deal = entered(69)
    found = matching(KEY, {"percentile": percentile}, figures=figures)
    assert found == ([deal.pk] if fires else [])


def test_and_do_without_its_own_figures(acme: Tenant) -> None:
    figures = frozen(stays("engaging", 60))
    deal = entered(50)
    assert matching(KEY, {"use_own_data": 1}, figures=figures) == []
    assert matching(KEY, {"use_own_data": 0}, figures=figures) == [deal.pk]


def test_amount_bands_come_before_the_stage_as_a_whole(acme: Tenant) -> None:
    figures = frozen(
        stays("engaging", 40),
        stays("engaging", 10, currency="USD", up_to="100.00"),
        stays("engaging", 90, currency="USD", above="500.00"),
    )
    expected = {
        entered(10, amount=Decimal("100.00")).pk: 10,
        entered(39, amount=Decimal("100.01")).pk: None,
        entered(40, amount=Decimal("500.00")).pk: 40,
        entered(89, amount=Decimal("500.01")).pk: None,
        entered(90, amount=Decimal("500.01")).pk: 90,
        entered(39, amount=None).pk: None,
        entered(40, amount=None).pk: 40,
        entered(39, amount=Decimal(50), currency="EUR").pk: None,
        entered(40, amount=Decimal(50), currency="").pk: 40,
    }
    assert matching(KEY, figures=figures) == [pk for pk, days in expected.items() if days]
    for pk, days in expected.items():
        if days:
            assert facts_of(KEY, pk, figures=figures)["own_limit_days"] == days
    # The clock leads to whoever reaches any limit of the stage.
    reached = crossing(KEY, NOW - SECOND, NOW, figures=figures)
    assert {pk for pk, days in expected.items() if days} <= reached


def test_measured_then_matched(now: datetime) -> None:
    for days in range(1, 32):
        closed(now, days, amount=None)
    figures = freeze(now)
    early, late = entered(24), entered(25)
    assert matching(KEY, figures=figures) == [late.pk]
    assert facts_of(KEY, late.pk, figures=figures) == {
        "stage_entered_at": ago(days=25).isoformat(),
        "last_activity_at": None,
        "own_limit_days": 25,
        "revision": 1,
    }
    assert matching(KEY, figures=figures, now=NOW + timedelta(days=1)) == [early.pk, late.pk]


def test_they_are_shown_with_their_distribution(now: datetime) -> None:
    for number in range(1, 91):
        closed(now, number, amount=Decimal(1000 * number))
    closed(now, 10, stage="proposal", amount=None)
    imported(now.date() - timedelta(days=5), now.date() - timedelta(days=1))
    trigger, values = registry.get(KEY), freeze(now)[KEY].values
    bands = ["up to 30,000 USD", "30,000 to 60,000 USD", "over 60,000 USD"]
    assert trigger.distribution(values, trigger.parse({"percentile": 90})) == (
        DistributionRow(f"Engaging, {bands[0]}", 30, 16, 25, 28, "days"),
        DistributionRow(f"Engaging, {bands[1]}", 30, 46, 55, 58, "days"),
        DistributionRow(f"Engaging, {bands[2]}", 30, 76, 85, 88, "days"),
        DistributionRow("Engaging", 90, 46, 73, 82, "days"),
        DistributionRow("Proposal", 1, None, None, 45, "days"),
        DistributionRow("Opening to closing, without history", 1, None, None, 45, "days"),
    )
    rows = trigger.distribution(values, trigger.parse({"use_own_data": 0, "in_stage_days": 30}))
    assert {row.threshold for row in rows} == {30}
    assert trigger.distribution({}, trigger.parse({})) == ()
