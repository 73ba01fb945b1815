"""The weeks in which contact is counted, and what each week was worth.

Weeks are seven days each, counted back from yesterday in the company's zone: within a day the same days
belong to the same weeks. A week is worth its working days, so that holidays are nobody's change; what they
put off, a week's work at most, is made up for in the days after them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from apps.triggers.moments import ScanMoment

WEEKS = 26
# The same weeks a year before: whole weeks, so that weekdays fall on weekdays.
YEAR = timedelta(days=364)
# What is written down later than that tells of an import or of tidying, not of when there was contact.
ENTERED_WITHIN = timedelta(days=3)
# A week in which nobody works is still worth something: it must not be divided by.
_LEAST_WORTH = 0.25
_MOST_PUT_OFF = 5
# Days off before the weeks reach into them.
_RUN_UP_DAYS = 28


@dataclass(frozen=True, slots=True)
class Weeks:
    """The weeks before a day, the newest first, with the working days of each."""

    today: date
    since: datetime
    until: datetime
    worths: tuple[float, ...]

    @classmethod
    def at(cls, moment: ScanMoment) -> Self:
        """The weeks before a moment."""
        worths = _days_worth(moment)
        weeks = (sum(worths[7 * week : 7 * week + 7]) for week in range(WEEKS))
        return cls(
            moment.today,
            _midnight(moment, timedelta(weeks=WEEKS)),
            _midnight(moment),
            tuple(max(_LEAST_WORTH, float(worth)) for worth in weeks),
        )


def _days_worth(moment: ScanMoment) -> list[int]:
    """What each day was worth, the newest first: a working day is one, and two while something is made up."""
    worths, put_off, calendar = [], 0, moment.calendar
    for ago in range(7 * WEEKS + _RUN_UP_DAYS, 0, -1):
        day = moment.today - timedelta(days=ago)
        if calendar.is_working_day(day):
            worths.append(2 if put_off else 1)
            put_off = max(0, put_off - 1)
        else:
            worths.append(0)
            # A weekend puts nothing off.
            put_off = min(_MOST_PUT_OFF, put_off + (day.isoweekday() in calendar.weekdays))
    return worths[::-1]


def _midnight(moment: ScanMoment, before: timedelta = timedelta()) -> datetime:
    """The begin of today, or of the day so long before, in the company's zone."""
    return datetime.combine(moment.today - before, time(), moment.zone)
