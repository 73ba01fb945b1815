"""The use cases of importing: import a file at once, or keep an upload, start it, run it, cancel it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.uploadedfile import UploadedFile
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models import Q

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, acting, record_event
from apps.crm.enums import RecordKind
from apps.crm.importing import staging
from apps.crm.importing.ended import tell_of_import
from apps.crm.importing.exceptions import (
    ImportBusyError,
    ImportCancelledError,
    ImportingError,
    RunStateError,
)
from apps.crm.importing.fields import parse_kind
from apps.crm.importing.formats import OpenFile, open_path
from apps.crm.importing.locks import import_lock, mark_killed_runs
from apps.crm.importing.mapping import MappingFile
from apps.crm.importing.pipeline import Reading, Written, read_file, stage_rows, write_records
from apps.crm.importing.runs import ImportProgress, RunReporter, claim_run, end_run
from apps.crm.importing.uploads import (
    display_name,
    is_stored,
    open_stored,
    remove_stored,
    store_problems,
    store_upload,
    stored_size_bytes,
)
from apps.crm.models.imports import ImportRun, ImportStatus

DEADLOCK_DETECTED = "40P01"
MAX_ATTEMPTS = 3
FILE_GONE = "The uploaded file is no longer kept. Upload it again."

TellProgress = Callable[[ImportProgress], None]


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did. Rows are data rows of the file; refused ones are listed in ``errors_path``."""

    run_id: int
    kind: RecordKind
    source: str
    is_dry_run: bool
    rows_total: int
    rows_created: int
    rows_changed: int
    rows_unchanged: int
    rows_refused: int
    rows_warned: int
    errors_path: str
    notes: tuple[str, ...]


def import_file(
    *,
    kind: RecordKind | str,
    path: Path | str,
    source: str = "",
    actor: Actor,
    mapping: Mapping[str, Any] | MappingFile | None = None,
    progress: TellProgress | None = None,
    backfilled: bool = False,
    dry_run: bool = False,
) -> ImportSummary:
    """Import a file from disk into the tenant that the connection stands in, and wait for the end.

    ``source`` names the system that ids belong to; empty takes the recognised one. ``mapping`` is as in a
    mapping file (``apps.crm.importing.mapping``). ``backfilled`` marks the change log's rows as written
    after the fact. ``dry_run`` does everything and rolls it back.

    Raises:
        ImportingError: nothing was imported, and the message says why.
    """
    path = Path(path)
    open_file = open_path(path)
    given = mapping if isinstance(mapping, MappingFile) else MappingFile.parse(dict(mapping or {}))
    run = ImportRun.objects.create(
        record_kind=kind if isinstance(kind, RecordKind) else parse_kind(kind),
        source=source[:60],
        file_name=display_name(path.name),
        mapping=given.model_dump(mode="json"),
        status=ImportStatus.QUEUED,
        is_dry_run=dry_run,
        started_by_id=actor.person_id,
    )
    job = _Job(run, open_file, path.stat().st_size, given, actor, progress, backfilled)
    return job.run()


def run_import(*, run_id: int) -> ImportSummary | None:
    """Run a queued upload to its end, in a worker. Safe to call twice; None when there is nothing to do.

    What goes wrong is written to the run, for the person who looks at it.
    """
    mark_killed_runs()
    run = ImportRun.objects.select_related("started_by").filter(pk=run_id).first()
    if run is None or run.status != ImportStatus.QUEUED:
        return None
    if not is_stored(run.stored_path):
        close_without_file(run)
        return None
    person = run.started_by
    actor = Actor.for_person(person) if person else Actor.for_system("Import")
    given = MappingFile.parse(run.mapping)
    job = _Job(
        run,
        open_stored(run.stored_path),
        stored_size_bytes(run.stored_path),
        given,
        actor,
        None,
        False,
    )
    try:
        summary = job.run()
    except ImportingError:
        return None
    if not summary.is_dry_run:
        discard_upload(run)
    return summary


def receive_upload(
    *, kind: RecordKind, source: str, upload: UploadedFile[Any], actor: Actor
) -> ImportRun:
    """Keep an uploaded file and open a run for it; nothing is imported before it is started."""
    return ImportRun.objects.create(
        record_kind=kind,
        source=source,
        file_name=display_name(upload.name or ""),
        stored_path=store_upload(upload),
        started_by_id=actor.person_id,
    )


