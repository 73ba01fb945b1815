"""The row of a run or trial: asking for it, taking it, telling its progress, stopping it, ending it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.predictions.enums import Prediction, RunKind, RunStatus
from apps.predictions.exceptions import (
    PredictionError,
    RunCancelledError,
    RunStateError,
    RunUnderWayError,
)
from apps.predictions.models import PredictionRun, Trial
from apps.predictions.models.runs import Work
from apps.predictions.querysets import WorkQuerySet
from apps.tenants.locks import holding
from apps.users.models import User

log = logging.getLogger(__name__)

# Work whose workers have died so often will kill the next one too.
MOST_ATTEMPTS = 3

# Called with the steps done and the steps there are; raises RunCancelledError when a person wants to stop.
Tell = Callable[[int, int], None]
# Does the work and says in words what came of it.
Act = Callable[[Tell], str]


def request_run(
    kind: RunKind, prediction: Prediction | None, user: User | None = None
) -> PredictionRun:
    """Write down that a run is wanted; the caller sends it to a worker.

    Raises:
        RunUnderWayError: one of the same kind waits or works already.
    """
    close_lost_runs(timezone.now())
    try:
        with transaction.atomic():
            return PredictionRun.objects.create(
                kind=kind,
                prediction=prediction or "",
                requested_by=user,
                queued_at=timezone.now(),
            )
    except IntegrityError as error:
        raise RunUnderWayError() from error


def request_cancel(work: Work) -> None:
    """Cancel work that waits, or ask work that runs to stop.

    Raises:
        RunStateError: it is over already.
    """
    waiting = _row(work).filter(status=RunStatus.QUEUED)
    if waiting.update(status=RunStatus.CANCELLED, finished_at=timezone.now()):
        return
    running = _row(work).filter(status=RunStatus.RUNNING)
    if not running.update(is_cancel_requested=True):
        raise RunStateError()


def carry_out(work: Work, act: Act, watch: Tell | None = None) -> None:
    """Do the work to its end and write down what came of it; a second delivery finds nothing to do.

    ``watch`` is told the progress besides, for whoever looks on.

    A run whose worker was killed is taken over by the next delivery of its message.
    """
    with holding(f"prediction-work:{work._meta.model_name}:{work.pk}") as is_ours:
        if not is_ours or not _claim(work):
            return
        try:
            _end(work, RunStatus.SUCCEEDED, act(_telling(work, watch)))
        except RunCancelledError as error:
            _end(work, RunStatus.CANCELLED, error.message)
        except PredictionError as error:
            _end(work, RunStatus.FAILED, error.message)
        except Exception as error:
            if not connection.is_usable():
                connection.close()
            _end(work, RunStatus.FAILED, f"It broke off ({type(error).__name__}).")
            raise


def close_lost_runs(now: datetime) -> int:
    """Mark work that no worker has any more, so that nothing seems to run for ever."""
    return sum(
        kind.objects.lost(now).update(status=RunStatus.LOST, finished_at=now)
        for kind in (PredictionRun, Trial)
    )


def tell_nobody(done: int, total: int) -> None:
    """A ``Tell`` for work of which nobody waits for the progress."""


def _claim(work: Work) -> bool:
    now = timezone.now()
    unfinished = _row(work).unfinished()
    if work.attempts >= MOST_ATTEMPTS:
        unfinished.update(
            status=RunStatus.FAILED,
            finished_at=now,
            message=f"The worker died {MOST_ATTEMPTS} times at it.",
        )
        return False
    claimed = unfinished.update(
        status=RunStatus.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
        heartbeat_at=now,
        steps_done=0,
    )
    return claimed == 1


def _telling(work: Work, watch: Tell | None) -> Tell:
    going_on = _row(work).filter(status=RunStatus.RUNNING, is_cancel_requested=False)

    def tell(done: int, total: int) -> None:
        if not going_on.update(steps_done=done, steps_total=total, heartbeat_at=timezone.now()):
            raise RunCancelledError()
        if watch is not None:
            watch(done, total)

    return tell


def _end(work: Work, status: RunStatus, message: str) -> None:
    _row(work).filter(status=RunStatus.RUNNING).update(
        status=status, message=message, finished_at=timezone.now()
    )
    log.info(
        "prediction work ended", extra={"work": str(work._meta.model_name), "outcome": status.value}
    )


def _row(work: Work) -> WorkQuerySet:
    return type(work).objects.filter(pk=work.pk)
