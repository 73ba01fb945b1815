"""Where the marks of the forecast page's charts stand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from apps.dashboard.outlook.layout import ROOM_PX, BandChart, lay_out_fan, lay_out_history
from apps.predictions.forecasts import PastForecast
from apps.predictions.models import Forecast
from apps.predictions.schemas import FanPoint
from apps.predictions.templatetags.forecast_words import about_money, signed_money
from apps.predictions.tests.factories import ForecastFactory

SPACE = "\u00a0"


def fan_of(
    made_on: date, *points: tuple[float, float, float], target: Decimal | None = None
) -> BandChart:
    """The chart of the first days of January, with what lies at each of them."""
    fan = [
        FanPoint(day=date(2026, 1, 1 + n), p10=low, p50=middle, p90=high)
        for n, (low, middle, high) in enumerate(points)
    ]
    low, middle, high = (Decimal(value) for value in points[-1])
    row: Forecast = ForecastFactory.build(
        starts_on=date(2026, 1, 1), ends_on=date(2026, 1, len(points)), made_on=made_on,
        p10=low, p50=middle, p90=high,
    )  # fmt: skip
    return lay_out_fan(row, fan, target)


def test_the_fan_opens_where_what_is_known_ends() -> None:
    chart = fan_of(date(2026, 1, 2), (10, 10, 10), (20, 20, 20), (25, 30, 40), (30, 50, 100))
    assert chart.known == "0.0,1000.0 250.0,900.0 500.0,800.0"
    assert chart.middle == "500.0,800.0 750.0,700.0 1000.0,500.0"
    assert chart.band == "500.0,800.0 750.0,600.0 1000.0,0.0 1000.0,700.0 750.0,750.0 500.0,800.0"
    assert (chart.now_x, chart.target_y) == ("50.00%", None)
    assert [(label.name, label.y) for label in chart.labels] == [
        ("P90", 12.0), ("P50", 122.0), ("P10", 166.0),
    ]  # fmt: skip


def test_a_target_above_everything_sets_the_scale() -> None:
    chart = fan_of(date(2026, 1, 1), (10, 10, 10), (20, 40, 50), target=Decimal(200))
    assert chart.target_y == ROOM_PX
    assert chart.middle == "500.0,950.0 1000.0,800.0"


def test_labels_that_would_cover_each_other_stand_apart_and_inside() -> None:
    chart = fan_of(date(2026, 1, 1), (0, 0, 0), (1, 2, 100), target=Decimal(1))
    places = {label.name: label.y for label in chart.labels}
    assert places == {"P90": 12.0, "P50": 200.0, "P10": 216.0, "Target": 232.0}


def test_days_that_have_not_begun_are_all_fan() -> None:
    chart = fan_of(date(2025, 12, 20), (0, 5, 10), (0, 10, 20))
    assert (chart.known, chart.now_x) == ("0.0,1000.0", None)
    assert chart.middle == "0.0,1000.0 500.0,750.0 1000.0,500.0"


def test_days_that_are_over_are_one_line() -> None:
    chart = fan_of(date(2026, 1, 5), (5, 5, 5), (10, 10, 10))
    assert chart.known == "0.0,1000.0 500.0,500.0 1000.0,0.0"
    assert [(label.name, label.amount) for label in chart.labels] == [("Won", Decimal(10))]


def past(days: int, p50: int) -> PastForecast:
    made_on = date(2026, 1, 1) + timedelta(days=days)
    return PastForecast(made_on, Decimal(p50 - 10), Decimal(p50), Decimal(p50 + 10), Decimal(0))


def test_the_way_of_a_forecast_begins_with_its_second_day() -> None:
    assert lay_out_history([past(0, 50)], None) is None
    chart = lay_out_history([past(0, 50), past(1, 60), past(4, 90)], None)
    assert chart is not None
    assert chart.middle == "0.0,500.0 250.0,400.0 1000.0,100.0"
    assert [day.text for day in chart.days] == ["1 Jan", "5 Jan"]


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (1243512.4, "1,240,000"), (Decimal("98765.43"), "98,800"), (999.6, "1,000"), (123.4, "123"),
        (0.4, "0"), (-45678, "-45,700"),
    ],
)  # fmt: skip
def test_expected_amounts_carry_three_digits(amount: float, written: str) -> None:
    assert about_money(amount, "USD") == f"{written}{SPACE}$"


def test_changes_carry_their_sign() -> None:
    told = [signed_money(amount, "EUR") for amount in (1200, Decimal("-350.4"), 0.2)]
    assert told == [f"+1,200{SPACE}€", f"\u2212350{SPACE}€", f"0{SPACE}€"]
