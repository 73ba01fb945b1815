"""Which runs and trials are wanted, and which of them nobody is at any more."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.models import PredictionRun, Trial
from apps.tenants.work.runs import close_lost, write_down
from apps.users.models import User


def request_run(
    kind: RunKind, prediction: Prediction | None, user: User | None = None
) -> PredictionRun:
    """Write down that a run is wanted; the caller sends it to a worker.

    Raises:
        WorkUnderWayError: one of the same kind waits or works already.
    """
    close_lost_runs(timezone.now())
    return write_down(PredictionRun(kind=kind, prediction=prediction or "", requested_by=user))


def close_lost_runs(now: datetime) -> int:
    """Mark runs and trials that no worker has any more; returns how many."""
    return close_lost(now, PredictionRun, Trial)
