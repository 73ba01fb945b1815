"""The measures of predictions."""

from __future__ import annotations

from apps.predictions.bench.forecasts import measure_forecasts, measure_maven
from apps.predictions.bench.scoring import measure_scoring

__all__ = ["measure_forecasts", "measure_maven", "measure_scoring"]
