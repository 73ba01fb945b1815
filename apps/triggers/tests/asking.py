"""Asking one trigger at one moment, without a scan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.tenants.calendar import WorkingCalendar
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry

# A Monday, ten in the morning in Berlin.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_TO_FRIDAY = WorkingCalendar()


def ago(**span: float) -> datetime:
    """The moment so long before ``NOW``."""
    return NOW - timedelta(**span)


def matching(
    key: str,
    parameters: Mapping[str, int] | None = None,
    *,
    now: datetime = NOW,
    zone: ZoneInfo = BERLIN,
    calendar: WorkingCalendar = MONDAY_TO_FRIDAY,
) -> list[int]:
    """The ids of the records for which the trigger holds, in order."""
    trigger = registry.get(key)
    moment = ScanMoment(now=now, zone=zone, calendar=calendar)
    found = trigger.matching(moment, trigger.parse(parameters or {}))
    return sorted(found.values_list("pk", flat=True))


def facts_of(
    key: str, record_id: int, parameters: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """What the trigger says about one record."""
    trigger = registry.get(key)
    found = trigger.matching(ScanMoment(now=NOW, zone=BERLIN), trigger.parse(parameters or {}))
    facts: dict[str, Any] = found.values_list("facts", flat=True).get(pk=record_id)
    return facts
