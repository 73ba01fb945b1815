"""Everything that the forecast page shows, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.dashboard.outlook.health import Health, read_health
from apps.predictions.contributions import DEALS_PERMISSION, Contributions, read_contributions
from apps.predictions.enums import RunKind
from apps.predictions.fans import Fan, read_fan
from apps.predictions.forecasts import (
    ForecastAsked,
    PastForecast,
    PublishedForecast,
    read_forecast,
    read_history,
    read_methods,
)
from apps.predictions.models import Forecast, PredictionRun
from apps.predictions.schemas import MethodRecord
from apps.predictions.targets.reading import read_targets
from apps.predictions.waterfall import Waterfall, read_waterfall
from apps.tenants.templatetags.aisha_ui import money
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Outlook:
    """A forecast with all that is told about it; ``health`` is None for whose role does not include deals."""

    forecast: PublishedForecast
    fan: Fan
    methods: tuple[MethodRecord, ...]
    target: Decimal | None
    waterfall: Waterfall | None
    contributions: Contributions
    history: tuple[PastForecast, ...]
    health: Health | None

    @property
    def gap(self) -> Decimal | None:
        """How far the middle one of the three numbers stays below the target; negative above it."""
        return None if self.target is None else self.target - self.forecast.row.p50

    @property
    def gap_size(self) -> Decimal | None:
        """The gap without its direction."""
        return None if self.gap is None else abs(self.gap)

    @property
    def target_words(self) -> str:
        """The target beside the forecast, in words."""
        if self.target is None:
            return "No target is set for these days."
        return _chance_of(self.forecast.row, self.target)

    @property
    def shown_method(self) -> MethodRecord | None:
        """The record of the method that is shown."""
        return next((row for row in self.methods if row.is_chosen), None)

    @property
    def is_naive(self) -> bool:
        """Whether a simple method did better on the company's own past than ours, and is shown."""
        return self.shown_method is not None and not self.shown_method.is_ours


def read_outlook(asked: ForecastAsked, user: User, now: datetime) -> Outlook | None:
    """Read it; None where this window has no forecast. No deal is in it that the person may not see."""
    forecast = read_forecast(asked.whose.scope, asked.window, asked.currency)
    if forecast is None:
        return None
    row = forecast.row
    targets = read_targets(asked.whose.scope, row.starts_on, row.ends_on)
    return Outlook(
        forecast=forecast,
        fan=read_fan(forecast),
        methods=read_methods(forecast),
        target=targets.get(asked.currency),
        waterfall=read_waterfall(forecast),
        contributions=read_contributions(forecast.figures, user),
        history=read_history(row),
        health=(
            read_health(asked.whose.scope, asked.currency, user, now)
            if user.has_perm(DEALS_PERMISSION)
            else None
        ),
    )


def read_last_run() -> PredictionRun | None:
    """The last time that forecasts were to be made; it says what came of it."""
    return PredictionRun.objects.filter(kind=RunKind.FORECAST).first()


def _chance_of(row: Forecast, target: Decimal) -> str:
    """How likely the target is, as far as three numbers tell it."""
    written = money(target, row.currency)
    if row.won_so_far >= target:
        return f"The target of {written} is reached."
    if target <= row.p10:
        return f"The target of {written} is reached nine times of ten or more."
    if target <= row.p50:
        return f"The target of {written} is more likely reached than missed."
    if target <= row.p90:
        return f"The target of {written} is more likely missed than reached."
    return f"The target of {written} is reached less than once in ten."
