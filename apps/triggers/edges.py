"""Moments at which time alone may turn a trigger true or false."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q

from apps.triggers.moments import ScanMoment
from apps.triggers.watches import Watch

Threshold = Callable[[ScanMoment], datetime | date]


@dataclass(frozen=True, slots=True)
class Edge:
    """A column whose value the clock passes.

    A trigger that asks for ``last_activity_at <= now - 14 days`` has an edge at that column with the
    threshold ``now - 14 days``: between two looks, the truth changes for the rows between both thresholds
    and for no others. ``record`` leads from the row to the trigger's record ("pk", "contact_id"), or to where
    ``through`` sets out from, when only a watch knows the way; ``only`` keeps other rows out and should fit
    an index.
    """

    model: type[models.Model]
    column: str
    threshold: Threshold
    record: str = "pk"
    only: Q = field(default_factory=Q)
    through: Watch | None = None

    def rows_between(self, low: datetime | date, high: datetime | date) -> models.QuerySet[Any]:
        """``record`` of the rows between two thresholds, both ends included.

        A row too many costs a look, one too few a signal.
        """
        rows: models.QuerySet[Any] = self.model._default_manager.order_by().filter(
            self.only, **{f"{self.column}__gte": low, f"{self.column}__lte": high}
        )
        if self.record != "pk":
            rows = rows.exclude(**{self.record: None})
        return rows.values_list(self.record, flat=True)


def now(moment: ScanMoment) -> datetime:
    """What was dated ahead takes place."""
    return moment.now


def days_ago(days: int) -> Threshold:
    """So many times 24 hours have passed since."""
    return lambda moment: moment.days_ago(days)


def working_days_ago(days: int) -> Threshold:
    """So many working days have passed since."""
    return lambda moment: moment.working_days_ago(days)


def day_offset(days: int) -> Threshold:
    """A day of the tenant's zone, so many days after today; negative before."""
    return lambda moment: moment.today + timedelta(days=days)
