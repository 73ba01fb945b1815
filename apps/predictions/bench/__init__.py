"""The measures of predictions."""

from __future__ import annotations

from apps.predictions.bench.forecasts import measure_forecasts, measure_maven
from apps.predictions.bench.losses import measure_log_loss, measure_peers
from apps.predictions.bench.scoring import measure_scoring
from apps.predictions.bench.training import measure_training

__all__ = [
    "measure_forecasts",
    "measure_log_loss",
    "measure_maven",
    "measure_peers",
    "measure_scoring",
    "measure_training",
]
