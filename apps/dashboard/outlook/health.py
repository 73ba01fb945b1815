"""How healthy the pipeline behind a forecast is: coverage, velocity, stage conversion, aging."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.crm.models import Opportunity, Stage
from apps.dashboard.aging import Aging, StageLimits, read_aging
from apps.dashboard.asked import DEFAULT_DAYS, Asked
from apps.dashboard.conversion import StageConversion, read_conversion
from apps.dashboard.deals import CurrencyPipeline, read_pipelines
from apps.dashboard.enums import Scope
from apps.predictions.forecasts import ForecastScope
from apps.predictions.targets.reading import read_targets
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Health:
    """The deals of a forecast's scope, as far as the reader may see them.

    ``pipeline`` is that of one currency, None where it has no deal; conversion and ages are of all.
    """

    asked: Asked
    pipeline: CurrencyPipeline | None
    conversion: tuple[StageConversion, ...]
    aging: Aging


def read_health(scope: ForecastScope, currency: str, user: User, now: datetime) -> Health:
    """Read it over the usual period of the first page."""
    asked = Asked(user, Scope.EVERYONE, DEFAULT_DAYS, now)
    deals = Opportunity.objects.visible_to(user).filter(scope.is_of_deals)
    stages = tuple(Stage.objects.order_by("position", "pk"))
    targets = read_targets(scope, asked.quarter.begins_on, asked.quarter.ends_on)
    pipelines = read_pipelines(deals, asked, stages, targets)
    return Health(
        asked=asked,
        pipeline=next((row for row in pipelines if row.currency == currency), None),
        conversion=read_conversion(deals, asked, stages),
        aging=read_aging(deals, asked, stages, StageLimits.read()),
    )
