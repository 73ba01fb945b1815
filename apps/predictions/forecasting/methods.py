"""What each method says of a window, before anything is tuned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from apps.predictions.forecasting.naive import NAIVE
from apps.predictions.forecasting.results import Interval, Method
from apps.predictions.forecasting.simulation import (
    DRAWS,
    TRIAL_DRAWS,
    Cells,
    Simulation,
    interval_of,
    simulate,
)
from apps.predictions.forecasting.situations import Situation

# Fewer outcomes carry no curve, and one window of history at least must be there to be looked back at.
LEAST_WON, LEAST_CLOSED = 10, 20
LEAST_DAYS = 60


@dataclass(frozen=True)
class Said:
    """The interval of each method that can say one, of what is still to be won of a window."""

    by_method: Mapping[Method, Interval]
    simulation: Simulation


def say(situation: Situation, seed: int, cells: Cells | None = None) -> Said:
    """Ask every method, of groups of deals where there are cells.

    The same seed, day and window give the same draws.
    """
    random = np.random.default_rng([seed, situation.now, situation.after])
    draws = TRIAL_DRAWS if cells is None else DRAWS
    simulation = simulate(situation, cells or Cells.whole(situation.history), draws, random)
    by_method = {Method.SIMULATION: interval_of(simulation.totals)}
    for method, estimate in NAIVE.items():
        estimated = estimate(situation)
        if estimated is not None:
            by_method[method] = estimated.interval()
    return Said(by_method, simulation)


def lacking(situation: Situation) -> str | None:
    """What a forecast still needs, in words; None when it needs nothing."""
    history = situation.history
    closed = ~history.is_open
    won = int(history.won.sum())
    if not len(history):
        return "There are no deals yet."
    if won < LEAST_WON or closed.sum() < LEAST_CLOSED:
        return (
            f"A forecast needs {LEAST_CLOSED} closed deals, {LEAST_WON} of them won;"
            f" there are {int(closed.sum()):,}, {won:,} of them won."
        )
    if not situation.usual_amounts.any():
        return "A forecast needs amounts: no won deal has one."
    days = situation.now - int(history.closed[closed].min())
    needed = max(LEAST_DAYS, situation.after - situation.now)
    if days < needed:
        since = date.fromordinal(int(history.closed[closed].min()))
        return (
            f"A forecast of this window needs {needed} days of closed deals;"
            f" the first was closed on {since}, {days} days ago."
        )
    return None
