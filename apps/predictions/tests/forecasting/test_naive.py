"""The naive methods, on deals that can be counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.predictions.forecasting.deals import Deal, StageMove, read_history
from apps.predictions.forecasting.naive import (
    Estimate,
    last_quarter,
    last_windows,
    stage_win_rate,
    stage_won_within,
)
from apps.predictions.forecasting.situations import Situation
from apps.predictions.forecasting.windows import Window

CUTOFF = date(2026, 7, 1)
JULY = Window(date(2026, 7, 1), date(2026, 8, 1))


def at_cutoff(
    deals: list[Deal], moves: list[StageMove] | None = None, window: Window = JULY
) -> Situation:
    history = read_history(deals, moves or []).as_of(CUTOFF.toordinal())
    return Situation(history, CUTOFF, window)


def won(name: str, closed: date, amount: float = 100.0, opened: date | None = None) -> Deal:
    return Deal(name, opened or date(2026, 1, 1), closed, True, amount)


def lost(name: str, closed: date) -> Deal:
    return Deal(name, date(2026, 1, 1), closed, False, 100.0)


def still_open(name: str, amount: float | None) -> Deal:
    return Deal(name, date(2026, 5, 1), None, False, amount)


def test_stage_win_rate_counts_every_deal_that_was_in_the_stage() -> None:
    deals = [won("w", date(2026, 3, 1)), lost("l", date(2026, 3, 1)), lost("m", date(2026, 3, 2))]
    deals += [still_open("early", 1_000.0), still_open("late", 600.0)]
    moves = [StageMove(name, date(2026, 2, 1), "offer") for name in "wlm"]
    moves += [StageMove(name, date(2026, 2, 15), "talks") for name in "wl"]
    moves += [
        StageMove("early", date(2026, 5, 1), "offer"),
        StageMove("late", date(2026, 5, 1), "talks"),
    ]
    # One of three of those in the offer, one of two in talks.
    told = stage_win_rate(at_cutoff(deals, moves))
    assert told is not None
    assert told.mean == pytest.approx(1_000 / 3 + 300)
    assert told.variance == pytest.approx(2 / 9 * 1_000**2 + 1 / 4 * 600**2)


def test_an_open_deal_without_an_amount_counts_at_the_mean_of_the_won() -> None:
    deals = [won("a", date(2026, 3, 1), 50.0), won("b", date(2026, 3, 2), 150.0)]
    told = stage_win_rate(at_cutoff([*deals, still_open("c", None)]))
    assert told == Estimate(100.0, 0.0)


def test_won_within_looks_back_from_days_whose_windows_are_over() -> None:
    first = Deal("first", date(2025, 12, 1), date(2026, 4, 30), True, 100.0)
    later = Deal("later", date(2026, 5, 1), date(2026, 6, 10), True, 100.0)
    new = won("new", date(2026, 6, 20), 70.0, opened=date(2026, 6, 5))
    told = stage_won_within(at_cutoff([first, later, new, still_open("o", 900.0)]))
    # 31 May and 1 May are looked back from. On 31 May "later" and "o" were open; "later" was won within the
    # window, "new" was opened and won inside it. On 1 May nothing was open yet and nothing came.
    assert told is not None
    assert told.mean == pytest.approx(900 / 2 + 70 / 2)


def test_the_mean_of_the_last_three_windows() -> None:
    deals = [won("before", date(2026, 1, 5))]
    deals += [won(str(days), CUTOFF - timedelta(days=days), days) for days in (1, 31, 32, 93, 94)]
    # Three stretches of 31 days reach back 93 days.
    told = last_windows(at_cutoff(deals))
    assert told is not None
    assert told.mean == pytest.approx((1 + 31 + 32 + 93) / 3)
    # As many of each as there were a window: the variance of a Poisson number of them.
    assert told.variance == pytest.approx((1**2 + 31**2 + 32**2 + 93**2) / 3)


def test_the_same_phase_of_the_last_quarter() -> None:
    deals = [
        won("before", date(2026, 1, 5)),
        won("april", date(2026, 4, 30), 7.0),
        won("may", date(2026, 5, 1), 9.0),
    ]
    assert last_quarter(at_cutoff(deals)) == Estimate(7.0, 49.0)


def test_what_lies_ahead_of_a_window_is_held_against_the_same_days() -> None:
    deals = [
        won("before", date(2026, 1, 5)),
        won("too early", date(2026, 3, 31), 7.0),
        won("in phase", date(2026, 4, 2), 9.0),
    ]
    # Of the window from 16 June on, half is over on 1 July: of that from 16 March on, the days from 31 March.
    window = Window.of_days(date(2026, 6, 16), 30)
    told = last_quarter(at_cutoff(deals, window=window))
    assert told == Estimate(16.0, 7.0**2 + 9.0**2)


def test_a_method_that_would_look_back_before_the_first_close_says_nothing() -> None:
    situation = at_cutoff([won("w", date(2026, 6, 1)), still_open("o", 1.0)])
    assert last_quarter(situation) is None
    assert last_windows(situation) is None
    assert stage_won_within(situation) is None


def test_the_interval_of_an_estimate_is_normal_and_not_below_nothing() -> None:
    told = Estimate(10.0, 4.0).interval()
    assert (told.p10, told.p50, told.p90) == pytest.approx((7.4368, 10.0, 12.5632))
    assert Estimate(1.0, 4.0).interval().p10 == 0.0
