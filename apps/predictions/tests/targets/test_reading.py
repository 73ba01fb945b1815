"""Periods of the calendar, and the targets of some days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from apps.conftest import Cast
from apps.predictions.forecasts import ForecastScope
from apps.predictions.models import SalesTarget
from apps.predictions.targets.periods import Period, periods_around
from apps.predictions.targets.reading import read_targets, with_forecasts
from apps.predictions.tests.factories import ForecastFactory, SalesTargetFactory

QUARTER = date(2026, 1, 1), date(2026, 3, 31)


@pytest.mark.parametrize(
    ("starts_on", "months", "ends_on", "label", "key"),
    [
        (date(2026, 10, 1), 3, date(2026, 12, 31), "Q4 2026", "2026-10-3"),
        (date(2026, 2, 1), 1, date(2026, 2, 28), "February 2026", "2026-02-1"),
        (date(2026, 12, 1), 1, date(2026, 12, 31), "December 2026", "2026-12-1"),
    ],
)
def test_a_period_has_a_last_day_and_a_name(
    starts_on: date, months: int, ends_on: date, label: str, key: str
) -> None:
    period = Period(starts_on, months)
    assert (period.ends_on, period.label, period.key, period.problem) == (ends_on, label, key, "")
    assert Period.parse(key) == period


@pytest.mark.parametrize(
    "text", ["", "2026-13-1", "2026-00-3", "0000-01-1", "2026-01-2", "2026-1-1"]
)
def test_anything_else_is_no_period(text: str) -> None:
    assert Period.parse(text) is None


@pytest.mark.parametrize(
    ("starts_on", "months", "problem"),
    [
        (date(2026, 1, 2), 1, "It begins with the first day of a month."),
        (date(2026, 2, 1), 3, "A quarter begins in January, April, July or October."),
        (date(2026, 1, 1), 2, "A target is for a month or for a quarter: 1 or 3 months."),
    ],
)
def test_what_is_no_month_or_quarter_says_why(starts_on: date, months: int, problem: str) -> None:
    assert Period(starts_on, months).problem == problem


def test_a_year_is_offered_from_the_period_before_the_present_on() -> None:
    keys = [period.key for period in periods_around(date(2026, 11, 26))]
    assert keys[:6] == [
        "2026-07-3", "2026-10-3", "2027-01-3", "2027-04-3", "2027-07-3", "2027-10-3",
    ]  # fmt: skip
    assert (keys[6], keys[7], keys[-1], len(keys)) == ("2026-10-1", "2026-11-1", "2027-11-1", 20)


def test_each_scope_and_currency_has_its_own_target(cast: Cast) -> None:
    SalesTargetFactory(amount=Decimal(100))
    SalesTargetFactory(amount=Decimal(200), currency="EUR")
    SalesTargetFactory(amount=Decimal(300), owner=cast.rep)
    SalesTargetFactory(amount=Decimal(400), team=cast.team)
    SalesTargetFactory(amount=Decimal(500), starts_on=date(2026, 4, 1))
    found = {
        scope.key: read_targets(scope, *QUARTER)
        for scope in (
            ForecastScope(), ForecastScope(owner_id=cast.rep.pk), ForecastScope(team_id=cast.team.pk),
            ForecastScope(owner_id=cast.teammate.pk),
        )
    }  # fmt: skip
    assert list(found.values()) == [
        {"USD": Decimal(100), "EUR": Decimal(200)}, {"USD": Decimal(300)}, {"USD": Decimal(400)}, {},
    ]  # fmt: skip


def test_a_quarter_without_a_target_has_its_three_months_sum(cast: Cast) -> None:
    for month in (1, 2):
        SalesTargetFactory(starts_on=date(2026, month, 1), months=1, amount=Decimal(month * 100))
    assert read_targets(ForecastScope(), *QUARTER) == {}
    SalesTargetFactory(starts_on=date(2026, 3, 1), months=1, amount=Decimal(50))
    assert read_targets(ForecastScope(), *QUARTER) == {"USD": Decimal(350)}
    SalesTargetFactory(amount=Decimal(1000))
    assert read_targets(ForecastScope(), *QUARTER) == {"USD": Decimal(1000)}


def test_a_month_has_its_own_and_not_the_quarters(cast: Cast) -> None:
    SalesTargetFactory(amount=Decimal(1000))
    january = date(2026, 1, 1), date(2026, 1, 31)
    assert read_targets(ForecastScope(), *january) == {}
    SalesTargetFactory(months=1, amount=Decimal(300))
    assert read_targets(ForecastScope(), *january) == {"USD": Decimal(300)}


def test_a_target_stands_beside_the_newest_forecast_of_its_days(cast: Cast) -> None:
    own = SalesTargetFactory(owner=cast.rep, amount=Decimal(1200))
    month = SalesTargetFactory(owner=cast.rep, months=1)
    ForecastFactory(owner=cast.rep, made_on=date(2026, 2, 1), p50=Decimal(900))
    newest = ForecastFactory(owner=cast.rep, made_on=date(2026, 2, 2))
    ForecastFactory(owner=cast.rep, made_on=date(2026, 2, 3), currency="EUR")
    ForecastFactory(made_on=date(2026, 2, 3))
    first, second = with_forecasts(SalesTarget.objects.order_by("pk"), cast.rep)
    assert (first.target, first.forecast, first.gap) == (own, newest, Decimal(200))
    assert (second.target, second.forecast, second.gap) == (month, None, None)
