"""The measures of triggers: scans of everything beside the same written by hand, and of what changed."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from django.utils import timezone

from apps.tenants.connections import tenant_connection
from apps.triggers.bench.growing import measure_growth
from apps.triggers.bench.idling import measure_idle_rounds
from apps.triggers.bench.records import Size, fill
from apps.triggers.bench.scanning import Scan, buffers, owner, scan_ours, scan_plain, timed
from apps.triggers.bench.waking import measure_waking

__all__ = ["measure_growth", "measure_idle_rounds", "measure_scan", "measure_waking"]

_SIZE = Size(leads=200_000, activities=1_000_000)
_ROUNDS = 3
_TIMES_PLAIN = 1.5


def measure_scan() -> Iterator[dict[str, object]]:
    """All triggers over a company of 200,000 leads: the first scan, and one that finds nothing new."""
    now = timezone.now()
    with owner() as cursor:
        fill(cursor, tenant_connection().schema_name, _SIZE, now)
        firsts: dict[Scan, list[float]] = {scan_ours: [], scan_plain: []}
        agains: dict[Scan, list[float]] = {scan_ours: [], scan_plain: []}
        for _ in range(_ROUNDS):
            found: list[object] = []
            for scan in (scan_ours, scan_plain):
                cursor.execute("TRUNCATE triggers_signal CASCADE")
                for times in (firsts, agains):
                    elapsed_s, outcome = timed(scan, now)
                    times[scan].append(elapsed_s)
                    found.append(outcome)
                    cursor.execute("VACUUM ANALYZE triggers_signal")
            if any(other != found[0] for other in found[1:]):
                raise AssertionError("The hand-written statements and the triggers disagree.")
    pages = [f"buffers of the first scan: {buffers(now, is_first=True)}"]
    with owner() as cursor:
        cursor.execute("VACUUM ANALYZE triggers_signal")
    pages.append(f"buffers when nothing changed: {buffers(now, is_first=False)}")
    for times, name, remark in (
        (firsts, "scan of all triggers, 200k leads / 1M activities", pages[0]),
        (agains, "the same scan again, nothing changed", pages[1]),
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
