"""Won day by day, and from the day of a forecast on its range to the end of the stretch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum

from apps.crm.enums import DealOutcome
from apps.crm.models import Opportunity
from apps.predictions.forecasts import PublishedForecast
from apps.predictions.schemas import FanPoint


@dataclass(frozen=True, slots=True)
class Fan:
    """A point for each day; ``is_foretold`` tells whether each was, or only the last one."""

    points: tuple[FanPoint, ...]
    is_foretold: bool


def read_fan(forecast: PublishedForecast) -> Fan:
    """The fan of a forecast, in one query where it was published without.

    Day by day only the company's is foretold. A team's or a person's begins with what was won by their deals
    and leads straight to the three numbers.
    """
    if forecast.figures.fan:
        return Fan(forecast.figures.fan, is_foretold=True)
    return Fan((*_won_by_day(forecast), *_ahead(forecast)), is_foretold=False)


def _won_by_day(forecast: PublishedForecast) -> Iterator[FanPoint]:
    row = forecast.row
    last = min(row.made_on, row.ends_on)
    won = Opportunity.objects.filter(
        forecast.scope.is_of_deals,
        outcome=DealOutcome.WON,
        currency=row.currency,
        closed_on__range=(row.starts_on, last),
    )
    by_day = dict(won.order_by().values_list("closed_on").annotate(Sum("amount")))
    so_far, day = 0.0, row.starts_on
    while day <= last:
        so_far += float(by_day.get(day) or 0)
        # The forecast's own number is the one that the rest begins with.
        value = float(row.won_so_far) if day == last else so_far
        yield FanPoint(day=day, p10=value, p50=value, p90=value)
        day += timedelta(days=1)


def _ahead(forecast: PublishedForecast) -> Iterator[FanPoint]:
    row = forecast.row
    since = max(row.made_on, row.starts_on - timedelta(days=1))
    days, begin = (row.ends_on - since).days, float(row.won_so_far)
    for day in range(1, days + 1):
        low, middle, high = (
            begin + (float(end) - begin) * day / days for end in (row.p10, row.p50, row.p90)
        )
        yield FanPoint(day=since + timedelta(days=day), p10=low, p50=middle, p90=high)
