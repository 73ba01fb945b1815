"""``manage.py train --tenant T``: learn from a tenant's outcomes now, and score with what serves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.management.tenant_command import TenantRunCommand
from apps.predictions.services.work import LEARNED


class Command(TenantRunCommand):
    """Trains."""

    help = "Train a tenant's predictions now; what proves itself serves, and scores."
    kind = RunKind.TRAINING

    def add_arguments(self, parser: CommandParser) -> None:
        """Which predictions."""
        super().add_arguments(parser)
        parser.add_argument(
            "--prediction",
            action="append",
            choices=[row.value for row in LEARNED],
            help="only this",
        )

    def predictions(self, options: dict[str, Any]) -> list[Prediction | None]:
        """Those that are learned, or the ones named."""
        return [Prediction(name) for name in options["prediction"] or LEARNED]
