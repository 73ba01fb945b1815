"""How many deals are still to be opened: level, growth and season by phase of the quarter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from apps.predictions.forecasting.deals import DealHistory, Floats, sums_by
from apps.predictions.forecasting.hazards import LOOK_BACK_DAYS, shrunken
from apps.predictions.forecasting.seasons import PHASES, phases_of

QUARTER_DAYS = 91
# A deal opened so long ago counts half for the level.
_LEVEL_HALF_LIFE_DAYS = 60.0
# Growth from quarter to quarter is drawn to none as if so many deals more had come in both, and goes on at
# this share of its pace (damped trend: Gardner and McKenzie 1985).
_K_GROWTH, _DAMPING = 20.0, 0.5
_K_SEASON = 25.0
# Blocks in which the ups and downs beyond chance are measured, and the most that is believed of them.
_BLOCK_DAYS = 28
_MOST_SPREAD = 1.0


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
        plain = opened / by_phase[phases_of(days)]
        weight = 0.5 ** ((now - days) / _LEVEL_HALF_LIFE_DAYS)
        return cls(
            now=now,
            level=float((plain * weight).sum() / weight.sum()),
            growth=_growth(plain),
            by_phase=by_phase,
            spread=_spread(plain),
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


def _spread(plain: Floats) -> float:
    """How far blocks lie from the mean of the three before, beyond what chance would do."""
    blocks = len(plain) // _BLOCK_DAYS
    if blocks < 4:
        return 0.1
    counts = plain[len(plain) - blocks * _BLOCK_DAYS :].reshape(blocks, _BLOCK_DAYS).sum(axis=1)
    usual = (counts[:-3] + counts[1:-2] + counts[2:-1]) / 3
    by_chance = usual * 4 / 3
    beyond = ((counts[3:] - usual) ** 2 - by_chance).sum()
    return float(np.clip(beyond / max((usual**2).sum(), 1.0), 0.0, _MOST_SPREAD))
