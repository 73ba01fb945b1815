"""The moment for which triggers are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from apps.tenants.calendar import WorkingCalendar


@dataclass(frozen=True, slots=True)
class Figures:
    """What a trigger measured in the tenant's own records, frozen for a day."""

    version: str
    values: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class ScanMoment:
    """The moment for which a trigger is asked, and what days, working days and figures mean then.

    ``figures`` are the tenant's own by trigger key; a trigger without some takes its defaults.
    """

    now: datetime
    zone: ZoneInfo
    calendar: WorkingCalendar = field(default_factory=WorkingCalendar)
    figures: Mapping[str, Figures] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day in the tenant's zone."""
        return self.now.astimezone(self.zone).date()

    def days_ago(self, days: int) -> datetime:
        """The moment so many times 24 hours before."""
        return self.now - timedelta(days=days)

    def working_days_ago(self, days: int) -> datetime:
        """The latest moment since which so many of the tenant's working days have passed."""
        return self.calendar.moment_before(self.now, days, self.zone)
