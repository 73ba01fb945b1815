"""Deals of made-up companies."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from apps.predictions.forecasting.deals import Deal, DealHistory, StageMove, read_history

FIRST_DAY = date(2024, 1, 1)


def steady_deals(
    days: int = 700, a_day: int = 2, amount: float | None = 1000.0, seed: int = 0
) -> list[Deal]:
    """As many deals opened every day, won or lost with equal chance after 10 to 59 days; some open still."""
    random = np.random.default_rng(seed)
    deals = []
    for number in range(days * a_day):
        opened = FIRST_DAY + timedelta(days=number // a_day)
        closed = opened + timedelta(days=int(random.integers(10, 60)))
        would_be_won = bool(random.random() < 0.5)
        is_closed = (closed - FIRST_DAY).days < days
        deals.append(
            Deal(
                id=f"d{number}",
                opened=opened,
                closed=closed if is_closed else None,
                won=is_closed and would_be_won,
                amount=amount,
                owner=("ada", "ben", "cleo")[number % 3],
                team=("north", "north", "south")[number % 3],
            )
        )
    return deals


def steady_moves(deals: list[Deal]) -> list[StageMove]:
    """Each deal enters the first stage when it is opened, and the last one a week before a win."""
    moves = [StageMove(deal.id, deal.opened, "first") for deal in deals if deal.opened]
    moves += [
        StageMove(deal.id, deal.closed - timedelta(days=7), "last")
        for deal in deals
        if deal.won and deal.closed
    ]
    return moves


def steady_company(days: int = 700, **choices: float) -> DealHistory:
    """The steady deals as a history."""
    return read_history(steady_deals(days, **choices))  # type: ignore[arg-type]
