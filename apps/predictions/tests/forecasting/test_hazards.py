"""Hazards and arrivals, held against companies of which they are known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from apps.predictions.forecasting.arrivals import Arrivals
from apps.predictions.forecasting.deals import Deal, DealHistory, read_history
from apps.predictions.forecasting.drift import level_of, shrunken, spread_ahead, spread_of
from apps.predictions.forecasting.hazards import Hazards
from apps.predictions.forecasting.seasons import phases_of
from apps.predictions.tests.forecasting.companies import FIRST_DAY, steady_company

DAYS = 900
NOW = FIRST_DAY.toordinal() + DAYS


def memoryless_company(a_day: int = 10, won: float = 0.01, lost: float = 0.02) -> DealHistory:
    """Deals with the same hazards on every day of their life."""
    random = np.random.default_rng(3)
    deals = []
    for number in range(DAYS * a_day):
        opened = FIRST_DAY + timedelta(days=number // a_day)
        closed = opened + timedelta(days=int(random.geometric(won + lost)) - 1)
        is_closed = closed.toordinal() < NOW
        is_won = bool(random.random() < won / (won + lost))
        deals.append(
            Deal(str(number), opened, closed if is_closed else None, is_closed and is_won, 100.0)
        )
    return read_history(deals)


def test_the_chance_of_an_open_deal_is_that_of_its_hazards() -> None:
    history = memoryless_company()
    chances = Hazards.of(history, NOW).winning(history, NOW, NOW, NOW + 30)
    # One third of those closed within 30 days at 3 % a day.
    expected = (1 - 0.97**30) / 3
    assert chances[history.is_open].mean() == pytest.approx(expected, rel=0.1)
    assert not chances[~history.is_open].any()


def test_a_window_that_begins_later_has_what_is_left() -> None:
    history = memoryless_company()
    hazards = Hazards.of(history, NOW)
    soon, later, both = (
        hazards.winning(history, NOW, NOW + first, NOW + after)
        for first, after in ((0, 30), (30, 60), (0, 60))
    )
    assert soon + later == pytest.approx(both)


def test_a_deal_that_is_opened_on_the_last_day_has_one_day_to_be_won() -> None:
    chances = Hazards.of(memoryless_company(), NOW).winning_when_opened(NOW, NOW, NOW + 30)
    assert len(chances) == 30
    assert (np.diff(chances) < 0).all()
    assert chances[-1] == pytest.approx(0.01, rel=0.3)


def test_without_stages_and_owners_deals_of_one_age_are_alike() -> None:
    history = memoryless_company()
    chances = Hazards.of(history, NOW).winning(history, NOW, NOW, NOW + 30)
    youngest = history.is_open & (history.opened == NOW - 1)
    assert youngest.sum() > 1
    assert np.ptp(chances[youngest]) == pytest.approx(0)


def test_arrivals_of_a_steady_company_go_on() -> None:
    arrivals = Arrivals.of(steady_company(700), FIRST_DAY.toordinal() + 700)
    ahead = arrivals.on(np.arange(arrivals.now, arrivals.now + 90, dtype=np.float64))
    assert ahead.mean() == pytest.approx(2.0, rel=0.02)
    assert arrivals.growth == pytest.approx(0, abs=1e-4)


def test_phases_are_halves_of_the_months_of_a_quarter() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 16), date(2026, 2, 15), date(2026, 6, 30)]
    ordinals = np.array([day.toordinal() for day in days], dtype=np.float64)
    assert phases_of(ordinals).tolist() == [0, 1, 2, 5]


def test_few_outcomes_are_drawn_to_what_is_expected() -> None:
    assert shrunken(np.array([0.0, 30.0]), np.array([1.0, 10.0]), 5.0).tolist() == [
        pytest.approx(5 / 6),
        pytest.approx(35 / 15),
    ]


def test_the_level_is_that_of_late() -> None:
    observed = np.concatenate([np.ones(300), np.full(100, 2.0)])
    assert level_of(observed, np.ones(400), half_life_days=20, k=0) == pytest.approx(2.0, abs=0.04)


def test_what_is_only_chance_has_little_spread() -> None:
    random = np.random.default_rng(0)
    by_chance = random.poisson(10.0, 1400).astype(np.float64)
    together = random.poisson(10.0 * np.repeat(random.gamma(10, 0.1, 50), 28)).astype(np.float64)
    assert spread_of(by_chance, np.ones(1400)) < 0.01
    assert spread_of(together, np.ones(1400)) == pytest.approx(0.1, abs=0.05)
    assert spread_of(np.ones(50), np.ones(50)) == 0.01


def test_the_spread_grows_with_the_days_ahead() -> None:
    assert spread_ahead(0.03, 10) == spread_ahead(0.03, 28) == pytest.approx(0.03)
    # The mean of three steps of a random walk: (1² + 2² + 3²) ÷ 3².
    assert spread_ahead(0.03, 84) == pytest.approx(0.03 * 14 / 9)
