"""Generated companies that differ in what makes forecasts hard, each by its own seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from apps.predictions.forecasting.deals import Deal, DealHistory, Floats, StageMove, read_history
from apps.predictions.forecasting.seasons import phases_of

FIRST_DAY = date(2022, 1, 1).toordinal()
_DAYS_PER_MONTH = 30.4
_STAGES = ("prospect", "offer", "talks", "contract")
# Quarters end with a rush: what multiplies the rate of wins by half month, at full strength.
_RUSH = np.array([-0.5, -0.3, -0.1, 0.0, 0.2, 0.7])


@dataclass(frozen=True)
class Company:
    """How a company sells.

    Attributes:
        days: from the first deal to the end of what is recorded.
        a_month: deals opened a month at first.
        growth: of the logarithm of that, a year.
        rush: the strength of the quarter's phases, 0 to 1; some of it in what is opened, too.
        summer: by how much less is opened in July and August.
        drift: standard deviation of the logarithm of arrivals and win rate, from month to month.
        cycle_days, cycle_spread: median of days from opening to a win, and spread of its logarithm.
        win_rate: of deals that are closed.
        never_closed: share of deals that nobody closes.
        amount_spread: of the logarithm.
        size_matters: by how much less likely a win is with each spread that a deal is larger (log odds).
        amounts_at_close: amounts are written when deals are won.
        has_stages: changes of stage are recorded.
    """

    days: int
    a_month: float
    growth: float
    rush: float
    summer: float
    drift: float
    cycle_days: float
    cycle_spread: float
    win_rate: float
    never_closed: float
    amount_spread: float
    size_matters: float
    amounts_at_close: bool
    has_stages: bool


def company_of(seed: int) -> Company:
    """One of the companies that there could be."""
    random = np.random.default_rng([seed, 1])
    return Company(
        days=int(random.integers(900, 1460)),
        a_month=float(np.exp(random.uniform(np.log(12), np.log(250)))),
        growth=float(random.normal(0.15, 0.25)),
        rush=float(random.choice([0.0, random.uniform(0.2, 1.0)])),
        summer=float(random.choice([0.0, random.uniform(0.1, 0.4)])),
        drift=float(random.uniform(0.0, 0.12)),
        cycle_days=float(np.exp(random.uniform(np.log(12), np.log(140)))),
        cycle_spread=float(random.uniform(0.4, 1.0)),
        win_rate=float(random.uniform(0.15, 0.6)),
        never_closed=float(random.choice([0.0, random.uniform(0.0, 0.2)])),
        amount_spread=float(random.uniform(0.3, 1.3)),
        size_matters=float(random.uniform(0.0, 0.6)),
        amounts_at_close=bool(random.random() < 0.25),
        has_stages=bool(random.random() < 0.6),
    )


def end_of(seed: int) -> date:
    """The day after the last that is recorded of the company of that seed."""
    return date.fromordinal(FIRST_DAY + company_of(seed).days)


def history_of(seed: int) -> DealHistory:
    """All deals of the company of that seed."""
    company = company_of(seed)
    random = np.random.default_rng([seed, 2])
    opened = _openings(company, random)
    size = random.normal(0.0, 1.0, len(opened))
    amount = np.round(5_000 * np.exp(company.amount_spread * size), 2)
    month = ((opened - FIRST_DAY) / _DAYS_PER_MONTH).astype(int)
    odds = np.log(company.win_rate / (1 - company.win_rate)) - company.size_matters * size
    odds += _walk(company, random)[month]
    would_win = random.random(len(opened)) < 1 / (1 + np.exp(-odds))
    # Losses are noticed sooner than wins are made.
    median = np.where(would_win, company.cycle_days, 0.7 * company.cycle_days)
    took = np.maximum(median * np.exp(company.cycle_spread * random.normal(size=len(opened))), 1)
    closed = _rushed(company, np.floor(opened + took), would_win, random)
    closed[random.random(len(opened)) < company.never_closed] = np.inf
    end = FIRST_DAY + company.days
    deals, moves = [], []
    for number in range(len(opened)):
        is_closed = bool(closed[number] < end)
        won = is_closed and bool(would_win[number])
        deals.append(
            Deal(
                id=str(number),
                opened=date.fromordinal(int(opened[number])),
                closed=date.fromordinal(int(closed[number])) if is_closed else None,
                won=won,
                amount=None if company.amounts_at_close and not won else float(amount[number]),
                owner=f"owner {number % 5}",
                team=f"team {number % 5 % 2}",
            )
        )
        if company.has_stages:
            reached = 4 if would_win[number] else int(random.integers(1, 5))
            finish = (
                closed[number] if np.isfinite(closed[number]) else opened[number] + took[number]
            )
            steps = np.sort(random.random(reached - 1)) * (finish - opened[number])
            days = [opened[number], *np.floor(opened[number] + steps)]
            moves += [
                StageMove(str(number), date.fromordinal(int(day)), stage)
                for day, stage in zip(days, _STAGES, strict=False)
                if day < end
            ]
    return read_history(deals, moves)


def _walk(company: Company, random: np.random.Generator) -> Floats:
    """What drifts from month to month, as a logarithm."""
    months = int(company.days / _DAYS_PER_MONTH) + 2
    return np.cumsum(random.normal(0.0, company.drift, months))


def _openings(company: Company, random: np.random.Generator) -> Floats:
    """The day of each opening, in order."""
    days = FIRST_DAY + np.arange(company.days, dtype=np.float64)
    since = np.arange(company.days)
    level = (
        company.growth * since / 365 + _walk(company, random)[(since / _DAYS_PER_MONTH).astype(int)]
    )
    months = np.array([date.fromordinal(int(day)).month for day in days])
    season = 1 + 0.4 * company.rush * _RUSH[phases_of(days)]
    season = season * np.where(np.isin(months, (7, 8)), 1 - company.summer, 1.0)
    rate = company.a_month / _DAYS_PER_MONTH * np.exp(level) * season
    return np.repeat(days, random.poisson(rate))


def _rushed(
    company: Company, closed: Floats, would_win: np.ndarray, random: np.random.Generator
) -> Floats:
    """Closes held back from the first half of a quarter to later days of it, as strong as the rush is."""
    strength = 1 + company.rush * _RUSH
    kept = strength / strength.max()
    days = closed.copy()
    waits = would_win.copy()
    # Each fortnight a win waits with the chance that the phase of the quarter calls for.
    for _ in range(6):
        waits &= random.random(len(days)) > kept[phases_of(days)]
        days[waits] += random.integers(5, 20, int(waits.sum()))
    return days
