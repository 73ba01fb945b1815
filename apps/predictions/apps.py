"""The predictions app's configuration."""

from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    """Scores of records, and how they are read."""

    name = "apps.predictions"
    label = "predictions"
    verbose_name = "Predictions"

    def ready(self) -> None:
        """Let answers tell forecasts."""
        # Models can be imported only when all apps are there.
        from apps.brain.reading.tools import register_read_tool
        from apps.predictions.reading import FORECAST_NUMBERS

        register_read_tool(FORECAST_NUMBERS)
