"""Reading sales targets: those of some days, and the list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from apps.predictions.forecasts import ForecastScope
from apps.predictions.models import Forecast, SalesTarget
from apps.predictions.targets.periods import MONTH, QUARTER, Period
from apps.users.models import User

VIEW_PERMISSION = "predictions.view_salestarget"
_LONGEST_MONTH_DAYS = 31


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target in the list, with the newest forecast of its days where there is one."""

    target: SalesTarget
    forecast: Forecast | None

    @property
    def period(self) -> Period:
        """Its month or quarter."""
        return Period(self.target.starts_on, self.target.months)

    @property
    def gap(self) -> Decimal | None:
        """How far the forecast's middle number stays below it; negative above it."""
        return None if self.forecast is None else self.target.amount - self.forecast.p50


def read_targets(scope: ForecastScope, starts_on: date, ends_on: date) -> Mapping[str, Decimal]:
    """The targets of a month or quarter by currency, in one query.

    A quarter without a target of its own has the sum of its three months', where each has one.
    """
    rows = SalesTarget.objects.filter(scope.is_of, starts_on__range=(starts_on, ends_on))
    own: dict[str, Decimal] = {}
    by_month: defaultdict[str, list[Decimal]] = defaultdict(list)
    months = QUARTER if (ends_on - starts_on).days >= _LONGEST_MONTH_DAYS else MONTH
    for row in rows:
        if row.months == months and row.starts_on == starts_on:
            own[row.currency] = row.amount
        elif row.months == MONTH:
            by_month[row.currency].append(row.amount)
    summed = {
        currency: sum(amounts, Decimal(0))
        for currency, amounts in by_month.items()
        if len(amounts) == months
    }
    return {**summed, **own}


def with_forecasts(targets: Iterable[SalesTarget], user: User) -> list[TargetRow]:
    """Give each target the newest forecast of its days, in one query."""
    rows = list(targets)
    firsts = {row.starts_on for row in rows}
    newest = (
        Forecast.objects.visible_to(user)
        .filter(starts_on__in=firsts)
        .defer("figures")
        .order_by("team_id", "owner_id", "currency", "starts_on", "ends_on", "-made_on")
        .distinct("team_id", "owner_id", "currency", "starts_on", "ends_on")
    )
    by_days = {_days_of(row, row.ends_on): row for row in newest}
    return [
        TargetRow(row, by_days.get(_days_of(row, Period(row.starts_on, row.months).ends_on)))
        for row in rows
    ]


def _days_of(row: Forecast | SalesTarget, ends_on: date) -> tuple[object, ...]:
    return row.team_id, row.owner_id, row.currency, row.starts_on, ends_on
