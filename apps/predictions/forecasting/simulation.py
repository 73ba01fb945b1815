"""Our method: each open deal by its hazards, and business that is not in the pipeline yet, drawn many times.

An open deal is won or not (Bernoulli, P from `hazards`). Deals still to be opened come at their rate
(`arrivals`) and are won inside the window by the same hazards; their number is Poisson around a gamma-spread
rate, their amounts are drawn from those of won deals, newer ones more often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.predictions.forecasting.arrivals import Arrivals
from apps.predictions.forecasting.deals import Codes, DealHistory, Floats, sums_by
from apps.predictions.forecasting.drift import spread_ahead
from apps.predictions.forecasting.hazards import Hazards
from apps.predictions.forecasting.results import Interval
from apps.predictions.forecasting.situations import Situation

# At earlier cut-offs fewer draws do: their errors are averaged.
DRAWS, TRIAL_DRAWS = 4_000, 1_000
# Deals that are drawn one by one, those whose outcome weighs most; the sum of the others is normal enough.
_DRAWN_DEALS = 2_000
# Won amounts are drawn from so many of their quantiles: a sum of thousands is then one multinomial draw.
_QUANTILES = 100
# An amount of a year ago is drawn half as often.
_AMOUNT_HALF_LIFE_DAYS = 365.0


@dataclass(frozen=True)
class Simulation:
    """What may still be won of a window: a row for each draw.

    Attributes:
        chances: P(won within the window) of each deal of the history; 0 of closed ones.
        expected: that × value.
        open_deals, new_business: by cell (column) of owner and team.
        new_expected: of new business, by cell.
    """

    chances: Floats
    expected: Floats
    open_deals: Floats
    new_business: Floats
    new_expected: Floats

    @property
    def totals(self) -> Floats:
        """The whole of each draw."""
        return np.asarray(self.open_deals.sum(axis=1) + self.new_business.sum(axis=1))


@dataclass(frozen=True)
class Cells:
    """The finest groups of deals: pairs of owner and team. One cell when nobody asks for groups.

    Attributes:
        of_deal: the cell of each deal.
        owner, team: of each cell, places in the history's owners and teams.
    """

    of_deal: Codes
    owner: Codes
    team: Codes

    @classmethod
    def of(cls, history: DealHistory) -> Cells:
        """Every pair that has a deal."""
        pairs = np.stack([history.owner, history.team], axis=1)
        cells, of_deal = np.unique(pairs, axis=0, return_inverse=True)
        return cls(of_deal.ravel(), cells[:, 0], cells[:, 1])

    @classmethod
    def whole(cls, history: DealHistory) -> Cells:
        """All deals in one."""
        one = np.zeros(1, dtype=np.int64)
        return cls(np.zeros(len(history), dtype=np.int64), one, one)

    def __len__(self) -> int:
        return len(self.owner)


def simulate(
    situation: Situation, cells: Cells, draws: int, random: np.random.Generator
) -> Simulation:
    """Draw what may still be won, so many times."""
    history, now = situation.history, situation.now
    hazards = Hazards.of(history, now)
    chances = hazards.winning(history, now, situation.first, situation.after)
    amounts = _Amounts.of(situation)
    expected = chances * np.where(np.isnan(history.amount), amounts.mean, history.amount)
    days = np.arange(now, situation.after, dtype=np.float64)
    arrivals = Arrivals.of(history, now)
    won_when_opened = hazards.winning_when_opened(now, situation.first, situation.after)
    count = float((arrivals.on(days) * won_when_opened).sum())
    shares = _shares_of_new(situation, cells)
    ahead = situation.after - now
    likelier = _spread(spread_ahead(hazards.won.spread, ahead), draws, random)
    more = _spread(spread_ahead(arrivals.spread, ahead), draws, random)
    return Simulation(
        chances=chances,
        expected=expected,
        open_deals=_draw_open(history, chances, likelier, amounts, cells, random),
        new_business=_draw_new(count * likelier * more, shares, amounts, random),
        new_expected=count * amounts.mean * shares,
    )


def interval_of(draws: Floats) -> Interval:
    """P10, P50 and P90 of what is drawn."""
    return Interval(*(float(value) for value in np.quantile(draws, (0.1, 0.5, 0.9))))


@dataclass(frozen=True)
class _Amounts:
    """Won amounts as quantiles with the probability of each."""

    values: Floats
    shares: Floats

    @classmethod
    def of(cls, situation: Situation) -> _Amounts:
        history = situation.history
        amounts = situation.usual_amounts
        if not len(amounts):
            return cls(np.zeros(1), np.ones(1))
        age = situation.now - history.closed[history.won]
        weight = 0.5 ** (age / _AMOUNT_HALF_LIFE_DAYS)
        order = np.argsort(amounts, kind="stable")
        amounts, weight = amounts[order], weight[order]
        # The largest stand for themselves: a giant is drawn as rarely as it came.
        reach = np.cumsum(weight) - weight / 2
        place = np.minimum((reach / weight.sum() * _QUANTILES).astype(np.int64), _QUANTILES - 1)
        shares = sums_by(place, weight, _QUANTILES)
        values = sums_by(place, weight * amounts, _QUANTILES)
        used = shares > 0
        return cls(values[used] / shares[used], shares[used] / weight.sum())

    @property
    def mean(self) -> float:
        return float(self.values @ self.shares)

    @property
    def variance(self) -> float:
        return float(((self.values - self.mean) ** 2) @ self.shares)

    def sums(self, counts: NDArray[np.float32] | Codes, random: np.random.Generator) -> Floats:
        """The sum of so many amounts, for each draw and cell.

        The amounts are drawn for all cells together and shared out by number.
        """
        of_all = counts.sum(axis=1)
        shares = self.shares / self.shares.sum()
        totals = random.multinomial(of_all.astype(np.int64), shares) @ self.values
        return np.asarray(counts * (totals / np.maximum(of_all, 1))[:, None])


def _draw_open(
    history: DealHistory,
    chances: Floats,
    likelier: Floats,
    amounts: _Amounts,
    cells: Cells,
    random: np.random.Generator,
) -> Floats:
    """What open deals bring, by draw and cell."""
    is_known = ~np.isnan(history.amount)
    value = np.where(is_known, history.amount, amounts.mean)
    variance = chances * (1 - chances) * value**2
    variance += np.where(is_known, 0.0, chances * amounts.variance)
    by_weight = np.argsort(-variance, kind="stable")[: np.count_nonzero(chances)]
    drawn, rest = by_weight[:_DRAWN_DEALS], by_weight[_DRAWN_DEALS:]
    is_won = random.random((len(likelier), len(drawn)), dtype=np.float32) < np.outer(
        likelier, chances[drawn]
    )
    known, unknown = is_known[drawn], ~is_known[drawn]
    won = is_won.astype(np.float32)
    draws = (won[:, known] @ _to_cells(cells, drawn[known], value)).astype(np.float64)
    if unknown.any():
        counts = won[:, unknown] @ _to_cells(cells, drawn[unknown], np.ones(len(history)))
        draws += amounts.sums(counts, random)
    if len(rest):
        mean, spread = (
            sums_by(cells.of_deal[rest], of_deal[rest], len(cells))
            for of_deal in (chances * value, variance)
        )
        draws += np.maximum(random.normal(mean * likelier[:, None], np.sqrt(spread)), 0.0)
    return draws


def _to_cells(cells: Cells, deals: Codes, value: Floats) -> NDArray[np.float32]:
    """A matrix that takes deals (rows) to the values of their cells (columns)."""
    matrix = np.zeros((len(deals), len(cells)), dtype=np.float32)
    matrix[np.arange(len(deals)), cells.of_deal[deals]] = value[deals]
    return matrix


def _draw_new(
    rate: Floats, shares: Floats, amounts: _Amounts, random: np.random.Generator
) -> Floats:
    """What deals still to be opened bring, by draw and cell; `rate` is the mean number of each draw."""
    return amounts.sums(random.multinomial(random.poisson(rate), shares), random)


def _spread(variance: float, draws: int, random: np.random.Generator) -> Floats:
    """A factor for each draw: 1 on average, gamma."""
    return random.gamma(1 / variance, variance, draws) if variance > 0 else np.ones(draws)


def _shares_of_new(situation: Situation, cells: Cells) -> Floats:
    """The share of each cell in what is won, newer deals weighing more."""
    history = situation.history
    weight = 0.5 ** ((situation.now - history.closed[history.won]) / _AMOUNT_HALF_LIFE_DAYS)
    shares = sums_by(cells.of_deal[history.won], weight, len(cells))
    return shares / shares.sum() if shares.sum() > 0 else np.full(len(cells), 1 / len(cells))
