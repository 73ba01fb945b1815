"""The forecast of a window: what it adds up to, what it is tuned by, and when there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from apps.predictions.forecasting.deals import Deal, StageMove, read_history
from apps.predictions.forecasting.forecast import forecast
from apps.predictions.forecasting.results import Forecast, Part, TooLittleHistory
from apps.predictions.forecasting.windows import Window
from apps.predictions.tests.forecasting.companies import (
    FIRST_DAY,
    steady_company,
    steady_deals,
    steady_moves,
)

TODAY = FIRST_DAY + timedelta(days=640)  # 2 October 2025
THIS_MONTH = Window(date(2025, 10, 1), date(2025, 11, 1))
NEXT_MONTH = Window(date(2025, 11, 1), date(2025, 12, 1))


def told(window: Window = THIS_MONTH, today: date = TODAY, days: int = 640) -> Forecast:
    answer = forecast(steady_company(days), today=today, window=window)
    assert isinstance(answer, Forecast)
    return answer


def test_a_steady_company_goes_on_as_before() -> None:
    answer = told(NEXT_MONTH)
    # Two deals a day, half of them won, 1,000 each.
    assert answer.interval.p50 == pytest.approx(30_000, rel=0.15)
    assert answer.interval.p10 < 28_000 < 32_000 < answer.interval.p90


def test_parts_teams_and_owners_add_up_to_what_is_expected() -> None:
    answer = told()
    for pieces in (answer.parts, answer.teams, answer.owners):
        assert sum(piece.expected for piece in pieces) == pytest.approx(answer.expected, abs=0.1)
    assert [part.part for part in answer.parts] == list(Part)
    assert answer.parts[0].expected == answer.won_so_far
    assert {owner.name for owner in answer.owners} == {"ada", "ben", "cleo"}
    assert sum(team.won_so_far for team in answer.teams) == answer.won_so_far


def test_what_is_won_already_is_certain() -> None:
    answer = told(today=date(2025, 10, 20), days=700)
    assert answer.won_so_far > 10_000
    assert answer.interval.p10 > answer.won_so_far
    assert answer.parts[0].interval.p10 == answer.parts[0].interval.p90 == answer.won_so_far


def test_the_same_seed_gives_the_same_forecast() -> None:
    assert told() == told()


def test_nothing_that_came_later_is_used() -> None:
    short = steady_company(641)
    long = steady_company(700)
    early, late = (forecast(history, today=TODAY, window=THIS_MONTH) for history in (short, long))
    assert isinstance(early, Forecast)
    assert isinstance(late, Forecast)
    assert replace(late, remarks=()) == replace(early, remarks=())
    assert len(late.remarks) == 1


def test_a_deal_that_is_nearly_through_is_more_likely_than_a_fresh_one() -> None:
    deals = steady_deals(640)
    open_deals = [deal for deal in deals if deal.closed is None]
    moves = [
        *steady_moves(deals),
        *(StageMove(deal.id, TODAY, "last") for deal in open_deals[::2]),
    ]
    answer = forecast(read_history(deals, moves), today=TODAY, window=THIS_MONTH)
    assert isinstance(answer, Forecast)
    chance = {deal.deal_id: deal.probability_0_1 for deal in answer.contributions}
    last = [chance[deal.id] for deal in open_deals[::2]]
    first = [chance[deal.id] for deal in open_deals[1::2]]
    assert min(last) > 0.6
    assert sum(first) / len(first) < 0.5


def test_every_open_deal_has_its_contribution_largest_first() -> None:
    answer = told()
    is_open = {deal.id for deal in steady_deals(640) if deal.closed is None}
    assert {deal.deal_id for deal in answer.contributions} == is_open
    expected = [deal.expected for deal in answer.contributions]
    assert expected == sorted(expected, reverse=True)


def test_it_publishes_its_backtest() -> None:
    backtest = told().backtest
    assert len(backtest.cutoffs) == 12
    assert backtest.cutoffs[0].cutoff < backtest.cutoffs[-1].cutoff == date(2025, 9, 2)
    assert len(backtest.figures) == 5
    assert backtest.shown is not None
    assert backtest.shown.cutoffs == 12


@pytest.mark.parametrize(
    ("deals", "needs"),
    [
        ([], "There are no deals yet."),
        (
            steady_deals(5),
            "A forecast needs 20 closed deals, 10 of them won; there are 0, 0 of them won.",
        ),
        (steady_deals(640, amount=None), "A forecast needs amounts: no won deal has one."),
    ],
)
def test_too_little_history_is_said(deals: list[Deal], needs: str) -> None:
    assert forecast(read_history(deals), today=TODAY, window=THIS_MONTH) == TooLittleHistory(needs)


def test_a_short_history_is_said_with_the_days_that_it_needs() -> None:
    answer = forecast(
        steady_company(60), today=FIRST_DAY + timedelta(days=60), window=Window.of_days(TODAY, 30)
    )
    assert isinstance(answer, TooLittleHistory)
    assert answer.needs.startswith("A forecast of this window needs ")


def test_a_window_that_is_over_has_no_forecast() -> None:
    with pytest.raises(ValueError, match="is over"):
        forecast(steady_company(), today=date(2025, 11, 1), window=THIS_MONTH)
