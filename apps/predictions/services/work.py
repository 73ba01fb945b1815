"""What each kind of run does, and what a tenant's night consists of."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.exceptions import DocumentRefusedError, NothingServesError, ScoringBusyError
from apps.predictions.models import PredictionRun, TrainedModel
from apps.predictions.services.changes import keep_cursor, read_changed
from apps.predictions.services.drift import watch_drift
from apps.predictions.services.forecasts import publish_forecasts
from apps.predictions.services.runs import request_run
from apps.predictions.services.scoring import score_all, score_records
from apps.predictions.services.training import is_due, train
from apps.predictions.services.writing import retire_scores
from apps.tenants.locks import holding
from apps.tenants.work.exceptions import WorkUnderWayError
from apps.tenants.work.runs import Tell, carry_out, tell_nobody

log = logging.getLogger(__name__)

# Engagement is a formula: there is nothing to learn.
LEARNED = (Prediction.LEAD_CONVERSION, Prediction.DEAL_CLOSE, Prediction.RENEWAL_RISK)


def carry_out_run(run: PredictionRun, *, now: datetime, watch: Tell | None = None) -> None:
    """Do what a run is for. A training that ends with a model in service is followed by its scoring."""
    carry_out(run, lambda tell: _act(run, now, tell), watch)


def scored_predictions() -> list[Prediction]:
    """The predictions for which a model serves, and engagement, which needs none."""
    serving = TrainedModel.objects.serving().order_by("prediction")
    names = serving.values_list("prediction", flat=True)
    return [*map(Prediction, names), Prediction.CONTACT_ENGAGEMENT]


def request_night(now: datetime) -> list[PredictionRun]:
    """Write down the runs of a tenant's night, as far as there is something to do and nobody is at it."""
    due = [prediction for prediction in LEARNED if is_due(prediction, now)]
    wanted: list[tuple[RunKind, Prediction | None]] = [
        *((RunKind.TRAINING, prediction) for prediction in due),
        *(
            (RunKind.SCORING, prediction)
            for prediction in scored_predictions()
            if prediction not in due
        ),
        (RunKind.FORECAST, None),
    ]
    runs = []
    for kind, prediction in wanted:
        with suppress(WorkUnderWayError):
            runs.append(request_run(kind, prediction))
    return runs


def withdraw_scores(now: datetime) -> None:
    """Let no score be the latest any more: switched off, nobody keeps what triggers rest on."""
    for prediction in Prediction:
        retire_scores(prediction, now=now)


def score_changed(now: datetime) -> int:
    """Score what changed since the last look; returns how many scores have moved.

    The place up to which was read is kept once all of it is scored: who was cut off reads it again. Where
    somebody is at it already, it is left to them; where somebody scores everything, to the next look.
    """
    with holding("scoring-changes") as is_ours, suppress(ScoringBusyError):
        return _score_changed(now) if is_ours else 0
    return 0


def _score_changed(now: datetime) -> int:
    changed = read_changed()
    moved = 0
    for prediction in scored_predictions() if changed.is_any else ():
        try:
            if changed.is_too_much:
                score_all(prediction, now=now, tell=tell_nobody)
            elif ids := changed.by_prediction.get(prediction):
                moved += score_records(prediction, ids, now=now)
        except DocumentRefusedError:
            # The night makes another model and scores everything; the other predictions need not wait.
            log.exception("a stored model was refused", extra={"prediction": prediction.value})
    keep_cursor(changed.next_cursor)
    return moved


def _act(run: PredictionRun, now: datetime, tell: Tell) -> str:
    if run.kind == RunKind.FORECAST:
        return publish_forecasts(now=now, tell=tell)
    prediction = Prediction(run.prediction)
    told = [train(prediction, now=now, tell=tell)] if run.kind == RunKind.TRAINING else []
    if prediction in LEARNED:
        told.append(watch_drift(prediction, now=now, tell=tell))
    if prediction in scored_predictions():
        told.append(score_all(prediction, now=now, tell=tell))
    elif not any(told):
        raise NothingServesError()
    return " ".join(filter(None, told))
