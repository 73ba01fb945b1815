"""When a person's digest is due, and when one that failed is tried again."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.tenants.calendar import WorkingCalendar

# A worker that was away this long sends the morning's digest all the same; later it would be no news.
LATEST = timedelta(hours=4)
# From one try to the next. What failed after the last of them is left to the next day.
RETRY_AFTER = (
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
)
# A mail is handed over in seconds: who has been at it this long has died.
LOST_AFTER = timedelta(minutes=15)


def due_at(day: date, send_at: time, zone: ZoneInfo) -> datetime:
    """The moment at which a clock in ``zone`` shows ``send_at`` on that day.

    A time that the clocks skip comes as much later as they skip; one that they show twice, at the first.
    """
    return datetime.combine(day, send_at, tzinfo=zone).astimezone(UTC)


def is_due(
    now: datetime, *, send_at: time, zone: ZoneInfo, calendar: WorkingCalendar | None
) -> bool:
    """Whether the hour has come on the day that it is in ``zone``; with a calendar, on its days alone."""
    day = now.astimezone(zone).date()
    if calendar is not None and not calendar.is_working_day(day):
        return False
    return timedelta() <= now - due_at(day, send_at, zone) < LATEST


def next_try_at(now: datetime, attempts: int) -> datetime | None:
    """When to try again after so many attempts; None when not."""
    return now + RETRY_AFTER[attempts - 1] if attempts <= len(RETRY_AFTER) else None
