"""How many deals are still to be opened: level, growth and season by phase of the quarter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from apps.predictions.forecasting.deals import DealHistory, Floats, sums_by
from apps.predictions.forecasting.drift import level_of, shrunken, spread_of
from apps.predictions.forecasting.hazards import LOOK_BACK_DAYS
from apps.predictions.forecasting.seasons import PHASES, phases_of

QUARTER_DAYS = 91
# A deal opened so long ago counts half for the level.
_LEVEL_HALF_LIFE_DAYS = 60.0
# Growth from quarter to quarter is drawn to none as if so many deals more had come in both, and goes on at
# this share of its pace (damped trend: Gardner and McKenzie 1985).
_K_GROWTH, _DAMPING = 20.0, 0.25
_K_SEASON = 25.0


@dataclass(frozen=True)
class Arrivals:
    """Deals opened a day.

    Attributes:
        now: the first day that is not known.
        level: a day, of average phase, as `now` begins.
        growth: of the logarithm, a day.
        by_phase: what multiplies the level in each phase of the quarter.
        spread: variance ÷ mean² beyond that of chance (Poisson), of a block of 28 days.
    """

    now: int
    level: float
    growth: float
    by_phase: Floats
    spread: float

    @classmethod
    def of(cls, history: DealHistory, now: int) -> Arrivals:
        """Learned from the days before `now`, from the first close on: before it nothing was recorded."""
        closes = history.closed[~history.is_open]
        first = int(max(closes.min() if len(closes) else now - 1, now - LOOK_BACK_DAYS))
        counted = (history.opened >= first) & (history.opened < now)
        places = (history.opened[counted] - first).astype(np.int64)
        opened = np.bincount(places, minlength=max(now - first, 1)).astype(np.float64)
        days = first + np.arange(len(opened), dtype=np.float64)
        by_phase = _season(opened, days)
        season = by_phase[phases_of(days)]
        return cls(
            now=now,
            level=level_of(opened, season, half_life_days=_LEVEL_HALF_LIFE_DAYS, k=0.0),
            growth=_growth(opened / season),
            by_phase=by_phase,
            spread=spread_of(opened, season),
        )

    def on(self, days: Floats) -> Floats:
        """Deals expected to be opened on each of the days, from `now` on."""
        # The level is that of its weights' middle, some time ago.
        ahead = days - self.now + _LEVEL_HALF_LIFE_DAYS / math.log(2)
        return self.level * np.exp(self.growth * ahead) * self.by_phase[phases_of(days)]


def _season(opened: Floats, days: Floats) -> Floats:
    """What came in each phase ÷ what the quarter around it lets expect."""
    if len(opened) <= QUARTER_DAYS:
        return np.ones(PHASES)
    sums = np.concatenate([[0.0], np.cumsum(opened)])
    middle = np.arange(len(opened))
    begin = np.clip(middle - QUARTER_DAYS // 2, 0, len(opened) - QUARTER_DAYS)
    usual = (sums[begin + QUARTER_DAYS] - sums[begin]) / QUARTER_DAYS
    phases = phases_of(days)
    return shrunken(sums_by(phases, opened, PHASES), sums_by(phases, usual, PHASES), _K_SEASON)


def _growth(plain: Floats) -> float:
    """From the quarter before last to the last one, damped; 0 without two of them."""
    if len(plain) < 2 * QUARTER_DAYS:
        return 0.0
    last = plain[-QUARTER_DAYS:].sum() + _K_GROWTH
    before = plain[-2 * QUARTER_DAYS : -QUARTER_DAYS].sum() + _K_GROWTH
    return float(_DAMPING * math.log(last / before) / QUARTER_DAYS)
