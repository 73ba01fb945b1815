"""Starting and stopping runs at a person's wish: who may, and on record."""

from __future__ import annotations

from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.predictions.enums import Prediction, RunKind
from apps.predictions.exceptions import (
    NothingToTrainError,
    PredictionMissingError,
    RunPermissionError,
)
from apps.predictions.models import PredictionRun
from apps.predictions.services.runs import request_run
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.tenants.work.runs import request_cancel
from apps.users.models import User

ADD_PERMISSION = "predictions.add_predictionrun"
VIEW_PERMISSION = "predictions.view_predictionrun"


def start_run(kind: RunKind, prediction: Prediction | None, user: User) -> PredictionRun:
    """Write down that a person wants a run; the caller sends it to a worker. A forecast has no prediction.

    Raises:
        RunPermissionError: the person's role does not include it.
        ModuleOffError: predictions are switched off.
        PredictionMissingError, NothingToTrainError: there is no such run.
        WorkUnderWayError: one of the same kind waits or works already.
    """
    _require_permission(user)
    require_module(Module.PREDICTIONS)
    if kind == RunKind.FORECAST:
        prediction = None
    elif prediction is None:
        raise PredictionMissingError()
    elif kind == RunKind.TRAINING and prediction == Prediction.CONTACT_ENGAGEMENT:
        raise NothingToTrainError()
    with transaction.atomic():
        run = request_run(kind, prediction, user)
        _record(Event.PREDICTION_RUN_REQUESTED, run, user)
    return run


def stop_run(run: PredictionRun, user: User) -> None:
    """Stop a run that waits or works.

    Raises:
        RunPermissionError: the person's role does not include it.
        WorkOverError: it is over already.
    """
    _require_permission(user)
    with transaction.atomic():
        request_cancel(run)
        _record(Event.PREDICTION_RUN_STOPPED, run, user)


def _require_permission(user: User) -> None:
    if not user.has_perm(ADD_PERMISSION):
        raise RunPermissionError()


def _record(event: Event, run: PredictionRun, user: User) -> None:
    details: dict[str, Detail] = {"run_id": run.pk, "kind": run.kind, "prediction": run.prediction}
    record_event(Actor.for_person(user), Entry(event, details=details))
