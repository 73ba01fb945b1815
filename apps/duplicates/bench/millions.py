"""A million persons on two cores: the product's own command beside Splink, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from pydantic import BaseModel

from apps.duplicates.bench.data_sets import PERSONS_PLAN
from apps.duplicates.bench.generated.persons import write_persons
from apps.duplicates.bench.peers import (
    SPLINK,
    SPLINK_PROBABILITY,
    Ranked,
    missing,
    predict_with_splink,
)
from apps.duplicates.evaluation.measures import measure
from apps.tenants.process_size import own_peak_size_mb

# Fewer give a quick look; the figures that count are of a million.
PERSONS = int(os.environ.get("BENCH_PERSONS", "1000000"))
_SEED = 7
_MOST_MEMORY_MB = 5_000
_SPLINK = (
    "import django, sys; django.setup(); from apps.duplicates.bench.millions import run_splink; "
)


class Report(BaseModel):
    """What a process tells of itself; it is asked for more, which is left aside."""

    precision: float
    recall: float
    f1: float
    seconds: float
    peak_mb: int

    @property
    def in_words(self) -> str:
        """The accuracy."""
        return f"F1 {self.f1:.3f} (precision {self.precision:.3f}, recall {self.recall:.3f})"


def measure_millions() -> Iterator[dict[str, object]]:
    """Seconds from opening the file to the pairs and groups, and the largest size of the process."""
    if SPLINK in missing():
        yield {
            "name": f"{PERSONS:,} persons, two cores",
            "value": 0,
            "unit": "peers",
            "target": 1,
            "better": "higher",
            "remark": "not measured: Splink is not installed here",
        }
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "persons.csv"
        write_persons(path, PERSONS, _SEED)
        ours = _run(
            "manage.py", "find_duplicates", "--csv", str(path), "--truth", "cluster", "--json"
        )
        peer = _run("-c", f"{_SPLINK}run_splink({str(path)!r})")
    yield {
        "name": f"{PERSONS:,} persons, two cores",
        "value": round(ours.seconds, 1),
        "unit": "s",
        "target": round(peer.seconds, 1),
        "baseline": round(peer.seconds, 1),
        "remark": f"ratio {ours.seconds / peer.seconds:.2f} to Splink; ours, grouping included:"
        f" {ours.in_words}; Splink's: {peer.in_words}",
    }
    yield {
        "name": f"{PERSONS:,} persons, memory",
        "value": ours.peak_mb,
        "unit": "MB",
        "target": _MOST_MEMORY_MB,
        "baseline": peer.peak_mb,
    }


def run_splink(path: str) -> None:
    """Let Splink find the pairs of a file that it means, and print what that took as JSON."""
    import pandas

    began = time.monotonic()
    frame = pandas.read_csv(path, dtype=str)
    truth = frame.pop("cluster").tolist()
    frame = frame.apply(lambda column: column.str.lower())
    frame["row"] = range(len(frame))
    predicted = predict_with_splink(frame, PERSONS_PLAN, least=SPLINK_PROBABILITY)
    seconds, peak_mb = time.monotonic() - began, own_peak_size_mb()
    accuracy = measure(Ranked.of_splink(predicted), [], truth)
    print(json.dumps({**asdict(accuracy), "seconds": seconds, "peak_mb": peak_mb}))


def _run(*command: str) -> Report:
    """Run a process of its own that prints a report."""
    told = subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return Report.model_validate_json(told.stdout)
