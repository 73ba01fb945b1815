"""The predictions app's configuration."""

from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    """Scores of records, and how they are read."""

    name = "apps.predictions"
    label = "predictions"
    verbose_name = "Predictions"
