"""The measures of predictions."""

from __future__ import annotations

from apps.predictions.bench.scoring import measure_scoring

__all__ = ["measure_scoring"]
