"""From a commit to its signal, through the listener and a worker, with nothing else to do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from statistics import median

from django.conf import settings
from django.utils import timezone

from apps.crm.enums import LeadStatus
from apps.crm.models import Lead
from apps.triggers.bench.scanning import owner, without_suggestions
from apps.triggers.enums import ScanKind
from apps.triggers.models import Signal
from apps.triggers.services import scan_now

_LONGEST_S = 2.0
_TRIES = 20
# Programs need some seconds to start; what takes longer than this has gone wrong.
PATIENCE_S = 60.0
_LOOK_AGAIN_S = 0.005

PROGRAMS = (
    ("-m", "celery", "-A", "aisha", "worker", "--pool", "solo", "--loglevel", "error"),
    ("manage.py", "watch_changes"),
)


def measure_waking() -> Iterator[dict[str, object]]:
    """A lead that has been silent for long is entered: how soon its signal stands in the database."""
    with owner() as cursor:
        # Whoever filled the company gave the ids.
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('crm_lead', 'id'), coalesce(max(id), 1)) FROM crm_lead"
        )
    with without_suggestions():
        scan_now(kind=ScanKind.FULL, now=timezone.now())
        with running(PROGRAMS):
            # The first one waits for the programs to start.
            times = [_enter_lead(number) for number in range(_TRIES + 1)][1:]
    yield {
        "name": "from a commit to its signal, at rest",
        "value": round(median(times), 3),
        "unit": "s",
        "target": _LONGEST_S,
        "better": "lower",
        "remark": f"median of {_TRIES}; the longest {max(times):.3f} s",
    }


def _enter_lead(number: int) -> float:
    long_ago = timezone.now() - timedelta(days=30)
    began = time.perf_counter()
    lead = Lead.objects.create(
        last_name=f"Silent {number}", status=LeadStatus.WORKING, created_at=long_ago
    )
    while not Signal.objects.filter(trigger="lead_inactive", record_id=lead.pk).exists():
        if time.perf_counter() - began > PATIENCE_S:
            raise AssertionError("No signal came.")
        time.sleep(_LOOK_AGAIN_S)
    return time.perf_counter() - began


@contextmanager
def running(programs: Iterable[Sequence[str]], **variables: str) -> Iterator[list[int]]:
    """Run Python programs beside a measure until the block ends; each is what follows ``python``.

    ``variables`` stand in their environment beside our own. Gives the ids of their processes.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, *program],
            cwd=settings.BASE_DIR,
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
        )
        for program in programs
    ]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=PATIENCE_S)