def discard_upload(run: ImportRun) -> None:
    """Remove the file of a run that needs it no longer."""
    remove_stored(run.stored_path)
    ImportRun.objects.filter(pk=run.pk).update(stored_path="")


def close_without_file(run: ImportRun) -> None:
    """Mark a run as failed whose file has gone from the disk before it was imported."""
    if end_run(run.pk, ImportStatus(run.status), ImportStatus.FAILED, FILE_GONE):
        discard_upload(run)


def queue_import(
    run: ImportRun, given: MappingFile, source: str, actor: Actor, *, dry_run: bool = False
) -> None:
    """Fix the mapping of an upload and line it up; the caller enqueues the task on commit.

    Raises:
        RunStateError: it has been started or cancelled meanwhile.
    """
    queued = ImportRun.objects.filter(pk=run.pk, status=ImportStatus.UPLOADED).update(
        mapping=given.model_dump(mode="json"),
        source=source[:60],
        status=ImportStatus.QUEUED,
        is_dry_run=dry_run,
        started_by_id=actor.person_id,
        is_cancel_requested=False,
    )
    if not queued:
        raise RunStateError("This import has been started or cancelled already.")


def reopen_run(run: ImportRun) -> None:
    """Take an upload that was not imported back to its mapping, so that it can be started again.

    Raises:
        RunStateError: its file is gone, or it is under way.
    """
    remove_stored(run.errors_path)
    over = ImportRun.objects.filter(
        Q(status__in=[ImportStatus.FAILED, ImportStatus.CANCELLED])
        | Q(status=ImportStatus.FINISHED, is_dry_run=True),
        pk=run.pk,
    ).exclude(stored_path="")
    reopened = over.update(
        status=ImportStatus.UPLOADED,
        failure="",
        is_cancel_requested=False,
        errors_path="",
        rows_done=0,
        rows_total=None,
        finished_at=None,
        files_removed_at=None,
    )
    if not reopened:
        raise RunStateError(FILE_GONE)


