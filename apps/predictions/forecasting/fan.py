"""How won value grows through a window: known up to today, and the interval of each week to the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from apps.predictions.forecasting.backtest import on_top
from apps.predictions.forecasting.deals import DealHistory
from apps.predictions.forecasting.forecast import known_today
from apps.predictions.forecasting.methods import say
from apps.predictions.forecasting.results import Forecast, Interval, Method
from apps.predictions.forecasting.situations import Situation
from apps.predictions.forecasting.windows import Window

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FanDay:
    """What has been won of the window when a day is over."""

    day: date
    interval: Interval


def fan(history: DealHistory, told: Forecast, *, seed: int = 0) -> tuple[FanDay, ...]:
    """The days up to today as they were, then the end of each week, the last one as it was told.

    Weeks are drawn as the whole is; each quantile is then put to scale so that the last week is the forecast
    that is shown, whichever method that is.
    """
    known = known_today(history, told.today)
    past = _past(known, told)
    ahead = [(day, _drawn(known, told, day, seed)) for day in _week_ends(told)]
    won_so_far = told.won_so_far
    scales = _scales(ahead[-1][1], told.interval, won_so_far)
    told_days = [FanDay(day, on_top(_scaled(drawn, scales), won_so_far)) for day, drawn in ahead]
    return (*past, *told_days[:-1], FanDay(told_days[-1].day, told.interval))


def _past(known: DealHistory, told: Forecast) -> list[FanDay]:
    first = told.window.start
    last = min(told.today, told.window.end - timedelta(days=1))
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    found = []
    for day in days:
        won = round(known.won_between(told.window.first, day.toordinal() + 1), 2)
        found.append(FanDay(day, Interval(won, won, won)))
    return found


def _week_ends(told: Forecast) -> list[date]:
    """The last days of the weeks from today on, and that of the window."""
    last = told.window.end - timedelta(days=1)
    day = max(told.today, told.window.start) + _WEEK
    found = []
    while day < last:
        found.append(day)
        day += _WEEK
    return [*found, last]


def _drawn(known: DealHistory, told: Forecast, day: date, seed: int) -> Interval:
    """The interval of what is still to be won until a day is over."""
    window = Window(told.window.start, day + timedelta(days=1))
    return say(Situation(known, told.today, window), seed).by_method[Method.SIMULATION]


def _scales(drawn: Interval, shown: Interval, won_so_far: float) -> tuple[float, float, float]:
    pairs = zip(_numbers(drawn), _numbers(shown), strict=True)
    low, middle, high = ((to_be - won_so_far) / was if was > 0 else 1.0 for was, to_be in pairs)
    return low, middle, high


def _scaled(drawn: Interval, scales: tuple[float, float, float]) -> Interval:
    numbers = (number * scale for number, scale in zip(_numbers(drawn), scales, strict=True))
    low, middle, high = sorted(numbers)
    return Interval(low, middle, high)


def _numbers(interval: Interval) -> tuple[float, float, float]:
    return interval.p10, interval.p50, interval.p90
