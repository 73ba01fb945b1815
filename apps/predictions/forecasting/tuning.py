"""What earlier cut-offs teach: which method to show, at which level, and how wide its interval has to be.

As in split conformal prediction (Vovk et al. 2005; Romano et al. 2019 for intervals that have a width of
their own), the interval is widened or narrowed by how far outcomes lay outside or inside of it before. With
the dozen cut-offs that a company has, that is drawn to a prior as if some more had been seen.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from apps.predictions.forecasting.naive import Z90
from apps.predictions.forecasting.results import NAIVE_METHODS, Interval, Method
from apps.predictions.forecasting.windows import Window

# By how much a company's level differs from what ours says (standard deviation), how much cut-offs scatter,
# as if so many had shown it, and days from one to the next.
_LEVEL, _SCATTER, _K_SCATTER, _DAYS_APART = 0.1, 0.2, 2.0, 30.4
# Intervals are so much too narrow, as if so many cut-offs had shown it: ours a little, because not all that
# moves together is known; those of naive methods much, because they know only chance.
_WIDTH, _NAIVE_WIDTH, _K_WIDTH = 1.2, 2.0, 6.0
# All of these are chosen on generated companies, of other seeds than the bench judges.
# One outcome far outside, as of a giant deal, must not make a silly interval: so many standard deviations
# are believed, and a level of a half to twice.
_MOST_OFF, _MOST_LEVEL = 3.0, 2.0
# A naive method is shown when it was a quarter nearer, at so many cut-offs at least: with the dozen that
# there are, whose windows overlap, one of four methods is a little nearer by chance.
_MARGIN, _LEAST_TRIALS = 0.75, 6


@dataclass(frozen=True)
class Trial:
    """An earlier cut-off, whose window is over: what was said of what lay ahead, and what came."""

    cutoff: date
    window: Window
    won_so_far: float
    came: float
    said: Mapping[Method, Interval]


@dataclass(frozen=True)
class Tuning:
    """What to show, by what was learned.

    Attributes:
        level: what a method's interval is multiplied by.
        width: what its halves are multiplied by then.
    """

    method: Method
    because: str
    level: float
    width: float

    def tune(self, interval: Interval) -> Interval:
        """The interval to be shown."""
        return widened(levelled(interval, self.level), self.width)


def levelled(interval: Interval, level: float) -> Interval:
    """The interval × level."""
    return Interval(interval.p10 * level, interval.p50 * level, interval.p90 * level)


def widened(interval: Interval, width: float) -> Interval:
    """The interval, its halves × width; nothing below 0 is won."""
    low = interval.p50 - width * (interval.p50 - interval.p10)
    return Interval(
        max(low, 0.0), interval.p50, interval.p50 + width * (interval.p90 - interval.p50)
    )


def learn(trials: Sequence[Trial], sayable: Collection[Method]) -> Tuning:
    """Choose the method that did best, of those that can say something now, and tune it."""
    method, because = _choose(trials, sayable)
    return tuned(trials, method, because)


def tuned(trials: Sequence[Trial], method: Method, because: str = "") -> Tuning:
    """Tune one method."""
    return Tuning(method, because, level_of(trials, method), width_of(trials, method))


def level_of(trials: Sequence[Trial], method: Method) -> float:
    """What came ÷ what ours said, drawn to 1; naive methods are shown as they are.

    Drawn as an empirical Bayes estimate is (Efron and Morris 1975): much where the cut-offs disagree, little
    where each was off by the same.
    """
    said = _of(trials, method)
    expected = sum(interval.p50 for _, interval in said)
    if method is not Method.SIMULATION or expected <= 0:
        return 1.0
    usual = expected / len(said)
    off = sum(trial.came for trial, _ in said) / expected - 1
    off = min(max(off, 1 / _MOST_LEVEL - 1), _MOST_LEVEL - 1)
    apart = _SCATTER**2 * _K_SCATTER
    for trial, interval in said:
        far = (trial.came - interval.p50 * (1 + off)) / usual
        apart += min(abs(far), 1.0) ** 2
    # Windows that overlap count for no more than the time that they cover.
    count = max(1.0, len(said) * min(1.0, _DAYS_APART / trials[0].window.days))
    noise = apart / (len(said) - 1 + _K_SCATTER) / count
    return 1 + off * _LEVEL**2 / (_LEVEL**2 + noise)


def width_of(trials: Sequence[Trial], method: Method) -> float:
    """By how much the halves of the interval have to be wider, so that 80 % of outcomes lie inside."""
    level = level_of(trials, method)
    prior = _WIDTH if method is Method.SIMULATION else _NAIVE_WIDTH
    off = _K_WIDTH * prior**2
    said = _of(trials, method)
    for trial, interval in said:
        shown = levelled(interval, level)
        half = shown.p90 - shown.p50 if trial.came > shown.p50 else shown.p50 - shown.p10
        # In halves of the interval; of a normal outcome its square is 1 / Z90² on average.
        far = abs(trial.came - shown.p50) / half if half > 0 else 0.0
        off += min(far * Z90, _MOST_OFF) ** 2
    return math.sqrt(off / (_K_WIDTH + len(said)))


def _of(trials: Sequence[Trial], method: Method) -> list[tuple[Trial, Interval]]:
    return [(trial, trial.said[method]) for trial in trials if method in trial.said]


def _error(trials: Sequence[Trial], method: Method) -> float:
    level = level_of(trials, method)
    return sum(abs(trial.came - interval.p50 * level) for trial, interval in _of(trials, method))


def _choose(trials: Sequence[Trial], sayable: Collection[Method]) -> tuple[Method, str]:
    """Ours, unless a naive method was clearly nearer at the same cut-offs."""
    ours = Method.SIMULATION
    best, best_share, best_count = ours, _MARGIN, 0
    for method in (method for method in NAIVE_METHODS if method in sayable):
        same = [trial for trial in trials if method in trial.said]
        if len(same) < _LEAST_TRIALS:
            continue
        error = _error(same, ours)
        share = _error(same, method) / error if error > 0 else 1.0
        if share < best_share:
            best, best_share, best_count = method, share, len(same)
    if best is not ours:
        return best, (
            f"At {best_count} earlier cut-offs it was {1 - best_share:.0%} nearer to what was won than"
            f" the simulation."
        )
    if len(trials) < _LEAST_TRIALS:
        return ours, (
            f"{len(trials)} earlier cut-offs are too few to compare methods; {_LEAST_TRIALS} are needed."
        )
    return (
        ours,
        f"At {len(trials)} earlier cut-offs no naive method was clearly nearer to what was won.",
    )
