"""Time in the demo: `now` is given, nothing lies after it, and people work on weekdays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

_OPENS_AT = 8
_CLOSES_AT = 18
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """A tenant's clock, stopped at ``now``. Its moments are in the tenant's zone, in whole seconds."""

    now: datetime
    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()

    @classmethod
    def at(cls, now: datetime, time_zone: str, holidays: frozenset[date] = frozenset()) -> Calendar:
        """The calendar of a tenant with its days off; ``now`` must be aware."""
        zone = ZoneInfo(time_zone)
        return cls(now.astimezone(zone).replace(microsecond=0), zone, holidays)

    @property
    def today(self) -> date:
        """The day in the tenant's zone."""
        return self.now.date()

    def on(self, day: date, rng: Random) -> datetime:
        """A moment in the business hours of a day, or of the Monday after a weekend."""
        return self._at_work(datetime.combine(day, time(), self.zone), rng)

    def after(self, moment: datetime, days: float, rng: Random) -> datetime:
        """A business moment about ``days`` after another. It may lie after now: has not happened yet."""
        later = (moment + timedelta(days=days)).replace(microsecond=0)
        if self._works_on(later.date()) and _OPENS_AT <= later.hour < _CLOSES_AT:
            return later
        return self._at_work(later, rng)

    def ago(self, days: float, rng: Random) -> datetime:
        """A business moment about ``days`` before now, and never after now."""
        day = (self.now - timedelta(days=days)).date()
        while not self._works_on(day):
            day -= timedelta(days=1)
        moment = self.on(day, rng)
        if moment > self.now:
            return self.now - timedelta(minutes=rng.randint(5, 55))
        return moment

    def has_happened(self, moment: datetime) -> bool:
        """Whether a moment is not after now."""
        return moment <= self.now

    def _works_on(self, day: date) -> bool:
        return day.weekday() < _SATURDAY and day not in self.holidays

    def _at_work(self, moment: datetime, rng: Random) -> datetime:
        if moment.hour >= _CLOSES_AT:
            moment += timedelta(days=1)
        while not self._works_on(moment.date()):
            moment += timedelta(days=1)
        return moment.replace(
            hour=rng.randrange(_OPENS_AT, _CLOSES_AT),
            minute=rng.randrange(60),
            second=rng.randrange(60),
            microsecond=0,
        )


def workday(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= _SATURDAY else day
