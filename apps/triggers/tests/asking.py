"""Asking one trigger at one moment, without a scan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.tenants.calendar import WorkingCalendar
from apps.triggers.moments import Figures, ScanMoment
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
    figures: Mapping[str, Figures] | None = None,
) -> list[int]:
    """The ids of the records for which the trigger holds, in order."""
    trigger = registry.get(key)
    moment = ScanMoment(now=now, zone=zone, calendar=calendar, figures=figures or {})
    found = trigger.matching(moment, trigger.parse(parameters or {}))
    return sorted(found.values_list("pk", flat=True))


def facts_of(
    key: str,
    record_id: int,
    parameters: Mapping[str, int] | None = None,
    *,
    now: datetime = NOW,
    figures: Mapping[str, Figures] | None = None,
) -> dict[str, Any]:
    """What the trigger says about one record."""
    trigger = registry.get(key)
    moment = ScanMoment(now=now, zone=BERLIN, figures=figures or {})
    found = trigger.matching(moment, trigger.parse(parameters or {}))
    facts: dict[str, Any] = found.values_list("facts", flat=True).get(pk=record_id)
    return facts


def measured(key: str, *, now: datetime = NOW) -> dict[str, Figures]:
    """The figures of a trigger as they stand now, frozen as a scan freezes them."""
    values = registry.get(key).measure(ScanMoment(now=now, zone=BERLIN))
    return {key: Figures("tests", json.loads(json.dumps(values)))}


def crossing(
    key: str,
    before: datetime,
    after: datetime,
    parameters: Mapping[str, int] | None = None,
    *,
    figures: Mapping[str, Figures] | None = None,
) -> set[int]:
    """The records at which an incremental scan looks again because of the clock alone."""
    trigger = registry.get(key)
    moments = [ScanMoment(now=now, zone=BERLIN, figures=figures or {}) for now in (before, after)]
    found: set[int] = set()
    for edge in trigger.edges(moments[1], trigger.parse(parameters or {})):
        low, high = sorted(edge.threshold(moment) for moment in moments)
        found |= set(edge.rows_between(low, high))
    return found
