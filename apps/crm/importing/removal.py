"""Removing the files of imports that are over: their rows stay and say that the files are gone."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Greatest

from apps.crm.importing.locks import mark_killed_runs
from apps.crm.importing.uploads import remove_stored
from apps.crm.models.imports import ImportRun, ImportStatus

log = logging.getLogger(__name__)

NOT_STARTED = "Nobody started this import in time."


def remove_old_files(now: datetime) -> int:
    """Remove uploads nobody came back to and old lists of problems; return how many files went.

    The files of an import that is queued or running are never touched, however old. One that waits for its
    mapping for longer than an upload is kept is cancelled first.
    """
    mark_killed_runs()
    uploads_before = now - timedelta(days=settings.IMPORT_UPLOAD_KEEP_DAYS)
    problems_before = now - timedelta(days=settings.IMPORT_PROBLEMS_KEEP_DAYS)
    ended = Q(status__in=ImportStatus.ended_values())
    # An import that was started before and taken back to its mapping is as old as that start.
    waiting = Q(status=ImportStatus.UPLOADED, touched_at__lt=uploads_before)
    runs = ImportRun.objects.alias(touched_at=Greatest("created_at", "started_at")).order_by("pk")
    uploads = runs.exclude(stored_path="").filter(
        waiting | (ended & Q(finished_at__lt=uploads_before))
    )
    problems = runs.exclude(errors_path="").filter(ended, finished_at__lt=problems_before)
    return _remove(uploads, "stored_path", now) + _remove(problems, "errors_path", now)


def _remove(runs: QuerySet[ImportRun], column: str, now: datetime) -> int:
    """Remove the file that ``column`` names of each run.

    The row is locked meanwhile, so that nobody starts the import whose file is going; and the file goes
    before its name, so that a killed worker leaves no file that nothing names.
    """
    removed = 0
    for pk in list(runs.values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                run = runs.select_for_update(skip_locked=True).filter(pk=pk).first()
                if run is None:
                    continue
                remove_stored(getattr(run, column))
                _note_removal(run, column, now)
        except OSError:
            # One folder that cannot be written must not keep the other files.
            log.exception("an import file could not be removed", extra={"run_id": pk})
        else:
            removed += 1
    return removed


def _note_removal(run: ImportRun, column: str, now: datetime) -> None:
    setattr(run, column, "")
    run.files_removed_at = now
    if run.status == ImportStatus.UPLOADED:
        run.status, run.failure, run.finished_at = ImportStatus.CANCELLED, NOT_STARTED, now
    run.save(update_fields=[column, "files_removed_at", "status", "failure", "finished_at"])
