"""Replays in the background. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

from apps.tenants.context import begin_request
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.runs import end
from apps.triggers.models import ReplayRun
from apps.triggers.replay import services


@shared_task(name="triggers.run_replay")
def run_replay(*, run_id: int) -> None:
    """Run a replay that a person asked for."""
    begin_request()
    services.run_replay(run_id=run_id)


def send_replay(run: ReplayRun) -> None:
    """Hand a queued replay to a worker once the transaction is through."""
    transaction.on_commit(lambda: _enqueue(run))


def _enqueue(run: ReplayRun) -> None:
    try:
        run_replay.delay(run_id=run.pk)
    except BrokerError:
        end(run, WorkStatus.FAILED, "The queue could not be reached. Ask again.")
