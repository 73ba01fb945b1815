"""The row of a replay: taking it, telling its progress, asking it to stop, ending it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F
from django.utils import timezone

from apps.tenants.locks import is_held
from apps.triggers.enums import ReplayStatus
from apps.triggers.models import ReplayRun
from apps.triggers.replay.exceptions import ReplayCancelledError, ReplayStateError
from apps.triggers.replay.schemas import ReplayResult

# A replay whose workers have died so often will kill the next one too.
MOST_ATTEMPTS = 3


def lock_name(trigger: str) -> str:
    """The lock that whoever replays a trigger holds."""
    return f"replay:{trigger}"


def claim(run: ReplayRun) -> bool:
    """Take a run that waits, or one whose worker has died; the caller holds the trigger's lock.

    Nothing of an earlier attempt is left, so it begins anew.
    """
    now = timezone.now()
    claimed = (
        ReplayRun.objects.unfinished()
        .filter(pk=run.pk, attempts__lt=MOST_ATTEMPTS)
        .update(
            status=ReplayStatus.RUNNING,
            attempts=F("attempts") + 1,
            started_at=now,
            heartbeat_at=now,
            steps_done=0,
            steps_total=run.days + 1,
        )
    )
    if claimed:
        run.refresh_from_db()
    return claimed == 1


def tell(run: ReplayRun, steps_done: int) -> None:
    """Write how far the replay is.

    Raises:
        ReplayCancelledError: a person wants it to stop, or it was closed.
    """
    going_on = ReplayRun.objects.filter(
        pk=run.pk, status=ReplayStatus.RUNNING, is_cancel_requested=False
    )
    if not going_on.update(steps_done=steps_done, heartbeat_at=timezone.now()):
        raise ReplayCancelledError()


def finish(run: ReplayRun, result: ReplayResult) -> None:
    """Keep the answer.

    Raises:
        ReplayCancelledError: a person wanted it to stop in the last moment.
    """
    going_on = ReplayRun.objects.filter(
        pk=run.pk, status=ReplayStatus.RUNNING, is_cancel_requested=False
    )
    if not going_on.update(
        status=ReplayStatus.SUCCEEDED,
        finished_at=timezone.now(),
        result=result.model_dump(mode="json"),
    ):
        raise ReplayCancelledError()


def end(run: ReplayRun, status: ReplayStatus, failure: str) -> None:
    """Mark a run that has no answer, if it is not over yet."""
    ReplayRun.objects.unfinished().filter(pk=run.pk).update(
        status=status, failure=failure, finished_at=timezone.now()
    )


def request_cancel(run: ReplayRun) -> None:
    """Cancel a run that waits, or ask one that runs to stop.

    Raises:
        ReplayStateError: it is over already.
    """
    waiting = ReplayRun.objects.filter(pk=run.pk, status=ReplayStatus.QUEUED)
    if waiting.update(status=ReplayStatus.CANCELLED, finished_at=timezone.now()):
        return
    running = ReplayRun.objects.filter(pk=run.pk, status=ReplayStatus.RUNNING)
    if not running.update(is_cancel_requested=True):
        raise ReplayStateError()


def close_lost_replays(now: datetime) -> int:
    """Mark replays that no worker has any more, so that nothing seems to run for ever."""
    unfinished = ReplayRun.objects.unfinished().values_list("trigger", flat=True)
    running = [trigger for trigger in unfinished if is_held(lock_name(trigger))]
    return ReplayRun.objects.lost(now, running=running).update(
        status=ReplayStatus.LOST, finished_at=now
    )
