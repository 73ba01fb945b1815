"""Factories of scores, forecasts and targets."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.predictions.enums import ForecastWindow, Prediction
from apps.predictions.models import Forecast, SalesTarget, Score
from apps.predictions.schemas import DealShare, ForecastFigures


class ScoreFactory(DjangoModelFactory[Score]):
    """The latest score of a lead."""

    class Meta:
        model = Score

    prediction = Prediction.LEAD_CONVERSION
    record_kind = "lead"
    score_0_1 = 0.5
    model_version = "tests"
    scored_at = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


class ForecastFactory(DjangoModelFactory[Forecast]):
    """The company's forecast of the first quarter of 2026, with no deal behind it."""

    class Meta:
        model = Forecast

    window = ForecastWindow.QUARTER
    starts_on = date(2026, 1, 1)
    ends_on = date(2026, 3, 31)
    currency = "USD"
    made_on = date(2026, 3, 1)
    p10 = Decimal(800)
    p50 = Decimal(1000)
    p90 = Decimal(1300)
    won_so_far = Decimal(500)
    figures = factory.LazyAttribute(lambda row: figures().model_dump(mode="json"))


def figures(*deals: DealShare, **values: Any) -> ForecastFigures:
    """What stands behind a forecast, with these deals."""
    told: dict[str, Any] = {
        "method": "simulation",
        "method_label": "Each open deal and new business, simulated",
        "chosen_because": "It came nearest at the earlier cut-offs.",
        "cutoffs": 12,
        "open_deals": sum(deal.expected for deal in deals),
        "new_business": 0.0,
        "remarks": (),
        "deals": deals,
        "methods": (),
        "fan": (),
        **values,
    }
    return ForecastFigures.model_validate(told)


def share_of(
    deal_id: int, amount: float, probability_0_1: float, owner_id: int | None = None
) -> DealShare:
    """What an open deal brings."""
    return DealShare(
        deal_id=deal_id,
        owner_id=owner_id,
        probability_0_1=probability_0_1,
        amount=amount,
        expected=amount * probability_0_1,
    )


class SalesTargetFactory(DjangoModelFactory[SalesTarget]):
    """The company's target of the first quarter of 2026."""

    class Meta:
        model = SalesTarget

    starts_on = date(2026, 1, 1)
    months = 3
    amount = Decimal(1200)
    currency = "USD"
