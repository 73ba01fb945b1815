"""The row of work: that it is wanted, taking it, telling its progress, stopping it, ending it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.tenants.exceptions import AishaError
from apps.tenants.locks import holding
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkCancelledError, WorkOverError, WorkUnderWayError
from apps.tenants.work.models import Work
from apps.tenants.work.querysets import WorkQuerySet

log = logging.getLogger(__name__)

# Work whose workers have died so often will kill the next one too.
MOST_ATTEMPTS = 3

WorkT = TypeVar("WorkT", bound=Work)

# Called with the steps done and the steps there are; raises WorkCancelledError when a person wants to stop.
Tell = Callable[[int, int], None]
# Does the work and says in words what came of it.
Act = Callable[[Tell], str]


def write_down(work: WorkT) -> WorkT:
    """Write down that work is wanted; the caller sends it to a worker.

    Raises:
        WorkUnderWayError: the same waits or is being done already.
    """
    work.queued_at = timezone.now()
    try:
        with transaction.atomic():
            work.save(force_insert=True)
    except IntegrityError as error:
        raise WorkUnderWayError() from error
    return work


def request_cancel(work: Work) -> None:
    """Cancel work that waits, or ask work that runs to stop.

    Raises:
        WorkOverError: it is over already.
    """
    waiting = _row(work).filter(status=WorkStatus.QUEUED)
    if waiting.update(status=WorkStatus.CANCELLED, finished_at=timezone.now()):
        return
    running = _row(work).filter(status=WorkStatus.RUNNING)
    if not running.update(is_cancel_requested=True):
        raise WorkOverError()


def carry_out(work: Work, act: Act, watch: Tell | None = None) -> None:
    """Do the work to its end and write down what came of it; a second delivery finds nothing to do.

    ``watch`` is told the progress besides, for whoever looks on.

    Work whose worker was killed is taken over by the next delivery of its message.
    """
    with holding(f"work:{work._meta.label_lower}:{work.pk}") as is_ours:
        if not is_ours or not claim(work):
            return
        try:
            end(work, WorkStatus.SUCCEEDED, act(teller(work, watch)))
        except WorkCancelledError as error:
            end(work, WorkStatus.CANCELLED, error.message)
        except AishaError as error:
            end(work, WorkStatus.FAILED, error.message)
        except Exception as error:
            if not connection.is_usable():
                connection.close()
            end(work, WorkStatus.FAILED, f"It broke off ({type(error).__name__}).")
            raise


def close_lost(now: datetime, *kinds: type[Work]) -> int:
    """Mark work that no worker has any more, so that nothing seems to run for ever."""
    return sum(
        kind.objects.lost(now).update(status=WorkStatus.LOST, finished_at=now) for kind in kinds
    )


def tell_nobody(done: int, total: int) -> None:
    """A ``Tell`` for work of which nobody waits for the progress."""


def claim(work: Work) -> bool:
    """Take work that waits, or whose worker has died; the caller holds its lock. Says whether it is ours.

    Nothing of an earlier attempt is left, so it begins anew.
    """
    now = timezone.now()
    unfinished = _row(work).unfinished()
    if work.attempts >= MOST_ATTEMPTS:
        unfinished.update(
            status=WorkStatus.FAILED,
            finished_at=now,
            message=f"The worker died {MOST_ATTEMPTS} times at it.",
        )
        return False
    claimed = unfinished.update(
        status=WorkStatus.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
        heartbeat_at=now,
        steps_done=0,
    )
    return claimed == 1


def teller(work: Work, watch: Tell | None = None) -> Tell:
    """What a worker tells its steps to; it raises WorkCancelledError once a person wants it to stop."""
    going_on = _row(work).filter(status=WorkStatus.RUNNING, is_cancel_requested=False)

    def tell(done: int, total: int) -> None:
        if not going_on.update(steps_done=done, steps_total=total, heartbeat_at=timezone.now()):
            raise WorkCancelledError()
        if watch is not None:
            watch(done, total)

    return tell


def end(work: Work, status: WorkStatus, message: str, **values: Any) -> None:
    """Write down how work ended, with further values of its row, unless it was closed before."""
    _row(work).unfinished().update(
        status=status, message=message, finished_at=timezone.now(), **values
    )
    log.info("work ended", extra={"work": str(work._meta.model_name), "outcome": status.value})


def _row(work: Work) -> WorkQuerySet:
    return type(work).objects.filter(pk=work.pk)
