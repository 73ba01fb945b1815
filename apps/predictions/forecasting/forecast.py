"""The forecast of a window: tuned at earlier cut-offs, with parts, deals, teams and owners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from apps.predictions.forecasting.backtest import Trials, among, on_top, summarise
from apps.predictions.forecasting.deals import Codes, DealHistory, Floats, sums_by
from apps.predictions.forecasting.methods import Said, lacking, say
from apps.predictions.forecasting.results import (
    Backtest,
    Contribution,
    Forecast,
    GroupForecast,
    Interval,
    Method,
    Part,
    PartForecast,
    TooLittleHistory,
)
from apps.predictions.forecasting.simulation import Cells, interval_of
from apps.predictions.forecasting.situations import Situation
from apps.predictions.forecasting.tuning import Tuning, learn, levelled, widened
from apps.predictions.forecasting.windows import Window


def forecast(
    history: DealHistory, *, today: date, window: Window, seed: int = 0
) -> Forecast | TooLittleHistory:
    """What is won in the window, as known today.

    What the window brought so far, today included, is certain; the rest lies ahead, today included. Nothing
    of the history that lies later than today is used.

    Raises:
        ValueError: the window is over.
    """
    if window.end <= today:
        raise ValueError(f"The window until {window.end} is over on {today}.")
    known = known_today(history, today)
    situation = Situation(known, today, window)
    needs = lacking(situation)
    if needs is not None:
        return TooLittleHistory(needs, known.remarks)
    trials = Trials(known, seed).before(today, window)
    cells = Cells.of(known)
    said = say(situation, seed, cells)
    tuning = learn(trials, said.by_method)
    return _Telling(situation, said, cells, tuning).tell(summarise(among(trials)))


def known_today(history: DealHistory, today: date) -> DealHistory:
    """What is known in the course of the day: amounts of deals that are open now are as they stand."""
    tomorrow = today.toordinal() + 1
    known = history.as_of(tomorrow)
    there = history.opened < tomorrow
    is_open_still = history.is_open[there]
    amount = np.where(is_open_still, history.amount[there], known.amount)
    later = len(history) - len(known) + int((known.is_open & ~is_open_still).sum())
    remarks = known.remarks
    if later:
        remarks += (f"Deals opened or closed after {today}, which is not known yet: {later:,}.",)
    return replace(known, amount=amount, remarks=remarks)


@dataclass(frozen=True)
class _Telling:
    """What was said of a situation, told by the method and at the level and width that were learned."""

    situation: Situation
    said: Said
    cells: Cells
    tuning: Tuning

    @property
    def shown(self) -> tuple[Interval, float]:
        """The interval of what lies ahead as it is shown, and the mean."""
        said = self.said.by_method[self.tuning.method]
        if self.tuning.method is Method.SIMULATION:
            return self.tuning.tune(said), self.simulated * self.tuning.level
        # Of a naive method, the middle is the mean.
        return self.tuning.tune(said), said.p50

    @property
    def simulated(self) -> float:
        """The mean of what was drawn ahead."""
        simulation = self.said.simulation
        return float(simulation.expected.sum() + simulation.new_expected.sum())

    @property
    def share(self) -> float:
        """What the draws are multiplied by, so that their mean is that which is shown."""
        return self.shown[1] / self.simulated if self.simulated > 0 else 1.0

    def tell(self, backtest: Backtest) -> Forecast:
        """All of it."""
        situation, history = self.situation, self.situation.history
        interval, ahead = self.shown
        return Forecast(
            today=situation.today,
            window=situation.window,
            interval=_rounded(on_top(interval, situation.won_so_far)),
            expected=round(situation.won_so_far + ahead, 2),
            won_so_far=round(situation.won_so_far, 2),
            method=self.tuning.method,
            chosen_because=self.tuning.because,
            parts=self._parts(),
            contributions=self._contributions(),
            teams=self._groups(history.teams, history.team, self.cells.team),
            owners=self._groups(history.owners, history.owner, self.cells.owner),
            backtest=backtest,
            remarks=history.remarks,
        )

    def _parts(self) -> tuple[PartForecast, ...]:
        simulation, certain = self.said.simulation, round(self.situation.won_so_far, 2)
        return (
            PartForecast(Part.WON_SO_FAR, certain, Interval(certain, certain, certain)),
            self._part(Part.OPEN_DEALS, float(simulation.expected.sum()), simulation.open_deals),
            self._part(
                Part.NEW_BUSINESS, float(simulation.new_expected.sum()), simulation.new_business
            ),
        )

    def _part(self, part: Part, expected: float, draws: Floats) -> PartForecast:
        return PartForecast(part, round(expected * self.share, 2), self._of(draws.sum(axis=1)))

    def _of(self, draws: Floats, won_so_far: float = 0.0) -> Interval:
        """The interval of some of the draws, at the level and width of the whole."""
        drawn = widened(levelled(interval_of(draws), self.share), self.tuning.width)
        return _rounded(on_top(drawn, won_so_far))

    def _contributions(self) -> tuple[Contribution, ...]:
        history, simulation = self.situation.history, self.said.simulation
        is_open = np.flatnonzero(history.is_open)
        largest_first = is_open[np.argsort(-simulation.expected[is_open], kind="stable")]
        return tuple(
            Contribution(
                history.ids[deal],
                round(float(simulation.chances[deal]), 4),
                round(float(simulation.expected[deal]), 2),
            )
            for deal in largest_first
        )

    def _groups(
        self, names: tuple[str, ...], of_deal: Codes, of_cell: Codes
    ) -> tuple[GroupForecast, ...]:
        """Every team or owner that has a deal, by what is expected of it."""
        situation, simulation = self.situation, self.said.simulation
        history, count = situation.history, len(names)
        inside = history.won & (history.closed >= situation.window.first)
        inside &= history.closed < situation.after
        won = sums_by(of_deal, history.won_value * inside, count)
        ahead = sums_by(of_deal, simulation.expected, count)
        ahead += sums_by(of_cell, simulation.new_expected, count)
        draws = simulation.open_deals + simulation.new_business
        groups = [
            GroupForecast(
                name=names[group],
                won_so_far=round(float(won[group]), 2),
                expected=round(float(won[group] + ahead[group] * self.share), 2),
                interval=self._of(draws[:, of_cell == group].sum(axis=1), float(won[group])),
            )
            for group in np.unique(of_cell)
        ]
        return tuple(sorted(groups, key=lambda group: -group.expected))


def _rounded(interval: Interval) -> Interval:
    return Interval(round(interval.p10, 2), round(interval.p50, 2), round(interval.p90, 2))
