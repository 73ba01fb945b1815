"""Open deals by stage, coverage, and closings: exact figures, each currency for itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.conftest import Cast
from apps.crm.models import Opportunity
from apps.crm.tests.factories import OpportunityFactory
from apps.dashboard.asked import Asked, Quarter
from apps.dashboard.deals import (
    Closings,
    Coverage,
    CurrencyPipeline,
    Week,
    read_closings,
    read_pipelines,
    read_weeks,
)
from apps.dashboard.enums import Scope
from apps.dashboard.tests.figures import asked_by, closed_deal, stage, stages

# A Wednesday, the fiftieth day of the second quarter.
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
NONE = Decimal(0)


@pytest.fixture
def asked(cast: Cast) -> Asked:
    return asked_by(cast.manager, now=NOW)


def pipelines(
    asked: Asked, targets: Mapping[str, Decimal] | None = None
) -> tuple[CurrencyPipeline, ...]:
    return read_pipelines(Opportunity.objects.all(), asked, stages(), targets or {})


def open_deal(
    amount: int | None, key: str = "engaging", currency: str = "USD", closes: date | None = None
) -> Opportunity:
    deal: Opportunity = OpportunityFactory(
        stage=stage(key),
        amount=None if amount is None else Decimal(amount),
        currency=currency,
        expected_close_on=closes,
    )
    return deal


def test_open_deals_add_up_by_stage_and_never_over_currencies(asked: Asked) -> None:
    open_deal(100)
    open_deal(None)
    open_deal(250, "proposal")
    open_deal(70, currency="EUR")
    closed_deal("lost", date(2026, 5, 1), 999)
    found = {
        row.currency: [
            (part.stage.key, part.count, part.amount, part.unvalued) for part in row.stages
        ]
        for row in pipelines(asked)
    }
    assert found == {
        "USD": [
            ("prospecting", 0, NONE, 0), ("engaging", 2, Decimal(100), 1),
            ("proposal", 1, Decimal(250), 0), ("negotiation", 0, NONE, 0),
        ],
        "EUR": [
            ("prospecting", 0, NONE, 0), ("engaging", 1, Decimal(70), 0),
            ("proposal", 0, NONE, 0), ("negotiation", 0, NONE, 0),
        ],
    }  # fmt: skip
    dollars = pipelines(asked)[0]
    assert (dollars.count, dollars.amount, dollars.unvalued) == (3, Decimal(350), 1)


def test_coverage_holds_what_should_close_against_the_same_part_of_the_last_quarter(
    asked: Asked,
) -> None:
    open_deal(400, closes=date(2026, 5, 20))
    open_deal(200, closes=date(2026, 6, 30))
    open_deal(50, closes=date(2026, 5, 19))
    open_deal(1000, closes=date(2026, 7, 1))
    open_deal(2000)
    # The fiftieth day of the first quarter is 19 February: it counts for both of its parts.
    closed_deal("won", date(2026, 1, 1), 10)
    closed_deal("won", date(2026, 2, 18), 20)
    closed_deal("won", date(2026, 2, 19), 40)
    closed_deal("won", date(2026, 3, 31), 80)
    closed_deal("won", date(2026, 4, 1), 160)
    closed_deal("won", date(2026, 5, 20), 320)
    closed_deal("lost", date(2026, 5, 1), 5000)
    closed_deal("won", date(2025, 12, 31), 7000)
    coverage = pipelines(asked)[0].coverage
    assert coverage == Coverage(
        closing_count=2,
        closing_amount=Decimal(600),
        overdue_count=1,
        overdue_amount=Decimal(50),
        same_part_amount=Decimal(120),
        won_so_far_amount=Decimal(480),
        won_by_then_amount=Decimal(70),
    )
    assert coverage.ratio == 5.0


def test_without_a_last_quarter_there_is_no_coverage(asked: Asked) -> None:
    open_deal(400, closes=date(2026, 6, 1))
    assert pipelines(asked)[0].coverage.ratio is None


def test_coverage_holds_what_should_close_against_the_rest_of_a_target(asked: Asked) -> None:
    open_deal(600, closes=date(2026, 6, 1))
    closed_deal("won", date(2026, 3, 31), 80)
    closed_deal("won", date(2026, 5, 1), 200)
    coverage = pipelines(asked, {"USD": Decimal(600), "EUR": Decimal(9)})[0].coverage
    assert (coverage.target_amount, coverage.to_win_amount) == (Decimal(600), Decimal(400))
    assert coverage.ratio == 1.5


def test_a_target_that_is_reached_needs_no_coverage(asked: Asked) -> None:
    open_deal(600, closes=date(2026, 6, 1))
    closed_deal("won", date(2026, 5, 1), 200)
    coverage = pipelines(asked, {"USD": Decimal(200)})[0].coverage
    assert (coverage.to_win_amount, coverage.ratio) == (Decimal(0), None)


def test_velocity_is_deals_times_share_times_value_by_days(asked: Asked) -> None:
    for _ in range(4):
        open_deal(1)
    for days in (10, *[20] * 8, 90):
        closed_on = date(2026, 5, 1)
        closed_deal("won", closed_on, 300, opened_on=closed_on - timedelta(days=days))
    closed_deal("won", date(2026, 5, 1), None)
    for _ in range(9):
        closed_deal("lost", date(2026, 4, 30), 900)
    row = pipelines(asked)[0]
    assert row.closings == Closings(won=11, lost=9, cycle_count=10, cycle=timedelta(days=20))
    assert (row.closings.win_rate_0_1, row.closings.cycle_days) == (0.55, 20.0)
    assert row.average_won == Decimal(300)
    # 4 deals × 0.55 × 300 ÷ 20 days.
    assert round(row.velocity_per_day or 0, 6) == 33


def test_of_too_few_won_deals_there_is_no_velocity(asked: Asked) -> None:
    open_deal(1)
    for _ in range(9):
        closed_deal("won", date(2026, 5, 1), opened_on=date(2026, 4, 1))
    closed_deal("lost", date(2026, 5, 1))
    row = pipelines(asked)[0]
    assert (row.closings.win_rate_0_1, row.closings.cycle_days) == (0.9, None)
    assert row.velocity_per_day is None


def test_closings_count_the_period_in_all_currencies(asked: Asked) -> None:
    first_day = date(2026, 2, 20)
    assert asked.first_day == first_day
    closed_deal("won", first_day, currency="EUR")
    closed_deal("won", date(2026, 5, 20), opened_on=date(2026, 5, 10))
    closed_deal("won", first_day - timedelta(days=1))
    closed_deal("won", date(2026, 5, 21))
    closed_deal("lost", date(2026, 3, 1))
    # Opened after it was closed: somebody mistyped a day, and it tells nothing.
    closed_deal("won", date(2026, 5, 1), opened_on=date(2026, 5, 2))
    assert read_closings(Opportunity.objects.all(), asked) == Closings(
        won=3, lost=1, cycle_count=1, cycle=timedelta(days=10)
    )


def test_a_few_closings_make_no_rate(asked: Asked) -> None:
    for _ in range(9):
        closed_deal("won", date(2026, 5, 1), opened_on=date(2026, 4, 1))
    closings = read_closings(Opportunity.objects.all(), asked)
    assert (closings.win_rate_0_1, closings.cycle_days) == (None, None)
    closed_deal("won", date(2026, 5, 1), opened_on=date(2026, 4, 1))
    closings = read_closings(Opportunity.objects.all(), asked)
    assert (closings.win_rate_0_1, closings.cycle_days) == (1.0, 30.0)


def test_weeks_begin_on_mondays_and_leave_none_out(cast: Cast) -> None:
    asked = asked_by(cast.manager, Scope.EVERYONE, 30, NOW)
    closed_deal("won", date(2026, 4, 21))
    closed_deal("won", date(2026, 4, 26))
    closed_deal("lost", date(2026, 4, 27))
    closed_deal("won", date(2026, 5, 20))
    closed_deal("won", date(2026, 4, 20))
    assert read_weeks(Opportunity.objects.all(), asked) == (
        Week(date(2026, 4, 20), 2, 0),
        Week(date(2026, 4, 27), 0, 1),
        Week(date(2026, 5, 4), 0, 0),
        Week(date(2026, 5, 11), 0, 0),
        Week(date(2026, 5, 18), 1, 0),
    )


@pytest.mark.parametrize(
    ("day", "quarter", "before"),
    [
        (date(2026, 1, 1), "Q1 2026", "Q4 2025"),
        (date(2026, 3, 31), "Q1 2026", "Q4 2025"),
        (date(2026, 12, 31), "Q4 2026", "Q3 2026"),
    ],
)
def test_quarters_are_those_of_the_year(day: date, quarter: str, before: str) -> None:
    found = Quarter.of(day)
    assert (found.label, found.before.label) == (quarter, before)
    assert found.begins_on <= day <= found.ends_on


def test_the_last_day_of_a_longer_quarter_falls_on_the_last_of_a_shorter_one() -> None:
    this = Quarter.of(date(2026, 6, 30))
    assert this.same_day_in(this.before, date(2026, 6, 30)) == date(2026, 3, 31)
    assert this.same_day_in(this.before, date(2026, 4, 1)) == date(2026, 1, 1)
