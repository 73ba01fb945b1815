"""A tenant's working days: which days of the week it works, and its holidays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})

# A company that closes for longer than this has no working days left to count back to.
LONGEST_CLOSURE_DAYS = 366


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The days on which a company works. ``weekdays`` are ISO numbers, Monday is 1."""

    weekdays: frozenset[int] = MONDAY_TO_FRIDAY
    holidays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, weekdays: str, holidays: Iterable[date]) -> Self:
        """Read the weekdays from their digits ("12345")."""
        return cls(frozenset(int(digit) for digit in weekdays), frozenset(holidays))

    def is_working_day(self, day: date) -> bool:
        """Whether the company works on this day."""
        return day.isoweekday() in self.weekdays and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """The first working day after ``day``; the day after it when none comes within a year."""
        following = day + DAY
        for _ in range(LONGEST_CLOSURE_DAYS):
            if self.is_working_day(following):
                return following
            following += DAY
        return day + DAY

    def days_before(self, day: date, working_days: int) -> date:
        """The working day that lies so many working days before ``day``."""
        earlier, left = day, working_days
        for _ in range(LONGEST_CLOSURE_DAYS + 7 * working_days):
            if not left:
                break
            earlier -= DAY
            left -= self.is_working_day(earlier)
        return earlier

    def moment_before(self, moment: datetime, working_days: int, zone: ZoneInfo) -> datetime:
        """The latest moment since which so many working days of 24 hours have passed.

        The clock stands still on days off: what happened on a Saturday is as old on Monday morning as what
        happened late on Friday. Wall-clock time of the zone is counted, so that a day on which the clocks
        change is a day like any other.
        """
        if not working_days:
            return moment
        local = moment.astimezone(zone)
        day, left = local.date(), timedelta(days=working_days)
        into_day = timedelta(
            hours=local.hour, minutes=local.minute, seconds=local.second
        ) + timedelta(microseconds=local.microsecond)
        passed = into_day if self.is_working_day(day) else timedelta()
        for _ in range(LONGEST_CLOSURE_DAYS + 7 * (working_days + 1)):
            if passed >= left and self.is_working_day(day):
                break
            left -= passed
            day -= DAY
            passed = DAY if self.is_working_day(day) else timedelta()
        clock = datetime.combine(day, datetime.min.time()) + max(passed - left, timedelta())
        return clock.replace(tzinfo=zone).astimezone(moment.tzinfo)
