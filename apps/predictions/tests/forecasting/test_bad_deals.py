"""Deals as no forecast would like them: a statement or a sane interval comes of it, never an exception."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from apps.predictions.forecasting.backtest import Trials, backtest
from apps.predictions.forecasting.deals import Deal, StageMove, read_history
from apps.predictions.forecasting.forecast import forecast
from apps.predictions.forecasting.results import Forecast, Interval, TooLittleHistory
from apps.predictions.forecasting.windows import Window
from apps.predictions.tests.forecasting.companies import FIRST_DAY, steady_company, steady_deals

TODAY = date(2025, 6, 10)
WINDOWS = (
    Window(date(2025, 6, 1), date(2025, 7, 1)),
    Window(date(2025, 7, 1), date(2025, 8, 1)),
    Window(date(2025, 4, 1), date(2025, 7, 1)),
)


def wild_deals(seed: int) -> tuple[list[Deal], list[StageMove]]:
    """Few deals, with every fault that a record can have."""
    random = np.random.default_rng(seed)
    amounts = (None, 0.0, -5.0, math.inf, math.nan, 1.0, 700.0, 1e12)
    deals, moves = [], []
    for number in range(int(random.integers(0, 150))):
        opened = FIRST_DAY + timedelta(days=int(random.integers(0, 700)))
        closed = opened + timedelta(days=int(random.integers(-20, 200)))
        deals.append(
            Deal(
                id=str(random.integers(0, 140)),
                opened=None if random.random() < 0.1 else opened,
                closed=None if random.random() < 0.3 else closed,
                won=bool(random.random() < 0.6),
                amount=amounts[random.integers(len(amounts))],
                owner=str(random.integers(3)),
            )
        )
        day = opened + timedelta(days=int(random.integers(-50, 300)))
        moves.append(StageMove(str(number), day, str(random.integers(3))))
    return deals, moves


@pytest.mark.parametrize("seed", range(16))
def test_wild_deals_give_an_interval_or_say_what_they_need(seed: int) -> None:
    history = read_history(*wild_deals(seed))
    for window in WINDOWS:
        told = forecast(history, today=TODAY, window=window)
        if isinstance(told, TooLittleHistory):
            assert told.needs
        else:
            assert_sane(told)


def assert_sane(told: Forecast) -> None:
    pieces = [told.interval, *(part.interval for part in told.parts)]
    pieces += [group.interval for group in (*told.teams, *told.owners)]
    for interval in pieces:
        assert 0 <= interval.p10 <= interval.p50 <= interval.p90 < math.inf
    assert all(0 <= deal.probability_0_1 <= 1 for deal in told.contributions)
    assert told.interval.p10 >= told.won_so_far


@pytest.mark.parametrize("seed", [2, 5])
def test_what_was_said_at_a_cutoff_never_changes_when_more_becomes_known(seed: int) -> None:
    deals = steady_deals(700, seed=seed)
    cutoff = date(2025, 3, 1)
    window = Window.of_days(cutoff, 30)
    until_then = [
        deal
        if deal.closed is not None and deal.closed < cutoff
        else replace(deal, closed=None, won=False)
        for deal in deals
        if deal.opened is not None and deal.opened < cutoff
    ]
    then = Trials(read_history(until_then), 0).at(cutoff, window)
    now = Trials(read_history(deals), 0).at(cutoff, window)
    assert not isinstance(then, str)
    assert not isinstance(now, str)
    assert now.said == then.said
    assert now.came > then.came == 0


def test_ten_deals_are_too_few() -> None:
    told = forecast(read_history(steady_deals(700)[:10]), today=TODAY, window=WINDOWS[0])
    assert isinstance(told, TooLittleHistory)
    assert told.needs.startswith("A forecast needs 20 closed deals, 10 of them won; there are 10,")


def test_no_wins_are_too_few() -> None:
    lost = [replace(deal, won=False) for deal in steady_deals(700)]
    told = forecast(read_history(lost), today=TODAY, window=WINDOWS[0])
    assert isinstance(told, TooLittleHistory)
    assert "0 of them won" in told.needs


def test_days_that_are_still_to_come_are_not_known() -> None:
    deals = steady_deals(526)
    ahead = [
        Deal("opened ahead", date(2031, 1, 1), None, won=False, amount=1e9),
        Deal("won ahead", date(2025, 5, 1), date(2031, 1, 1), won=True, amount=1e3),
    ]
    told = forecast(read_history(deals + ahead), today=TODAY, window=WINDOWS[0])
    assert isinstance(told, Forecast)
    assert told.remarks == ("Deals opened or closed after 2025-06-10, which is not known yet: 2.",)
    assert told.interval.p90 < 100_000


def test_a_giant_that_was_won_once_makes_no_giant_interval() -> None:
    deals = steady_deals(526)
    plain = forecast(read_history(deals), today=TODAY, window=WINDOWS[1])
    giant = Deal("giant", date(2025, 1, 5), date(2025, 2, 9), won=True, amount=1e6)
    told = forecast(read_history([*deals, giant]), today=TODAY, window=WINDOWS[1])
    assert isinstance(plain, Forecast)
    assert isinstance(told, Forecast)
    # A thousand times the usual amount: thirty times what a month brings.
    assert told.interval.p50 < 1.5 * plain.interval.p50
    assert plain.interval.p90 < told.interval.p90 < 4 * plain.interval.p90


def test_an_open_giant_is_in_the_interval_as_it_may_be_won() -> None:
    deals = steady_deals(526)
    giant = Deal("giant", TODAY - timedelta(days=30), None, won=False, amount=1e6)
    told = forecast(read_history([*deals, giant]), today=TODAY, window=WINDOWS[0])
    assert isinstance(told, Forecast)
    assert told.contributions[0].deal_id == "giant"
    assert 0.2 < told.contributions[0].probability_0_1 < 0.6
    assert told.interval.p10 < 100_000 < 900_000 < told.interval.p90


def test_a_cutoff_before_the_first_deal_is_left_out_and_said() -> None:
    told = backtest(
        steady_company(400), horizon_days=30, cutoffs=[date(2023, 1, 1), date(2024, 12, 1)]
    )
    assert [row.cutoff for row in told.cutoffs] == [date(2024, 12, 1)]
    assert told.remarks == ("2023-01-01 is left out. There are no deals yet.",)


def test_a_cutoff_whose_window_is_not_over_is_left_out_and_said() -> None:
    told = backtest(steady_company(400), horizon_days=90, cutoffs=[date(2025, 1, 1)])
    assert told.cutoffs == ()
    assert told.shown is None
    assert told.remarks == ("2025-01-01 is left out. The deals end before its window does.",)


def test_what_is_told_holds_no_types_of_numerical_libraries() -> None:
    told = forecast(steady_company(526), today=TODAY, window=WINDOWS[0])
    assert isinstance(told, Forecast)
    numbers = [*vars_of(told.interval), told.expected, told.won_so_far]
    numbers += [number for row in told.backtest.cutoffs for number in vars_of(row.shown)]
    numbers += [row.actual for row in told.backtest.cutoffs]
    numbers += [deal.expected for deal in told.contributions]
    assert {type(number) for number in numbers} == {float}


def vars_of(interval: Interval) -> tuple[float, float, float]:
    return interval.p10, interval.p50, interval.p90
