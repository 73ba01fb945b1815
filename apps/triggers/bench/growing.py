"""A scan of a large company beside hand-written SQL, its growth, and what a round costs beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.utils import timezone

from apps.crm.models import Activity, Lead, Task
from apps.tenants.connections import tenant_connection
from apps.tenants.process_size import peak_size_mb
from apps.triggers.bench.records import Size, fill
from apps.triggers.bench.scanning import (
    ZONE,
    buffers,
    owner,
    scan_ours,
    scan_plain,
    timed,
    without_suggestions,
)
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry
from apps.triggers.services import look_around

_SMALL = Size(leads=10_000, activities=50_000, deals=2_000)
_LARGE = Size(leads=1_000_000, activities=5_000_000, deals=200_000)
_TIMES_PLAIN = 1.3
_MOST_MEMORY_MB = 300
_ROUND_SHARE_PERCENT = 1.0
_STEEPEST = 1.05
_LOOP_RECORDS = 10_000
_ROUNDS = 3

# A thousand changes of a working day: 400 messages and calls, 300 leads, 150 deals, 150 tasks.
_CHANGES = (
    """
    INSERT INTO crm_activity (source, external_id, attributes, activity_kind, direction, occurred_at, subject,
                              body, lead_id, opportunity_id, counterpart_address, counterpart_name, delivery,
                              stated_details)
    SELECT '', '', '{}', 'email', (ARRAY['inbound', 'outbound'])[1 + i %% 2], %(now)s, 'Message', '',
           CASE WHEN i %% 2 = 0 THEN 1 + (i * 7919::bigint + %(salt)s * 31) %% 1000000 END,
           CASE WHEN i %% 2 = 1 THEN 1 + (i * 7919::bigint + %(salt)s * 31) %% 200000 END,
           '', '', 'unknown', '{}'
    FROM generate_series(1, 400) i
    """,
    """
    UPDATE crm_lead SET company = company || %(salt)s
    WHERE id IN (SELECT 1 + (i * 104729::bigint + %(salt)s) %% 1000000 FROM generate_series(1, 300) i)
    """,
    """
    UPDATE crm_opportunity SET next_step = 'Step ' || %(salt)s
    WHERE id IN (SELECT 1 + (i * 104729::bigint + %(salt)s) %% 200000 FROM generate_series(1, 150) i)
    """,
    """
    UPDATE crm_task SET status = CASE status WHEN 'open' THEN 'done' ELSE 'open' END
    WHERE id IN (SELECT 1 + (i * 104729::bigint + %(salt)s) %% 500000 FROM generate_series(1, 150) i)
    """,
)


def measure_growth() -> Iterator[dict[str, object]]:
    """A million leads and five million activities: full scan, memory, a round, growth, the loop."""
    now = timezone.now()
    schema = tenant_connection().schema_name
    with owner() as cursor, without_suggestions():
        fill(cursor, schema, _SMALL, now)
        small_s = _first_scan(cursor, now)
        yield _loop(now)
        fill(cursor, schema, _LARGE, now)
        ours: list[float] = []
        plain: list[float] = []
        for _ in range(_ROUNDS):
            for times, scan in ((plain, scan_plain), (ours, scan_ours)):
                cursor.execute("TRUNCATE triggers_signal CASCADE")
                elapsed_s, outcome = timed(scan, now)
                times.append(elapsed_s)
                if scan is scan_plain:
                    expected = outcome
                elif outcome != expected:
                    raise AssertionError("The hand-written statements and the triggers disagree.")
        cursor.execute("VACUUM ANALYZE triggers_signal")
        ours_s, plain_s = median(ours), median(plain)
        yield {
            "name": "full scan, 1M leads / 200k deals / 5M activities",
            "value": round(ours_s, 2),
            "unit": "s",
            "target": round(plain_s * _TIMES_PLAIN, 2),
            "better": "lower",
            "baseline": round(plain_s, 2),
            "remark": f"{ours_s / plain_s:.2f} times hand-written SQL, signal writes included; "
            f"median of {_ROUNDS}\nbuffers: {buffers(now, is_first=True)}",
        }
        yield _memory(schema)
        yield _round(cursor, ours_s)
    exponent = math.log(ours_s / small_s) / math.log(_LARGE.leads / _SMALL.leads)
    yield {
        "name": "growth 10k to 1M: exponent",
        "value": round(exponent, 3),
        "unit": "",
        "target": _STEEPEST,
        "better": "lower",
        "remark": f"{small_s:.3f} s with 10k leads, {ours_s:.2f} s with 1M",
    }


def _first_scan(cursor: Any, now: datetime) -> float:
    times = []
    for _ in range(_ROUNDS):
        cursor.execute("TRUNCATE triggers_signal CASCADE")
        times.append(timed(scan_ours, now)[0])
    return median(times)


def _loop(now: datetime) -> dict[str, object]:
    """``lead_inactive`` as a loop over records would do it, beside its statement."""
    began = time.perf_counter()
    found = [
        lead.pk for lead in Lead.objects.order_by("pk")[:_LOOP_RECORDS] if _is_inactive(lead, now)
    ]
    loop_s = time.perf_counter() - began
    trigger = registry.get("lead_inactive")

    began = time.perf_counter()
    matching = trigger.matching(ScanMoment(now=now, zone=ZONE), trigger.parse({}))
    ours = sorted(matching.values_list("pk", flat=True))
    ours_s = time.perf_counter() - began
    if ours != found:
        raise AssertionError("The loop and the trigger disagree.")
    return {
        "name": "per-record loop it replaces, 10k records",
        "value": round(loop_s / ours_s, 1),
        "unit": "times",
        "better": "higher",
        "remark": f"lead_inactive: loop {loop_s:.2f} s, statement {ours_s * 1000:.1f} ms",
    }


def _is_inactive(lead: Lead, now: datetime) -> bool:
    if lead.status not in {"new", "working", "qualified"} or lead.do_not_contact:
        return False
    last = (
        Activity.objects.filter(lead=lead, occurred_at__lte=now)
        .exclude(activity_kind="note")
        .order_by("-occurred_at")
        .first()
    )
    silent_since = last.occurred_at if last else lead.created_at
    if not now - timedelta(days=120) < silent_since <= now - timedelta(days=14):
        return False
    return not Task.objects.filter(lead=lead, status="open").exists()


def _memory(schema: str) -> dict[str, object]:
    """The largest size of a process that runs one full scan, as a worker does."""
    return {
        "name": "worker memory of that scan",
        "value": peak_size_mb("scan", "--tenant", schema, "--json"),
        "unit": "MB",
        "target": _MOST_MEMORY_MB,
        "better": "lower",
    }


def _round(cursor: Any, full_s: float) -> dict[str, object]:
    """Rounds after a thousand changes each; the scan before has left its cursor.

    Messages are of the moment in which they are written. Of later ones, a round would have to let those take
    place that lie ahead.
    """
    times, looked_at = [], 0
    for salt in range(1, _ROUNDS + 1):
        now = timezone.now()
        for statement in _CHANGES:
            cursor.execute(statement, {"now": now, "salt": salt})
        began = time.perf_counter()
        scan = look_around(ScanKind.INCREMENTAL, now=timezone.now())
        times.append(time.perf_counter() - began)
        if scan is None or scan.status != ScanStatus.SUCCEEDED:
            raise AssertionError("The round failed.")
        looked_at = len(scan.triggers)
    round_s = median(times)
    return {
        "name": "incremental scan after 1,000 changes",
        "value": round(round_s / full_s * 100, 2),
        "unit": "% of the full one",
        "target": _ROUND_SHARE_PERCENT,
        "better": "lower",
        "baseline": 100,
        "remark": f"{round_s * 1000:.0f} ms, {looked_at} triggers with something to look at",
    }