class _Job:
    """One attempt to import one file, from the claim of its run to its end."""

    def __init__(
        self,
        run: ImportRun,
        open_file: OpenFile,
        size_bytes: int,
        given: MappingFile,
        actor: Actor,
        progress: TellProgress | None,
        backfilled: bool,
    ) -> None:
        self._kind = RecordKind(run.record_kind)
        self._run_id = run.pk
        self._source = run.source
        self._is_dry_run = run.is_dry_run
        self._open_file = open_file
        self._size_bytes = size_bytes
        self._given = given
        self._actor = actor
        self._progress = progress
        self._backfilled = backfilled
        self._reporter = RunReporter(run.pk)
        self._rows_total: int | None = None

    def run(self) -> ImportSummary:
        """Import the file, or say in the run why not and raise."""
        try:
            with import_lock(self._kind):
                claim_run(self._run_id)
                return self._run_claimed()
        except ImportBusyError as error:
            # Only a run that still waits: one that runs belongs to whoever holds the lock.
            self._end(ImportStatus.QUEUED, ImportStatus.FAILED, error.message, error.code)
            raise

    def _run_claimed(self) -> ImportSummary:
        running = ImportStatus.RUNNING
        try:
            return self._import()
        except ImportCancelledError as error:
            self._end(running, ImportStatus.CANCELLED, error.message, error.code)
            raise
        except ImportingError as error:
            self._end(running, ImportStatus.FAILED, error.message, error.code)
            raise
        except BaseException as error:
            # A fault of ours, a lost connection, a time limit, Ctrl-C: the transaction is rolled back.
            connection.close_if_unusable_or_obsolete()
            with suppress(DatabaseError, InterfaceError):
                self._end(running, ImportStatus.FAILED, _unexpected(error), "unexpected")
            raise

    def _import(self) -> ImportSummary:
        self._tell("reading", 0)
        reading = read_file(
            self._kind,
            self._open_file,
            size_bytes=self._size_bytes,
            given=self._given,
            source=self._source,
        )
        self._rows_total = reading.profile.rows
        self._note_reading(reading)
        try:
            plan = stage_rows(reading, lambda done: self._tell("checking", done))
            self._reporter.tell(reading.profile.rows, reading.profile.rows, is_last=True)
            self._tell("writing", reading.profile.rows)
            return self._write(plan, reading)
        finally:
            _drop_staging()

    def _write(self, plan: staging.StagingPlan, reading: Reading) -> ImportSummary:
        """Write in one transaction; a deadlock with another writer is tried again."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return self._write_once(plan, reading)
            except OperationalError as error:
                if attempt == MAX_ATTEMPTS or not _is_deadlock(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _write_once(self, plan: staging.StagingPlan, reading: Reading) -> ImportSummary:
        errors_path = ""
        try:
            with acting(self._actor, backfilled=self._backfilled):
                written = write_records(plan, reading)
                errors_path = store_problems(staging.read_problems())
                summary = self._summarise(reading, written, errors_path)
                if self._is_dry_run:
                    transaction.set_rollback(True)
                else:
                    self._finish(summary)
                    self._record(summary)
                    tell_of_import(self._kind)
        except BaseException:
            remove_stored(errors_path)
            raise
        if self._is_dry_run:
            self._finish(summary)
        return summary

    def _summarise(self, reading: Reading, written: Written, errors_path: str) -> ImportSummary:
        counts = written.counts
        imported = counts.created + counts.changed + counts.unchanged
        return ImportSummary(
            run_id=self._run_id,
            kind=self._kind,
            source=reading.mapping.source,
            is_dry_run=self._is_dry_run,
            rows_total=reading.profile.rows,
            rows_created=counts.created,
            rows_changed=counts.changed,
            rows_unchanged=counts.unchanged,
            rows_refused=reading.profile.rows - imported,
            rows_warned=written.rows_warned,
            errors_path=errors_path,
            notes=reading.notes + written.notes,
        )

    def _finish(self, summary: ImportSummary) -> None:
        self._reporter.finish(
            rows_done=summary.rows_total,
            rows_total=summary.rows_total,
            rows_created=summary.rows_created,
            rows_changed=summary.rows_changed,
            rows_unchanged=summary.rows_unchanged,
            rows_refused=summary.rows_refused,
            rows_warned=summary.rows_warned,
            errors_path=summary.errors_path,
            notes=list(summary.notes),
        )

    def _record(self, summary: ImportSummary) -> None:
        record_event(
            self._actor,
            Entry(
                Event.IMPORT_FINISHED,
                record_kind=summary.kind.value,
                details={
                    "run_id": summary.run_id,
                    "result": ImportStatus.FINISHED.value,
                    "created": summary.rows_created,
                    "changed": summary.rows_changed,
                    "unchanged": summary.rows_unchanged,
                    "refused": summary.rows_refused,
                    "warned": summary.rows_warned,
                },
            ),
        )

    def _end(self, held: ImportStatus, status: ImportStatus, failure: str, code: str) -> None:
        if end_run(self._run_id, held, status, failure) and not self._is_dry_run:
            details: dict[str, Detail] = {
                "run_id": self._run_id,
                "result": status.value,
                "code": code,
            }
            record_event(
                self._actor,
                Entry(Event.IMPORT_FINISHED, record_kind=self._kind.value, details=details),
            )

    def _note_reading(self, reading: Reading) -> None:
        ImportRun.objects.filter(pk=self._run_id).update(
            source=reading.mapping.source,
            encoding=reading.table.format.encoding,
            delimiter=reading.table.format.delimiter,
            mapping=reading.mapping.as_json(),
            notes=list(reading.notes),
            rows_total=reading.profile.rows,
        )

    def _tell(self, phase: str, rows_done: int) -> None:
        self._reporter.tell(rows_done, self._rows_total)
        if self._progress is not None:
            self._progress(ImportProgress(phase, rows_done, self._rows_total))


def _drop_staging() -> None:
    """Leave nothing behind on a connection that lives on; a broken transaction has dropped it already."""
    if connection.is_usable() and not connection.needs_rollback:
        staging.drop_tables()


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") == DEADLOCK_DETECTED


def _unexpected(error: BaseException) -> str:
    if isinstance(error, SoftTimeLimitExceeded):
        return "The import took longer than a worker may. Nothing was imported; split the file."
    return f"The import stopped unexpectedly ({type(error).__name__}). Nothing was imported."
