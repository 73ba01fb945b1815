"""Scores, the models that gave them, forecasts, and the runs in which they were made."""

from apps.predictions.models.forecasts import Forecast, SalesTarget
from apps.predictions.models.runs import PredictionRun, ScoringCursor, Trial
from apps.predictions.models.scores import Score
from apps.predictions.models.trained import TrainedModel

__all__ = [
    "Forecast",
    "PredictionRun",
    "SalesTarget",
    "Score",
    "ScoringCursor",
    "TrainedModel",
    "Trial",
]
