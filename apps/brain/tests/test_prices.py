"""What tokens cost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from apps.brain.prices import Price, Usage, price_of

DAY = date(2026, 3, 6)


@pytest.mark.parametrize(
    ("model", "day", "input_usd"),
    [
        ("gpt-4.1", DAY, "2.00"),
        ("gpt-4.1-2025-04-14", DAY, "2.00"),
        ("gpt-4.1-mini", DAY, "0.40"),
        ("gpt-4.1-mini-2025-04-14", DAY, "0.40"),
        ("gpt-5-nano", DAY, "0.05"),
        ("stand-in:delay-400ms", DAY, "0.05"),
        ("gpt-4.1", date(2025, 4, 13), None),
        ("gpt-4.1-turbo", DAY, None),
        ("gpt-4.10", DAY, None),
        ("llama3.3:70b", DAY, None),
        ("", DAY, None),
    ],
)
def test_the_list_price_of_a_model_on_a_day(model: str, day: date, input_usd: str | None) -> None:
    price = price_of(model, day)
    assert (price and price.input_usd) == (input_usd and Decimal(input_usd))


def test_what_a_call_costs() -> None:
    price = Price(Decimal("2.00"), Decimal("0.50"), Decimal("8.00"))
    # 400 fresh, 600 cached, 100 received: 0.0008 + 0.0003 + 0.0008
    assert price.cost_usd(Usage(1_000, 100, tokens_cached=600)) == Decimal("0.001900")


def test_a_fraction_of_a_millionth_is_rounded_up() -> None:
    assert Price(Decimal("0.05"), Decimal(0), Decimal(0)).cost_usd(Usage(1, 0)) == Decimal(
        "0.000001"
    )


def test_a_model_of_ones_own_may_cost_nothing() -> None:
    free = Price(Decimal(0), Decimal(0), Decimal(0))
    assert free.cost_usd(Usage(10**6, 10**6)) == 0
