"""The read tool of forecasts, for answers: the numbers of one stretch of time, as far as one may see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from django.db.models import Max
from pydantic import Field

from apps.brain.reading.tools import ReadArguments, ReadRefusedError, ReadTool, found
from apps.brain.schemas import Fact
from apps.crm.presentation import describe_time
from apps.predictions.enums import ForecastWindow
from apps.predictions.forecasts import STALE_AFTER, VIEW_PERMISSION
from apps.predictions.models import Forecast
from apps.tenants.templatetags.aisha_ui import money
from apps.users.models import User

# Currencies of one scope; more are told on the page.
MOST_CURRENCIES = 3
# Of people no more than the AI's role may read: their names.
_READ = (
    "currency", "made_on", "p10", "p50", "p90", "won_so_far", "team__name", "owner__username",
    "owner__first_name", "owner__last_name",
)  # fmt: skip


class ForecastArguments(ReadArguments):
    """Which stretch of time."""

    window: Annotated[
        Literal["this_month", "next_month", "quarter"],
        Field(description="quarter: the quarter that is running."),
    ]


def read_forecast_numbers(asker: User, arguments: ForecastArguments, today: date) -> Sequence[Fact]:
    """What will be won: of the company for who sees it, else of the asker's own deals, else of their team."""
    if not asker.has_perm(VIEW_PERMISSION):
        raise ReadRefusedError("not_permitted")
    rows = Forecast.objects.visible_to(asker).filter(window=arguments.window)
    if ForecastWindow(arguments.window) == ForecastWindow.NEXT_MONTH:
        rows = rows.filter(starts_on__gt=today)
    else:
        rows = rows.filter(starts_on__lte=today, ends_on__gte=today)
    newest = rows.aggregate(newest=Max("made_on"))["newest"]
    label = str(ForecastWindow(arguments.window).label)
    if newest is None:
        return [found("forecast", f"Forecast of {label.lower()}", "none has been made", value=0)]
    of_day = rows.filter(made_on=newest).select_related("team", "owner").only(*_READ)
    by_scope: dict[int, list[Forecast]] = {}
    for row in of_day.order_by("-p50", "currency"):
        by_scope.setdefault(_place(row, asker), []).append(row)
    facts = [
        found("forecast", f"Forecast of {label.lower()}, {_whose(row, asker)}", _words(row))
        for row in by_scope[min(by_scope)][:MOST_CURRENCIES]
    ]
    if today - newest > STALE_AFTER:
        facts.append(found("made_on", "The forecast was made on", describe_time(newest)))
    return facts


def _place(row: Forecast, asker: User) -> int:
    """Which scope is told before others."""
    if row.team_id is None and row.owner_id is None:
        return 0
    return 1 if row.owner_id == asker.pk else 2


def _whose(row: Forecast, asker: User) -> str:
    if row.owner_id == asker.pk:
        return "your own deals"
    return str(row.team or row.owner or "the company")


def _words(row: Forecast) -> str:
    middle, low, high, won = (
        money(round(amount), row.currency) for amount in (row.p50, row.p10, row.p90, row.won_so_far)
    )
    return f"{middle}, in eight of ten cases between {low} and {high}; won so far {won}"


FORECAST_NUMBERS = ReadTool(
    "forecast_numbers",
    "What will probably be won this month, next month or this quarter, as far as the person may see it.",
    ForecastArguments,
    read_forecast_numbers,
)
