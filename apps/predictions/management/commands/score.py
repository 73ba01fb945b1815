"""``manage.py score --tenant T``: score all of a tenant's records now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.management.tenant_command import TenantRunCommand
from apps.predictions.services.work import scored_predictions


class Command(TenantRunCommand):
    """Scores."""

    help = "Score all of a tenant's records now."
    kind = RunKind.SCORING

    def add_arguments(self, parser: CommandParser) -> None:
        """Which predictions."""
        super().add_arguments(parser)
        parser.add_argument(
            "--prediction", action="append", choices=Prediction.values, help="only this"
        )

    def predictions(self, options: dict[str, Any]) -> list[Prediction | None]:
        """All for which something serves, or the ones named."""
        named = options["prediction"]
        return [Prediction(name) for name in named] if named else list(scored_predictions())
