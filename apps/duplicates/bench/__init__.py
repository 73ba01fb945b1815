"""The measures of duplicates."""

from __future__ import annotations

from apps.duplicates.bench.accuracy import measure_f1, measure_peers
from apps.duplicates.bench.millions import measure_millions
from apps.duplicates.bench.probing import measure_probing

__all__ = ["measure_f1", "measure_millions", "measure_peers", "measure_probing"]
