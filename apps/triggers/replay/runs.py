"""The row of a replay: the lock of whoever is at it, its answer, and that nobody is at it any more."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.tenants.locks import is_held
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkCancelledError
from apps.triggers.models import ReplayRun
from apps.triggers.replay.schemas import ReplayResult


def lock_name(trigger: str) -> str:
    """The lock that whoever replays a trigger holds."""
    return f"replay:{trigger}"


def finish(run: ReplayRun, result: ReplayResult) -> None:
    """Keep the answer.

    Raises:
        WorkCancelledError: a person wanted it to stop in the last moment.
    """
    going_on = ReplayRun.objects.filter(
        pk=run.pk, status=WorkStatus.RUNNING, is_cancel_requested=False
    )
    if not going_on.update(
        status=WorkStatus.SUCCEEDED,
        finished_at=timezone.now(),
        result=result.model_dump(mode="json"),
    ):
        raise WorkCancelledError()


def close_lost_replays(now: datetime) -> int:
    """Mark replays that no worker has any more, so that nothing seems to run for ever."""
    unfinished = ReplayRun.objects.unfinished().values_list("trigger", flat=True)
    running = [trigger for trigger in unfinished if is_held(lock_name(trigger))]
    return ReplayRun.objects.orphaned(now, running=running).update(
        status=WorkStatus.LOST, finished_at=now
    )
