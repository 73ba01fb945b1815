"""The methods at earlier cut-offs, each with nothing but what was known then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

import numpy as np

from apps.predictions.forecasting.deals import DealHistory
from apps.predictions.forecasting.methods import lacking, say
from apps.predictions.forecasting.results import (
    Accuracy,
    Backtest,
    CutoffResult,
    Interval,
    Method,
    MethodFigures,
)
from apps.predictions.forecasting.situations import Situation
from apps.predictions.forecasting.tuning import Trial, learn, tuned
from apps.predictions.forecasting.windows import Window, months_before

# Earlier cut-offs from which is learned: a year of months.
MOST_TRIALS = 12
# A window counts as over when the deals end within its last tenth: not every day has one.
_OVER_0_1 = 0.9

# A cut-off and those from which was learned before it.
Tested = tuple[Trial, Sequence[Trial]]


def backtest(
    history: DealHistory,
    *,
    horizon_days: int,
    cutoffs: Iterable[date],
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Backtest:
    """What would have been said at the cut-offs of so many days from each on.

    What is shown at a cut-off is chosen and tuned at cut-offs before it, whose windows were over by then.
    Cut-offs with too little history, or whose window is not over in the deals, are left out and named.
    `tell` hears how many cut-offs are done of how many.
    """
    tested: list[Tested] = []
    remarks = list(history.remarks)
    trials = Trials(history, seed)
    in_order = sorted(set(cutoffs))
    for done, cutoff in enumerate(in_order):
        tell(done, len(in_order))
        window = Window.of_days(cutoff, horizon_days)
        trial = trials.at(cutoff, window)
        if isinstance(trial, str):
            remarks.append(f"{cutoff} is left out. {trial}")
        elif not _is_over(history, window):
            remarks.append(f"{cutoff} is left out. The deals end before its window does.")
        else:
            tested.append((trial, trials.before(cutoff, window)))
    return summarise(tested, tuple(remarks))


class Trials:
    """The methods at cut-offs of a history, each asked once."""

    def __init__(self, history: DealHistory, seed: int) -> None:
        self._history = history
        self._seed = seed
        self._known: dict[tuple[date, Window], Trial | str] = {}

    def at(self, cutoff: date, window: Window) -> Trial | str:
        """What the methods said at the cut-off and what came; or what they lacked, in words."""
        key = cutoff, window
        if key not in self._known:
            situation = Situation(self._history.as_of(cutoff.toordinal()), cutoff, window)
            self._known[key] = lacking(situation) or self._ask(situation)
        return self._known[key]

    def before(self, today: date, window: Window) -> list[Trial]:
        """The same window whole months before, as far as it was over by `today`; newest first."""
        found: list[Trial] = []
        months = 0
        while len(found) < MOST_TRIALS:
            months += 1
            then = window.months_before(months)
            if then.end > today:
                continue
            trial = self.at(months_before(today, months), then)
            if isinstance(trial, str):
                break
            found.append(trial)
        return found

    def _ask(self, situation: Situation) -> Trial:
        return Trial(
            cutoff=situation.today,
            window=situation.window,
            won_so_far=situation.won_so_far,
            came=self._history.won_between(situation.first, situation.after),
            said=say(situation, self._seed).by_method,
        )


def summarise(tested: Sequence[Tested], remarks: tuple[str, ...] = ()) -> Backtest:
    """Results and figures of cut-offs, oldest first."""
    results = tuple(_result(trial, earlier) for trial, earlier in tested)
    figures = []
    for method in Method:
        said = [row for row in results if method in row.by_method]
        accuracy = _accuracy([(row.by_method[method], row.actual) for row in said])
        if accuracy is not None:
            figures.append(MethodFigures(method, accuracy))
    return Backtest(
        cutoffs=results,
        figures=tuple(figures),
        shown=_accuracy([(row.shown, row.actual) for row in results]),
        remarks=remarks,
    )


def among(trials: Iterable[Trial]) -> list[Tested]:
    """Trials oldest first, each with those among them whose windows were over at its cut-off."""
    in_order = sorted(trials, key=lambda trial: trial.cutoff)
    return [
        (trial, [other for other in in_order if other.window.end <= trial.cutoff])
        for trial in in_order
    ]


def _result(trial: Trial, earlier: Sequence[Trial]) -> CutoffResult:
    chosen = learn(earlier, trial.said)
    shown = chosen.tune(trial.said[chosen.method])
    ours = tuned(earlier, Method.SIMULATION)
    by_method = dict(trial.said)
    by_method[Method.SIMULATION] = ours.tune(by_method[Method.SIMULATION])
    return CutoffResult(
        cutoff=trial.cutoff,
        window=trial.window,
        actual=trial.won_so_far + trial.came,
        chosen=chosen.method,
        shown=on_top(shown, trial.won_so_far),
        by_method={
            method: on_top(interval, trial.won_so_far) for method, interval in by_method.items()
        },
    )


def on_top(interval: Interval, won_so_far: float) -> Interval:
    """Of the whole window: what is won already, and what lies ahead."""
    return Interval(won_so_far + interval.p10, won_so_far + interval.p50, won_so_far + interval.p90)


def _accuracy(pairs: Sequence[tuple[Interval, float]]) -> Accuracy | None:
    """Of intervals and what was won; None without any."""
    if not pairs:
        return None
    errors = [abs(actual - interval.p50) for interval, actual in pairs]
    shares = [error / actual for error, (_, actual) in zip(errors, pairs, strict=True) if actual]
    total = sum(actual for _, actual in pairs)
    inside = sum(interval.p10 <= actual <= interval.p90 for interval, actual in pairs)
    return Accuracy(
        cutoffs=len(pairs),
        mape=sum(shares) / len(shares) if shares else None,
        error_share=sum(errors) / total if total else None,
        pinball=sum(pinball_loss(interval, actual) for interval, actual in pairs) / len(pairs),
        coverage_0_1=inside / len(pairs),
    )


def pinball_loss(interval: Interval, actual: float) -> float:
    """Mean over P10, P50 and P90 (Koenker and Bassett 1978)."""
    quantiles = ((0.1, interval.p10), (0.5, interval.p50), (0.9, interval.p90))
    return sum(max(q * (actual - said), (q - 1) * (actual - said)) for q, said in quantiles) / 3


def _is_over(history: DealHistory, window: Window) -> bool:
    """Whether the deals reach to the end of the window."""
    last = max(history.opened.max(), np.nanmax(history.closed))
    return bool(last >= window.first + _OVER_0_1 * window.days)
