"""Durations that any process measures, added up in Valkey for whoever collects them (``/metrics``).

Web and worker run in many processes, on several machines perhaps; each adds to the same sums, in one round
trip, and none keeps anything. A measure that cannot be taken is lost, and what was measured goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from apps.tenants.valkey import valkey

log = logging.getLogger(__name__)

KEY = "aisha:metrics:seconds"
# Upper bounds in seconds: from a few rows in the database to a slow model.
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Durations:
    """Measured durations of one thing in one tenant.

    Attributes:
        counts: how many were no longer than each of ``BUCKETS_S``, and last how many there were.
        sum_s: all together, in seconds.
    """

    name: str
    tenant: str
    counts: tuple[int, ...]
    sum_s: float


class Stopwatch:
    """Measures the parts of one piece of work.

    Attributes:
        seconds: how long each has taken, by name.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Measure the block."""
        began = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began


def observe(tenant: str, seconds: Mapping[str, float]) -> None:
    """Add durations in seconds by what was measured, such as ``pipeline.context``."""
    pipe = valkey().pipeline(transaction=False)
    for name, duration_s in seconds.items():
        place = next(
            (index for index, bound in enumerate(BUCKETS_S) if duration_s <= bound), len(BUCKETS_S)
        )
        pipe.hincrby(KEY, f"{name}|{tenant}|{place}", 1)
        pipe.hincrbyfloat(KEY, f"{name}|{tenant}|sum", duration_s)
    try:
        pipe.execute()
    except (RedisError, OSError):
        log.warning("a measure could not be added", exc_info=True)


def read_durations() -> list[Durations]:
    """Everything measured so far, by name and tenant."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for field, value in valkey().hgetall(KEY).items():
        name, tenant, place = field.decode().split("|")
        found.setdefault((name, tenant), {})[place] = float(value)
    durations = []
    for (name, tenant), values in sorted(found.items()):
        counts, total = [], 0
        for place in range(len(BUCKETS_S) + 1):
            total += int(values.get(str(place), 0))
            counts.append(total)
        durations.append(Durations(name, tenant, tuple(counts), values.get("sum", 0.0)))
    return durations
