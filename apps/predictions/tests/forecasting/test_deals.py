"""What is known of deals on a day, and what becomes of wrong ones."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.predictions.forecasting.deals import Deal, DealHistory, StageMove, read_history

DAYS = st.integers(0, 60).map(
    lambda offset: date.fromordinal(date(2026, 1, 1).toordinal() + offset)
)


def deal(
    name: str,
    opened: date | None,
    closed: date | None = None,
    *,
    won: bool = False,
    amount: float | None = 100.0,
) -> Deal:
    return Deal(name, opened, closed, won, amount)


def test_what_lies_later_than_the_day_is_not_known() -> None:
    history = read_history(
        [
            deal("won before", date(2026, 1, 1), date(2026, 1, 9), won=True),
            deal("won that day", date(2026, 1, 1), date(2026, 1, 10), won=True),
            deal("opened that day", date(2026, 1, 10)),
        ],
        [
            StageMove("won that day", date(2026, 1, 2), "offer"),
            StageMove("won that day", date(2026, 1, 10), "signed"),
        ],
    ).as_of(date(2026, 1, 10).toordinal())
    assert history.ids == ("won before", "won that day")
    assert history.is_open.tolist() == [False, True]
    assert history.won.tolist() == [True, False]
    assert [(history.ids[d], history.stages[s]) for d, s in zip(
        history.move_deal, history.move_stage, strict=True
    )] == [("won that day", "offer")]  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Deal], list[StageMove]]:
    deals, moves = [], []
    for number in range(draw(st.integers(1, 12))):
        opened, other = sorted([draw(DAYS), draw(DAYS)])
        closed = draw(st.sampled_from([None, other]))
        won = closed is not None and draw(st.booleans())
        deals.append(Deal(f"d{number}", opened, closed, won, float(draw(st.integers(1, 9)))))
        moves += [
            StageMove(f"d{number}", draw(DAYS), draw(st.sampled_from("ab")))
            for _ in range(draw(st.integers(0, 2)))
        ]
    return deals, moves


@settings(max_examples=60, deadline=None)
@given(histories(), DAYS)
def test_a_day_looks_the_same_whatever_came_later(
    everything: tuple[list[Deal], list[StageMove]], day: date
) -> None:
    deals, moves = everything
    until_then = [
        Deal(d.id, d.opened, d.closed, d.won, d.amount)
        if d.closed is not None and d.closed < day
        else Deal(d.id, d.opened, None, False, d.amount)
        for d in deals
        if d.opened is not None and d.opened < day
    ]
    moves_until_then = [move for move in moves if move.entered < day]
    assert facts(read_history(deals, moves).as_of(day.toordinal())) == facts(
        read_history(until_then, moves_until_then)
    )


def facts(history: DealHistory) -> tuple[object, ...]:
    return (
        history.ids,
        np.nan_to_num(history.opened, nan=-1).tolist(),
        np.nan_to_num(history.closed, nan=-1).tolist(),
        history.won.tolist(),
        np.nan_to_num(history.amount, nan=-1).tolist(),
        sorted(
            (history.ids[d], day, history.stages[s])
            for d, day, s in zip(
                history.move_deal, history.move_day, history.move_stage, strict=True
            )
        ),
    )


def test_an_amount_that_is_written_at_the_close_gives_nothing_away() -> None:
    history = read_history(
        [deal(f"w{n}", date(2026, 1, 1), date(2026, 2, 1), won=True) for n in range(12)]
        + [deal(f"l{n}", date(2026, 1, 1), date(2026, 2, 1), amount=0.0) for n in range(12)]
    )
    assert not history.amount_known_while_open
    assert np.isnan(history.as_of(date(2026, 1, 20).toordinal()).amount).all()
    assert history.as_of(date(2026, 3, 1).toordinal()).amount[:12].tolist() == [100.0] * 12
    assert history.remarks == (
        "Amounts seem to be written at the close only: open deals count at the usual amount.",
    )


def test_amounts_of_lost_deals_are_known_all_along() -> None:
    history = read_history(
        [deal(f"w{n}", date(2026, 1, 1), date(2026, 2, 1), won=True) for n in range(12)]
        + [deal(f"l{n}", date(2026, 1, 1), date(2026, 2, 1)) for n in range(12)]
    )
    assert history.amount_known_while_open
    assert history.as_of(date(2026, 1, 20).toordinal()).amount.tolist() == [100.0] * 24


@pytest.mark.parametrize(
    ("wrong", "remark"),
    [
        (deal("x", None), "Deals left out because they have no day: 1."),
        (
            deal("x", date(2026, 1, 1), won=True),
            "Deals left out because they were won on no known day: 1.",
        ),
        (deal("ok", date(2026, 1, 1)), "Deals left out because their id came before: 1."),
    ],
)
def test_a_deal_without_a_place_in_time_is_left_out(wrong: Deal, remark: str) -> None:
    history = read_history([deal("ok", date(2026, 1, 1)), wrong])
    assert history.ids == ("ok",)
    assert history.remarks == (remark,)


def test_a_deal_closed_before_it_was_opened_counts_as_opened_then() -> None:
    history = read_history([deal("x", date(2026, 2, 1), date(2026, 1, 1), won=True)])
    assert history.opened.tolist() == [date(2026, 1, 1).toordinal()]
    assert history.remarks == (
        "Deals closed before they were opened, taken as opened when they were closed: 1.",
    )


@pytest.mark.parametrize("amount", [float("inf"), float("-inf"), -1.0, float("nan"), None])
def test_an_amount_that_cannot_be_is_not_known(amount: float | None) -> None:
    history = read_history([deal("x", date(2026, 1, 1), amount=amount)])
    assert np.isnan(history.amount).all()
