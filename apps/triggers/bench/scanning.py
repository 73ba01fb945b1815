"""A scan of everything, ours and by hand, and what both read."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings
from django.db import connection, transaction

from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module, Role
from apps.tenants.models import ModuleGate
from apps.tenants.roles import taking_role
from apps.triggers.bench.plain import STATEMENTS
from apps.triggers.detection import detection_sql
from apps.triggers.looks import look_fully
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry

ZONE = ZoneInfo("UTC")

Scan = Callable[[datetime], dict[str, int]]


def scan_ours(now: datetime) -> dict[str, int]:
    """Every trigger as a scan runs it; returns the matches by trigger."""
    moment = ScanMoment(now=now, zone=ZONE)
    found = {}
    for trigger in registry.all():
        with transaction.atomic(), taking_role(Role.AI):
            found[trigger.key] = look_fully(trigger, None, moment).matched
    return found


def scan_plain(now: datetime) -> dict[str, int]:
    """The hand-written statements; returns the matches by trigger."""
    found = {}
    for key, statement in STATEMENTS.items():
        with transaction.atomic(), connection.cursor() as cursor:
            # As a look does: neither waits for the disk.
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.execute(statement, plain_params(now))
            found[key] = cursor.fetchone()[0]
    return found


def plain_params(now: datetime) -> dict[str, datetime | date]:
    """What the hand-written statements are given."""
    moment = ScanMoment(now=now, zone=ZONE)
    return {
        "now": now,
        "today": moment.today,
        "working_days_ago_2": moment.working_days_ago(2),
        "working_days_ago_5": moment.working_days_ago(5),
    }


def timed(scan: Scan, now: datetime) -> tuple[float, object]:
    """The seconds of a scan, and what it found and wrote, to be compared with another's."""
    began = time.perf_counter()
    matches = scan(now)
    elapsed_s = time.perf_counter() - began
    rows = Signal.objects.firing().order_by("trigger", "record_id")
    return elapsed_s, (matches, list(rows.values_list("trigger", "record_id", "severity")))


def buffers(now: datetime, *, is_first: bool) -> str:
    """Pages read by both ways, from EXPLAIN (ANALYZE, BUFFERS) of each statement, rolled back afterwards."""
    moment = ScanMoment(now=now, zone=ZONE)
    ours = [detection_sql(trigger, moment, trigger.parse({})) for trigger in registry.all()]
    plain = [(statement, plain_params(now)) for statement in STATEMENTS.values()]
    pages = [_pages_of(statements, is_first=is_first) for statements in (ours, plain)]
    return f"{pages[0]:,} pages, by hand {pages[1]:,}"


@contextmanager
def owner() -> Iterator[Any]:
    """The account that may truncate and analyse, in the schema that the connection stands in."""
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as session:
        session.execute(f'SET search_path = "{tenant_connection().schema_name}", public')
        with session.cursor() as cursor:
            yield cursor


@contextmanager
def without_suggestions() -> Iterator[None]:
    """Scans alone are measured here, not what follows them."""
    gate = ModuleGate.objects.filter(
        tenant__schema_name=tenant_connection().schema_name, module=Module.SUGGESTIONS
    )
    gate.update(is_on=False)
    try:
        yield
    finally:
        gate.update(is_on=True)


def _pages_of(statements: list[tuple[str, Any]], *, is_first: bool) -> int:
    pages = 0
    with transaction.atomic():
        if is_first:
            Signal.objects.all().delete()
        with connection.cursor() as cursor:
            for statement, params in statements:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", params)
                pages += _pages_in(line for (line,) in cursor.fetchall())
        transaction.set_rollback(True)
    return pages


def _pages_in(lines: Iterator[str]) -> int:
    """The pages of the whole plan: the first line about buffers belongs to its top node."""
    top = next(line for line in lines if "Buffers: shared" in line)
    return sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", top))
