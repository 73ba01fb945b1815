"""The measures of duplicates."""

from __future__ import annotations

from apps.duplicates.bench.accuracy import measure_f1, measure_peers

__all__ = ["measure_f1", "measure_peers"]
