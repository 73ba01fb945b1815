"""Statements of rounds are written once for a day: told a moment, they ask what is asked at that moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.tenants.calendar import WorkingCalendar
from apps.tenants.models import Tenant
from apps.triggers import statements
from apps.triggers.any_moment import AnyMoment
from apps.triggers.detection import detection_sql
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry
from apps.triggers.statements import RoundStatement
from apps.triggers.tests.asking import BERLIN

CLOSED = WorkingCalendar(holidays=frozenset({date(2026, 3, 27)}))
# Within one day in Berlin, the one on which summer time begins.
MOMENTS = [
    ScanMoment(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), BERLIN, CLOSED),
    ScanMoment(datetime(2026, 3, 29, 0, 59, 59, 999999, tzinfo=UTC), BERLIN, CLOSED),
    ScanMoment(datetime(2026, 3, 29, 21, 59, tzinfo=UTC), BERLIN, CLOSED),
]


@pytest.mark.parametrize("key", [trigger.key for trigger in registry.all()])
def test_what_is_told_later_is_what_would_be_asked_at_once(acme: Tenant, key: str) -> None:
    trigger = registry.get(key)
    parameters = trigger.parse({})
    written = RoundStatement.of(trigger, MOMENTS[0], parameters)
    sql, params = detection_sql(trigger, AnyMoment.like(MOMENTS[0]), parameters, [-1])
    for moment in MOMENTS:
        told: dict[Any, Any] = dict(zip(written.places, written.values(moment, [7]), strict=False))
        asked = text(sql, [_told(param, told) for param in params])
        assert asked == text(*detection_sql(trigger, moment, parameters, [7]))


def text(sql: str, params: list[Any]) -> str:
    """The statement with its values in it."""
    return str(connection.ops.compose_sql(sql, params))  # type: ignore[attr-defined]


def _told(param: Any, told: dict[Any, Any]) -> Any:
    if isinstance(param, datetime):
        return told.get(param, param)
    return [7] if param == [-1] else param


def test_each_day_has_its_own(acme: Tenant) -> None:
    trigger = registry.get("task_overdue")
    parameters = trigger.parse({})
    moment = ScanMoment(timezone.now(), BERLIN)
    for at in (moment, replace(moment, now=moment.now + timedelta(days=1))):
        statements.detect_among(trigger, at, parameters, epoch="of a test", candidates=[1])
    assert {day for one, epoch, day in statements._written if epoch == "of a test"} == {
        moment.today, moment.today + timedelta(days=1),
    }  # fmt: skip
