"""Whether what is discovered is really so: precision and recall per kind against hidden causes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from django.conf import settings

from apps.operations.bench.discovery.comparing import BY_ORACLE
from apps.operations.bench.discovery.worlds import Split

__all__ = ["measure_discovery"]

_PRECISION, _RECALL = 0.9, 0.8


def measure_discovery() -> Iterator[dict[str, object]]:
    """Precision and recall of each kind, over companies that were not looked at while building.

    One who knows the hidden rates is no detector and has no target: he shows how much of the changed
    behaviour can be seen at all. Filling a company takes the owner's account, hence a process of its own.
    """
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "measure_discovery"]
    command += ["--split", Split.HELD_OUT, "--json"]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    for row in json.loads(result.stdout):
        counts = (
            f"{row['right']} right, {row['wrong']} wrong, {row['unsettled']} neither way, "
            f"{row['missed']} missed; {row['precision_at_worst']:.2f} if neither way were wrong"
        )
        for name, target in (("precision", _PRECISION), ("recall", _RECALL)):
            yield {
                "app": "triggers",
                "name": f"discovery, {row['finding']}: {name}",
                "value": round(row[name], 3),
                "unit": "",
                "target": None if row["finding"] == BY_ORACLE else target,
                "better": "higher",
                "remark": counts if name == "precision" else "",
            }
