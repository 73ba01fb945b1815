"""How soon deals are won or lost: daily hazards by age, phase of the quarter, stage, size and owner.

A discrete-time hazard with competing outcomes (Allison 1982, "Discrete-time methods for the analysis of
event histories"; Prentice et al. 1978 for won and lost side by side): in each band of age, outcomes ÷
deal-days at risk. What says more than the age multiplies that curve by observed ÷ expected outcomes,
shrunken to 1 as under a gamma prior: (observed + k) / (expected + k) (Clayton and Kaldor 1987). With few
outcomes the company's own curve by age is all that is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from apps.predictions.forecasting.deals import Codes, DealHistory, Floats, sums_by
from apps.predictions.forecasting.drift import level_of, shrunken, spread_of
from apps.predictions.forecasting.seasons import PHASES, phases_of

# Bands of age in days, about geometric: hazards change fast when a deal is young.
AGE_EDGES = np.array(
    [0, 4, 8, 15, 22, 29, 43, 57, 71, 85, 99, 113, 141, 169, 225, 281, 366, 548, 731, 1096, 1462],
    dtype=np.float64,
)
# What is older says little of how the company sells now, and bounds memory.
LOOK_BACK_DAYS = 4 * 365
# An outcome of a year ago counts half.
_HALF_LIFE_DAYS = 365.0
# For today's level of the whole curve, one of two months ago.
_LEVEL_HALF_LIFE_DAYS = 60.0
# Outcomes that a prior counts for; chosen on generated companies, of other seeds than the bench judges.
_K_LEVEL, _K_AGE, _K_SEASON, _K_STAGE, _K_STAGE_AGE, _K_SIZE, _K_OWNER = (
    15.0,
    2.0,
    25.0,
    6.0,
    12.0,
    20.0,
    20.0,
)
# The age curve and the seasons depend on each other: each is fitted to the other this often.
_ROUNDS = 6
# Days between looks at who stood in which stage, and the bands of time since such a look.
_LOOK_EVERY_DAYS = 28
_AHEAD_EDGES = np.array([0.0, 28.0, 91.0, 10_000.0])
# Bands of the time that a deal has been in its stage.
_STAGE_AGE_EDGES = np.array([14.0, 45.0])
# Days × deals that are looked at together.
_MOST_CELLS = 500_000
# Size bands: thirds of the amounts.
_SIZE_SHARES = (1 / 3, 2 / 3)


@dataclass(frozen=True)
class Curve:
    """The daily hazard of one outcome by age, and what multiplies it by phase of the quarter.

    Attributes:
        by_age: for each day of age, the last one standing for every later one.
        by_phase: for each phase of the quarter.
        spread: variance ÷ mean² by which all of it goes up and down from month to month.
    """

    by_age: Floats
    by_phase: Floats
    spread: float

    def on(self, ages: Floats, days: Floats) -> Floats:
        """The hazards at these ages on these days of the calendar (shapes broadcast)."""
        place = np.clip(ages, 0, len(self.by_age) - 1).astype(np.int64)
        return np.asarray(self.by_age[place] * self.by_phase[phases_of(days)])

    def expected(self, from_age: Floats, to_age: Floats) -> Floats:
        """Outcomes expected of deals at risk from one age to another, of average phase."""
        sums = np.concatenate([[0.0], np.cumsum(self.by_age)])
        last = len(self.by_age)

        def until(age: Floats) -> Floats:
            inside = np.clip(age, 0, last)
            return np.asarray(sums[inside.astype(np.int64)] + (age - inside) * self.by_age[-1])

        return np.maximum(until(to_age) - until(from_age), 0.0)


@dataclass(frozen=True)
class Exposure:
    """Deal-days at risk and outcomes by band of age (rows) and day (columns), and what a day weighs."""

    first_day: int
    weight: Floats
    at_risk: Floats
    won: Floats
    lost: Floats

    @classmethod
    def of(cls, history: DealHistory, now: int) -> Exposure:
        """Counted up to the day before `now`, from the first close on: before it nothing was recorded."""
        closes = history.closed[~history.is_open]
        first = int(max(closes.min() if len(closes) else now - 1, now - LOOK_BACK_DAYS))
        days = now - first
        leaves = np.where(history.is_open, now, history.closed + 1)
        rows, columns = len(AGE_EDGES), days + 1
        starts = history.opened[None, :] + AGE_EDGES[:, None]
        ends = np.vstack([starts[1:], np.full((1, len(history)), np.inf)])
        begin = np.clip(starts, first, now) - first
        end = np.clip(np.minimum(ends, leaves[None, :]), first, now) - first
        begin = np.minimum(begin, end)
        row = np.broadcast_to(np.arange(rows)[:, None] * columns, begin.shape)
        steps = _count(row + begin, rows * columns) - _count(row + end, rows * columns)
        at_risk = np.cumsum(steps.reshape(rows, columns), axis=1)[:, :days]
        outcomes = []
        for is_won in (True, False):
            chosen = ~history.is_open & (history.won == is_won)
            chosen &= (history.closed >= first) & (history.closed < now)
            band = _band_of(history.closed[chosen] - history.opened[chosen])
            place = band * days + (history.closed[chosen] - first)
            outcomes.append(_count(place, rows * days).reshape(rows, days))
        age = np.arange(days, 0, -1, dtype=np.float64)
        weight = 0.5 ** (age / _HALF_LIFE_DAYS)
        return cls(first, weight, at_risk, outcomes[0], outcomes[1])


def _count(places: Floats, length: int) -> Floats:
    return np.bincount(places.astype(np.int64).ravel(), minlength=length).astype(np.float64)


def _band_of(ages: Floats) -> Codes:
    return np.searchsorted(AGE_EDGES, ages, side="right") - 1


def fit_curve(exposure: Exposure, outcomes: Floats) -> Curve:
    """The hazard of one outcome: its rates by age and phase, each fitted to the other, at today's level."""
    days = exposure.first_day + np.arange(outcomes.shape[1], dtype=np.float64)
    phases = phases_of(days)
    at_risk, events = (
        np.stack([(table * exposure.weight)[:, phases == p].sum(axis=1) for p in range(PHASES)], 1)
        for table in (exposure.at_risk, outcomes)
    )
    by_phase = np.ones(PHASES)
    by_band = _smooth(events.sum(axis=1), at_risk.sum(axis=1))
    for _ in range(_ROUNDS):
        by_phase = shrunken(events.sum(axis=0), by_band @ at_risk, _K_SEASON)
        by_band = _smooth(events.sum(axis=1), at_risk @ by_phase)
    observed, expected = outcomes.sum(axis=0), by_band @ exposure.at_risk * by_phase[phases]
    level = level_of(observed, expected, half_life_days=_LEVEL_HALF_LIFE_DAYS, k=_K_LEVEL)
    ages = np.arange(AGE_EDGES[-1] + 1)
    return Curve(level * by_band[_band_of(ages)], by_phase, spread_of(observed, expected))


