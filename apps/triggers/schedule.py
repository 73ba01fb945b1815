"""When the daily scan runs; the beat schedule and the pages both read it here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# Before the working day in Europe and after it in America.
DAILY_SCAN_HOUR_UTC = 4


def next_daily_scan(now: datetime) -> datetime:
    """Return the moment of the next daily scan after ``now``."""
    today = now.astimezone(UTC).replace(hour=DAILY_SCAN_HOUR_UTC, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
