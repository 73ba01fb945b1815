"""Windows of days, and the same window some months before."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS_PER_QUARTER = 3


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `start` up to, but not including, `end`.

    Raises:
        ValueError: it has no day.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"A window from {self.start} to {self.end} has no day.")

    @classmethod
    def of_days(cls, start: date, days: int) -> Window:
        """So many days from a day on."""
        return cls(start, start + timedelta(days=days))

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days

    @property
    def first(self) -> int:
        """The ordinal of its first day."""
        return self.start.toordinal()

    @property
    def after(self) -> int:
        """The ordinal of the first day after it."""
        return self.end.toordinal()

    def months_before(self, months: int) -> Window:
        """The window in the same phase, so many months before: of whole months, or of as many days."""
        start = months_before(self.start, months)
        if self.start.day == self.end.day == 1:
            return Window(start, months_before(self.end, months))
        return Window.of_days(start, self.days)


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month; that month's last day where it is shorter."""
    return months_on(day, -months)


def months_on(day: date, months: int) -> date:
    """The same day so many months later, within the calendar's years; a shorter month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    year = min(max(year, date.min.year), date.max.year)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
