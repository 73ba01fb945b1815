"""Sales targets: what the company, a team or a person means to win."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from apps.predictions.forecasts import ForecastScope
from apps.predictions.models import SalesTarget

MONTH, QUARTER = 1, 3


def read_targets(scope: ForecastScope, starts_on: date, ends_on: date) -> Mapping[str, Decimal]:
    """The targets of a month or quarter by currency, in one query.

    A quarter without a target of its own has the sum of its three months', where each has one.
    """
    rows = SalesTarget.objects.filter(scope.is_of, starts_on__range=(starts_on, ends_on))
    own: dict[str, Decimal] = {}
    by_month: defaultdict[str, list[Decimal]] = defaultdict(list)
    months = QUARTER if (ends_on - starts_on).days > 31 else MONTH
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
