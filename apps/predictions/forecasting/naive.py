"""The naive methods that a forecast has to be better than.

Their intervals are those of the normal distribution with the mean and variance of the sum: of a Bernoulli
outcome for each open deal, p (1 - p) × value², of a Poisson number for deals like those of earlier windows,
value² each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from apps.predictions.forecasting.deals import Codes, Flags, Floats, sums_by
from apps.predictions.forecasting.hazards import stages_on
from apps.predictions.forecasting.results import Interval, Method
from apps.predictions.forecasting.situations import Situation
from apps.predictions.forecasting.windows import MONTHS_PER_QUARTER

# The 90 % point of the normal distribution.
Z90 = 1.2816
# How many earlier windows are looked back at, and days between them, to learn what is won within one.
_LOOKS, _LOOK_EVERY_DAYS = 6, 30
_LAST_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean and variance of what is still to be won."""

    mean: float
    variance: float

    def interval(self) -> Interval:
        """P10, P50 and P90."""
        half = Z90 * math.sqrt(self.variance)
        return Interval(max(self.mean - half, 0.0), self.mean, self.mean + half)


def stage_win_rate(situation: Situation) -> Estimate | None:
    """Each open deal at the rate at which closed deals that were in its stage were won, whenever."""
    history = situation.history
    stages = len(history.stages) + 1
    closed = ~history.is_open
    # Who was in which stage, each once; the last place stands for deals of which no stage is known.
    pairs = np.unique(history.move_deal * stages + history.move_stage)
    without = np.setdiff1d(np.arange(len(history)), history.move_deal)
    deal = np.concatenate([pairs // stages, without])
    stage = np.concatenate([pairs % stages, np.full(len(without), stages - 1)])
    rates = _rates(stage, closed[deal], (closed & history.won)[deal], stages)
    now_in = stages_on(history, situation.now + 1)[0] % stages
    return _of_open(situation, rates[now_in])


def stage_won_within(situation: Situation) -> Estimate | None:
    """Each open deal at the rate at which deals of its stage were won in such a window, plus the median of
    what was opened and won inside one.
    """
    history, now = situation.history, situation.now
    first, after = situation.first - now, situation.after - now
    stages = len(history.stages) + 1
    in_stage: list[Codes] = []
    was_won: list[Flags] = []
    new_business: list[float] = []
    new_variance: list[float] = []
    closes = history.closed[~history.is_open]
    for look in range(_LOOKS):
        day = now - after - look * _LOOK_EVERY_DAYS
        if not len(closes) or day < closes.min():
            break
        inside = history.won & (history.closed >= day + first) & (history.closed < day + after)
        is_new = history.opened >= day
        there = ~is_new & ~(history.closed < day)
        in_stage.append((stages_on(history, day)[0] % stages)[there])
        was_won.append(inside[there])
        new_business.append(float(history.won_value[inside & is_new].sum()))
        new_variance.append(float((history.won_value[inside & is_new] ** 2).sum()))
    if not in_stage:
        return None
    stage, won = np.concatenate(in_stage), np.concatenate(was_won)
    rates = _rates(stage, np.ones(len(stage), dtype=np.bool_), won, stages)
    of_open = _of_open(situation, rates[stages_on(history, now + 1)[0] % stages])
    return Estimate(
        of_open.mean + float(np.median(new_business)),
        of_open.variance + float(np.median(new_variance)),
    )


def last_windows(situation: Situation) -> Estimate | None:
    """The mean of what was won in the last three stretches as long as what lies ahead of the window."""
    length = situation.after - situation.first
    newest = -((situation.now - situation.after) // length)
    starts = [situation.first - length * back for back in range(newest, newest + _LAST_WINDOWS)]
    return _mean_of(situation, [(start, start + length) for start in starts])


def last_quarter(situation: Situation) -> Estimate | None:
    """What was won in the same phase of the last quarter that is past that phase."""
    months = MONTHS_PER_QUARTER
    while situation.window.months_before(months).after > situation.now:
        months += MONTHS_PER_QUARTER
    then = situation.window.months_before(months)
    elapsed = situation.first - situation.window.first
    start = min(then.first + elapsed, then.after - 1)
    return _mean_of(situation, [(start, then.after)])


NAIVE: dict[Method, Callable[[Situation], Estimate | None]] = {
    Method.STAGE_WIN_RATE: stage_win_rate,
    Method.STAGE_WON_WITHIN: stage_won_within,
    Method.LAST_WINDOWS: last_windows,
    Method.LAST_QUARTER: last_quarter,
}


def _rates(groups: Codes, counted: Flags, won: Flags, count: int) -> Floats:
    """Won ÷ counted in each group; that of all in a group with none."""
    of_all = won.sum() / max(counted.sum(), 1)
    counts = sums_by(groups, counted, count)
    wins = sums_by(groups, won, count)
    rates: Floats = np.divide(wins, counts, out=np.full(count, float(of_all)), where=counts > 0)
    return rates


def _of_open(situation: Situation, rates: Floats) -> Estimate:
    is_open = situation.history.is_open
    p, value = rates[is_open], situation.values[is_open]
    return Estimate(float((p * value).sum()), float((p * (1 - p) * value**2).sum()))


def _mean_of(situation: Situation, stretches: list[tuple[int, int]]) -> Estimate | None:
    """Of what was won in earlier stretches; None when deals were first closed after one of them began."""
    history = situation.history
    closes = history.closed[~history.is_open]
    if not len(closes) or min(start for start, _ in stretches) < closes.min():
        return None
    days, value = history.closed[history.won], history.won_value[history.won]
    inside = sum(((days >= start) & (days < after)) for start, after in stretches)
    weight = inside / len(stretches)
    return Estimate(float((weight * value).sum()), float((weight * value**2).sum()))
