"""When scans run; the beat schedule and the pages both read it here."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

# Before the working day in Europe and after it in America.
DAILY_SCAN_HOUR_UTC = 4
# What changed is looked at when it changes; this is for what comes due, and for what was missed.
ROUND_INTERVAL = timedelta(minutes=5)

# Tenants do not begin all at once: each gets a place of its own within a span that grows with their number.
_SPAN_PER_TENANT_S = 0.5
_LONGEST_SPAN_S = 120


def next_daily_scan(now: datetime) -> datetime:
    """Return the moment of the next daily scan after ``now``."""
    today = now.astimezone(UTC).replace(hour=DAILY_SCAN_HOUR_UTC, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def jitter_s(schema: str, *, tenants: int) -> float:
    """How many seconds after the others a tenant begins; always the same for the same number of tenants."""
    span_s = min(_LONGEST_SPAN_S, tenants * _SPAN_PER_TENANT_S)
    return round(zlib.crc32(schema.encode()) / 2**32 * span_s, 3)
