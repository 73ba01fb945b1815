"""The measures of operations: how long a newcomer waits, and whether what is discovered is really so."""

from apps.operations.bench.discovery import measure_discovery
from apps.operations.bench.starting import measure_demo

__all__ = ["measure_demo", "measure_discovery"]