def _smooth(events: Floats, at_risk: Floats) -> Floats:
    """Outcomes ÷ deal-days in each band of age, drawn to the band before it."""
    rates = np.empty(len(events))
    before = (events.sum() + 0.5) / (at_risk.sum() + 1.0)
    for band in range(len(events)):
        before = (events[band] + _K_AGE) / (at_risk[band] + _K_AGE / before)
        rates[band] = before
    return rates


@dataclass(frozen=True)
class Hazards:
    """What is known of a company's wins and losses, and of its open deals.

    Attributes:
        won, lost: the curves.
        won_factors, lost_factors: what multiplies them for each deal (rows) by band of days ahead.
    """

    won: Curve
    lost: Curve
    won_factors: Floats
    lost_factors: Floats

    @classmethod
    def of(cls, history: DealHistory, now: int) -> Hazards:
        """Learned from what is known as the day `now` begins."""
        exposure = Exposure.of(history, now)
        won = fit_curve(exposure, exposure.won)
        lost = fit_curve(exposure, exposure.lost)
        looks = _Looks.of(history, now, exposure.first_day)
        shape = (len(history), len(_AHEAD_EDGES) - 1)
        won_factors, lost_factors = np.ones(shape), np.ones(shape)
        if looks is not None:
            won_factors = looks.factors(won, is_won=True)
            lost_factors = looks.factors(lost, is_won=False)
        for codes, k in ((_sizes(history), _K_SIZE), (history.owner, _K_OWNER)):
            won_factors *= _group_factors(history, codes, won, exposure.first_day, now, k)[:, None]
        return cls(won, lost, won_factors, lost_factors)

    def winning(self, history: DealHistory, now: int, first: int, after: int) -> Floats:
        """P(won from day `first` up to `after`) of each deal that is open as `now` begins; 0 of others."""
        chances = np.zeros(len(history))
        is_open = np.flatnonzero(history.is_open)
        days = np.arange(now, after, dtype=np.float64)
        ahead = np.searchsorted(_AHEAD_EDGES, days - now, side="right") - 1
        # In pieces: all days for each of many thousand deals would not fit.
        for piece in np.array_split(is_open, len(is_open) * len(days) // _MOST_CELLS + 1):
            ages = days[None, :] - history.opened[piece][:, None]
            won = self.won.on(ages, days) * self.won_factors[piece][:, ahead]
            lost = self.lost.on(ages, days) * self.lost_factors[piece][:, ahead]
            chances[piece] = _incidence(won, lost)[:, max(first - now, 0) :].sum(axis=1)
        return chances

    def winning_when_opened(self, now: int, first: int, after: int) -> Floats:
        """P(won from day `first` up to `after`) of a deal opened on each day from `now` on."""
        days = np.arange(now, after, dtype=np.float64)
        ages = days[None, :] - days[:, None]
        is_there = ages >= 0
        won = self.won.on(ages, days) * is_there
        lost = self.lost.on(ages, days) * is_there
        return np.asarray(_incidence(won, lost)[:, max(first - now, 0) :].sum(axis=1))


def _incidence(won: Floats, lost: Floats) -> Floats:
    """P(won on each day) from the two daily hazards, days in columns (competing risks)."""
    both = won + lost
    survived = np.exp(-np.cumsum(both, axis=1))
    before = np.hstack([np.ones((len(both), 1)), survived[:, :-1]])
    share = np.divide(won, both, out=np.zeros_like(won), where=both > 0)
    return np.asarray((before - survived) * share)


def _sizes(history: DealHistory) -> Codes:
    """The third of the amounts that each deal's is in; one more for what has none."""
    known = ~np.isnan(history.amount)
    sizes = np.full(len(history), len(_SIZE_SHARES) + 1)
    if history.amount_known_while_open and known.any():
        edges = np.quantile(history.amount[known], _SIZE_SHARES)
        sizes[known] = np.searchsorted(edges, history.amount[known])
    return sizes


def _group_factors(
    history: DealHistory, codes: Codes, curve: Curve, first: int, now: int, k: float
) -> Floats:
    """For each deal, what the wins of its group are of those that its deals' ages let expect."""
    leaves = np.where(history.is_open, now, history.closed + 1)
    from_age = np.maximum(first - history.opened, 0)
    weight = 0.5 ** ((now - leaves) / _HALF_LIFE_DAYS)
    expected = curve.expected(from_age, leaves - history.opened) * weight
    observed = (history.won & (history.closed >= first)) * weight
    count = int(codes.max(initial=0)) + 1
    # Of the whole, too, observed and expected differ a little: seasons and weights are not in the sum.
    expected *= observed.sum() / max(expected.sum(), 1e-9)
    factors = shrunken(sums_by(codes, observed, count), sums_by(codes, expected, count), k)
    return factors[codes]


@dataclass(frozen=True)
class _Looks:
    """Who stood in which stage for how long on earlier days, and what became of it until `now`.

    A row for each open deal at each look; the last look is `now`.
    """

    history: DealHistory
    now: int
    deal: Codes
    day: Floats
    stage: Codes
    stage_age: Codes

    @classmethod
    def of(cls, history: DealHistory, now: int, first: int) -> _Looks | None:
        """None where no stage is known."""
        if not len(history.move_deal):
            return None
        rows = []
        for day in range(now, first, -_LOOK_EVERY_DAYS):
            # Of today, too, what is known so far counts.
            until = now + 1 if day == now else day
            stage, entered = stages_on(history, until)
            is_there = (stage >= 0) & (history.opened < until) & ~(history.closed < until)
            there = np.flatnonzero(is_there)
            age = np.searchsorted(_STAGE_AGE_EDGES, day - entered[there], side="right")
            rows.append((there, np.full(len(there), float(day)), stage[there], age))
        deal, days, stages, ages = (np.concatenate(column) for column in zip(*rows, strict=True))
        return cls(history, now, deal, days, stages, ages)

    def factors(self, curve: Curve, *, is_won: bool) -> Floats:
        """What multiplies the curve for each deal as it stands now, by band of days ahead."""
        opened, closed = self.history.opened[self.deal], self.history.closed[self.deal]
        leaves = np.where(np.isnan(closed), self.now, closed + 1)
        happened = ~np.isnan(closed) & (self.history.won[self.deal] == is_won)
        stages = len(self.history.stages)
        cell = self.stage * (len(_STAGE_AGE_EDGES) + 1) + self.stage_age
        cells = stages * (len(_STAGE_AGE_EDGES) + 1)
        weight = 0.5 ** ((self.now - self.day) / _HALF_LIFE_DAYS)
        is_now = self.day == self.now
        factors = np.ones((len(self.history), len(_AHEAD_EDGES) - 1))
        for band, (near, far) in enumerate(pairwise(_AHEAD_EDGES)):
            until = np.minimum(leaves, self.day + far)
            expected = curve.expected(self.day + near - opened, until - opened) * weight
            expected[until <= self.day + near] = 0.0
            inside = happened & (closed >= self.day + near) & (closed < self.day + far)
            observed = inside * weight
            expected *= observed.sum() / max(expected.sum(), 1e-9) if observed.any() else 1.0
            of_stage = shrunken(
                sums_by(self.stage, observed, stages),
                sums_by(self.stage, expected, stages),
                _K_STAGE,
            )
            expected *= of_stage[self.stage]
            of_cell = shrunken(
                sums_by(cell, observed, cells), sums_by(cell, expected, cells), _K_STAGE_AGE
            )
            both = of_stage[self.stage] * of_cell[cell]
            factors[self.deal[is_now], band] = both[is_now]
        return factors


def stages_on(history: DealHistory, day: int) -> tuple[Codes, Floats]:
    """The stage of each deal as a day began, and since when; -1 and NaN where none is known."""
    stage = np.full(len(history), -1)
    entered = np.full(len(history), np.nan)
    before = history.move_day < day
    # Later moves overwrite earlier ones: they stand in order of the day.
    stage[history.move_deal[before]] = history.move_stage[before]
    entered[history.move_deal[before]] = history.move_day[before]
    return stage, entered
