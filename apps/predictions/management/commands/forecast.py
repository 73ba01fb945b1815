"""``manage.py forecast --tenant T``: publish a tenant's forecasts now."""

from __future__ import annotations

from typing import Any

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.management.tenant_command import TenantRunCommand


class Command(TenantRunCommand):
    """Forecasts."""

    help = "Publish a tenant's forecasts now."
    kind = RunKind.FORECAST

    def predictions(self, options: dict[str, Any]) -> list[Prediction | None]:
        """One run for all of them."""
        return [None]
