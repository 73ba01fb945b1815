"""The ledger row of an import: taking it, telling its progress, asking it to stop, ending it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apps.crm.importing.exceptions import ImportCancelledError, RunStateError
from apps.crm.models.imports import ImportRun, ImportStatus

# How often the row is written; people look once a second.
PROGRESS_INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import has come. ``phase``: reading, checking, writing."""

    phase: str
    rows_done: int
    rows_total: int | None


def claim_run(run_id: int) -> ImportRun:
    """Take a queued run: of several that try, one goes on.

    Raises:
        RunStateError: it was taken already, or cancelled.
    """
    claimed = ImportRun.objects.filter(pk=run_id, status=ImportStatus.QUEUED).update(
        status=ImportStatus.RUNNING, started_at=timezone.now(), rows_done=0, failure=""
    )
    if not claimed:
        raise RunStateError("This import is not waiting to be started.")
    return ImportRun.objects.get(pk=run_id)


class RunReporter:
    """Writes a run's progress now and then, and stops the run when a person asked for it."""

    def __init__(self, run_id: int) -> None:
        self._run = ImportRun.objects.filter(pk=run_id, status=ImportStatus.RUNNING)
        self._written_at = 0.0

    def tell(self, rows_done: int, rows_total: int | None, *, is_last: bool = False) -> None:
        """Write how many rows are done, at most every half second.

        Raises:
            ImportCancelledError: a person pressed cancel.
        """
        now = time.monotonic()
        if not is_last and now - self._written_at < PROGRESS_INTERVAL_S:
            return
        self._written_at = now
        if not self._run.filter(is_cancel_requested=False).update(
            rows_done=rows_done, rows_total=rows_total
        ):
            raise ImportCancelledError()

    def finish(self, **columns: Any) -> None:
        """Mark the run finished, in the transaction that writes its records.

        Raises:
            ImportCancelledError: a person pressed cancel in the last moment; the caller rolls back.
        """
        if not self._run.filter(is_cancel_requested=False).update(
            status=ImportStatus.FINISHED, finished_at=timezone.now(), **columns
        ):
            raise ImportCancelledError()


def end_run(run_id: int, held: ImportStatus, status: ImportStatus, failure: str) -> bool:
    """Mark a run failed or cancelled, if it is still in the state ``held``; return whether it was."""
    return bool(
        ImportRun.objects.filter(pk=run_id, status=held).update(
            status=status, failure=failure, finished_at=timezone.now()
        )
    )


def request_cancel(run: ImportRun) -> None:
    """Cancel a run that waits, or ask one that runs to stop.

    Raises:
        RunStateError: it is over already.
    """
    waiting = ImportRun.objects.filter(
        pk=run.pk, status__in=[ImportStatus.UPLOADED, ImportStatus.QUEUED]
    )
    if waiting.update(status=ImportStatus.CANCELLED, finished_at=timezone.now()):
        return
    running = ImportRun.objects.filter(pk=run.pk, status=ImportStatus.RUNNING)
    if not running.update(is_cancel_requested=True):
        raise RunStateError("This import is over already; there is nothing to cancel.")
