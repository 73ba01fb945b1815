"""Factories of scores."""

from __future__ import annotations

from datetime import UTC, datetime

from factory.django import DjangoModelFactory

from apps.predictions.enums import Prediction
from apps.predictions.models import Score


class ScoreFactory(DjangoModelFactory[Score]):
    """The latest score of a lead."""

    class Meta:
        model = Score

    prediction = Prediction.LEAD_CONVERSION
    record_kind = "lead"
    score_0_1 = 0.5
    model_version = "tests"
    scored_at = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
