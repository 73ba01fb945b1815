"""The measures of triggers: a scan of everything beside the same written by hand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.triggers.bench.plain import STATEMENTS
from apps.triggers.bench.records import Size, fill
from apps.triggers.detection import detect, detection_sql
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry

_SIZE = Size(leads=200_000, activities=1_000_000)
_ROUNDS = 3
_ZONE = ZoneInfo("UTC")
_TIMES_PLAIN = 1.5

Scan = Callable[[datetime], dict[str, int]]


def measure_scan() -> Iterator[dict[str, object]]:
    """All triggers over a company of 200,000 leads: the first scan, and one that finds nothing new."""
    now = timezone.now()
    schema = tenant_connection().schema_name
    with _owner() as owner:
        fill(owner, schema, _SIZE, now)
        firsts: dict[Scan, list[float]] = {scan_ours: [], scan_plain: []}
        agains: dict[Scan, list[float]] = {scan_ours: [], scan_plain: []}
        for _ in range(_ROUNDS):
            found: list[object] = []
            for scan in (scan_ours, scan_plain):
                owner.execute("TRUNCATE triggers_signal CASCADE")
                firsts[scan].append(_timed(scan, now, found))
                owner.execute("VACUUM ANALYZE triggers_signal")
                agains[scan].append(_timed(scan, now, found))
            _compare(found)
    buffers = [f"buffers of the first scan: {_buffers(now, is_first=True)}"]
    with _owner() as owner:
        owner.execute("VACUUM ANALYZE triggers_signal")
    buffers.append(f"buffers when nothing changed: {_buffers(now, is_first=False)}")
    for times, name, remark in (
        (firsts, "scan of all triggers, 200k leads / 1M activities", buffers[0]),
        (agains, "the same scan again, nothing changed", buffers[1]),
    ):
        plain_s = median(times[scan_plain])
        yield {
            "name": name,
            "value": round(median(times[scan_ours]), 3),
            "unit": "s",
            "target": round(plain_s * _TIMES_PLAIN, 3),
            "better": "lower",
            "baseline": round(plain_s, 3),
            "remark": f"baseline: hand-written SQL, signal writes included; median of {_ROUNDS}\n{remark}",
        }


def scan_ours(now: datetime) -> dict[str, int]:
    """Every trigger as a scan runs it; returns the matches by trigger."""
    moment = ScanMoment(now=now, zone=_ZONE)
    found = {}
    for trigger in registry.all():
        with transaction.atomic(), taking_role(Role.AI):
            found[trigger.key] = detect(trigger, moment, trigger.parse({})).matched
    return found


def scan_plain(now: datetime) -> dict[str, int]:
    """The hand-written statements; returns the matches by trigger."""
    found = {}
    for key, statement in STATEMENTS.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, _plain_params(now))
            found[key] = cursor.fetchone()[0]
    return found


def _plain_params(now: datetime) -> dict[str, datetime | date]:
    return {"now": now, "today": now.astimezone(_ZONE).date()}


def _timed(scan: Scan, now: datetime, found: list[object]) -> float:
    began = time.perf_counter()
    matches = scan(now)
    elapsed_s = time.perf_counter() - began
    rows = Signal.objects.firing().order_by("trigger", "record_id")
    found.append((matches, list(rows.values_list("trigger", "record_id", "severity"))))
    return elapsed_s


def _compare(found: list[object]) -> None:
    """Both ways must find and write the same; else their times say nothing."""
    if any(other != found[0] for other in found[1:]):
        raise AssertionError("The hand-written statements and the triggers disagree.")


def _buffers(now: datetime, *, is_first: bool) -> str:
    """Pages read by both ways, from EXPLAIN (ANALYZE, BUFFERS) of each statement, rolled back afterwards."""
    moment = ScanMoment(now=now, zone=_ZONE)
    ours = [detection_sql(trigger, moment, trigger.parse({})) for trigger in registry.all()]
    plain = [(statement, _plain_params(now)) for statement in STATEMENTS.values()]
    pages = [_pages_of(statements, is_first=is_first) for statements in (ours, plain)]
    return f"{pages[0]:,} pages, by hand {pages[1]:,}"


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


@contextmanager
def _owner() -> Iterator[Any]:
    """The account that may truncate and analyse, in the schema that the connection stands in."""
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute(f'SET search_path = "{tenant_connection().schema_name}", public')
        with owner.cursor() as cursor:
            yield cursor
