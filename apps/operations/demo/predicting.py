"""Predictions of the demo: what the last weeks would have shown, and what today shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django_tenants.utils import schema_context

from apps.operations.demo.installing import DEMO_TENANTS, DemoTenant, Say
from apps.predictions.models import Forecast, Score, TrainedModel
from apps.predictions.services.forecasts import publish_forecasts
from apps.predictions.services.scoring import score_all
from apps.predictions.services.training import train
from apps.predictions.services.work import (
    LEARNED,
    carry_out_run,
    request_night,
    scored_predictions,
)
from apps.tenants.work.runs import tell_nobody

# A score's line and the waterfall of a forecast begin before the demo was made.
_WEEKS = (4, 3, 2, 1)


def predict_demo(*, now: datetime, say: Say, tenants: Sequence[DemoTenant] = DEMO_TENANTS) -> None:
    """Do a night's work in the demo's tenants; the first time, that of the last weeks besides."""
    for tenant in tenants:
        with schema_context(tenant.schema):
            say(f"{tenant.schema}: the last weeks ...")
            _look_back(now)
            for run in request_night(now):
                carry_out_run(run, now=now)
                run.refresh_from_db()
                what = f"{run.get_kind_display()} {run.get_prediction_display()}".strip().lower()
                say(f"{tenant.schema}: {what}: {run.message}")


def _look_back(now: datetime) -> None:
    """Learn, and score and forecast as of earlier weeks, in their order."""
    if not TrainedModel.objects.exists():
        for prediction in LEARNED:
            train(prediction, now=now, tell=tell_nobody)
    has_scores, has_forecasts = Score.objects.exists(), Forecast.objects.exists()
    for weeks in _WEEKS:
        then = now - timedelta(weeks=weeks)
        for prediction in scored_predictions() if not has_scores else ():
            score_all(prediction, now=then, tell=tell_nobody)
        if not has_forecasts:
            publish_forecasts(now=then, tell=tell_nobody)
