"""Imports beside other work: one at a time, stopped by a person, killed, and met by a deadlock."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.crm.enums import RecordKind
from apps.crm.importing.exceptions import ImportBusyError, ImportCancelledError
from apps.crm.importing.locks import KILLED, import_lock, mark_killed_runs
from apps.crm.importing.runs import ImportProgress, request_cancel
from apps.crm.importing.services import ImportSummary, import_file
from apps.crm.models import ChangeLog, CustomField, Lead
from apps.crm.models.imports import ImportRun, ImportStatus
from apps.crm.tests.importing.files import ACTOR, import_text, write_file
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant

LEADS = RecordKind.LEAD
PATIENCE_S = 30
MANY = "id,email\n" + "".join(f"{number},p{number}@example.com\n" for number in range(5000))


def in_thread(tenant: Tenant, work: Callable[[], None]) -> threading.Thread:
    """Run on a connection of its own, as another process would."""

    def run() -> None:
        tenant_connection().set_tenant(tenant)
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@contextmanager
def lock_held_elsewhere(tenant: Tenant, kind: RecordKind) -> Iterator[None]:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with import_lock(kind):
            held.set()
            release.wait(PATIENCE_S)

    thread = in_thread(tenant, hold)
    assert held.wait(PATIENCE_S)
    try:
        yield
    finally:
        release.set()
        thread.join(PATIENCE_S)


def test_a_second_import_of_the_kind_says_that_one_is_running(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    with lock_held_elsewhere(committed_tenant, LEADS):
        with pytest.raises(ImportBusyError) as busy:
            import_text(tmp_path, LEADS, "id,email\n1,a@example.com\n")
        # Another kind of record is no business of that lock.
        other = import_text(tmp_path, RecordKind.ACCOUNT, "id,name\n1,Isdom\n")
    assert busy.value.status == 409
    assert busy.value.message == (
        "Another import of the kind “Lead” is running for this company. Wait until it is over."
    )
    assert other.rows_created == 1
    refused = ImportRun.objects.get(record_kind=LEADS)
    assert (refused.status, refused.failure) == (ImportStatus.FAILED, busy.value.message)
    assert import_text(tmp_path, LEADS, "id,email\n1,a@example.com\n").rows_created == 1


def test_a_running_import_is_not_taken_for_a_killed_one(committed_tenant: Tenant) -> None:
    running = ImportRun.objects.create(
        record_kind=LEADS, source="x", file_name="f.csv", status=ImportStatus.RUNNING
    )
    killed = ImportRun.objects.create(
        record_kind=RecordKind.ACCOUNT, source="x", file_name="g.csv", status=ImportStatus.RUNNING
    )
    with lock_held_elsewhere(committed_tenant, LEADS):
        assert mark_killed_runs() == 1
    running.refresh_from_db()
    killed.refresh_from_db()
    assert (running.status, running.failure) == (ImportStatus.RUNNING, "")
    assert (killed.status, killed.failure) == (ImportStatus.FAILED, KILLED)
    assert mark_killed_runs() == 1


def test_an_import_that_is_cancelled_while_it_runs_imports_nothing(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    def cancel(progress: ImportProgress) -> None:
        if progress.phase == "checking":
            request_cancel(ImportRun.objects.get())

    with pytest.raises(ImportCancelledError):
        import_text(tmp_path, LEADS, MANY, progress=cancel)
    run = ImportRun.objects.get()
    assert (run.status, run.failure) == (
        ImportStatus.CANCELLED,
        "The import was cancelled. Nothing was imported.",
    )
    assert (Lead.objects.count(), ChangeLog.objects.count()) == (0, 0)
    entry = AuditEntry.objects.get(event=Event.IMPORT_FINISHED)
    assert entry.details == {"run_id": run.pk, "result": "cancelled", "code": "import_cancelled"}


def test_cancelling_in_the_last_moment_rolls_the_writing_back(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    def cancel(progress: ImportProgress) -> None:
        if progress.phase == "writing":
            request_cancel(ImportRun.objects.get())

    with pytest.raises(ImportCancelledError):
        import_text(tmp_path, LEADS, MANY, progress=cancel)
    assert (ImportRun.objects.get().status, Lead.objects.count()) == (ImportStatus.CANCELLED, 0)


@pytest.mark.parametrize("phase", ["checking", "writing"])
def test_an_import_that_loses_its_connection_says_so_and_can_be_run_again(
    committed_tenant: Tenant, tmp_path: Path, phase: str
) -> None:
    def end_it(progress: ImportProgress) -> None:
        if progress.phase == phase:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            in_thread(committed_tenant, lambda: end_session(pid)).join(PATIENCE_S)

    with pytest.raises(DatabaseError):
        import_text(tmp_path, LEADS, MANY, progress=end_it)
    run = ImportRun.objects.get()
    assert (run.status, Lead.objects.count()) == (ImportStatus.FAILED, 0)
    assert (
        run.failure == "The import stopped unexpectedly (OperationalError). Nothing was imported."
    )
    assert import_text(tmp_path, LEADS, MANY).rows_created == 5000


def test_a_killed_import_leaves_nothing_and_can_be_run_again(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    """A real process, killed with SIGKILL while it checks rows."""
    path = write_file(
        tmp_path, "id,email\n" + "".join(f"{n},p{n}@example.com\n" for n in range(60_000))
    )
    command = [
        sys.executable,
        "manage.py",
        "import_crm",
        "--tenant=race",
        "--kind=leads",
        str(path),
    ]
    url = (
        urlsplit(settings.DATABASE_URL)
        ._replace(path=f"/{connection.settings_dict['NAME']}")
        .geturl()
    )
    environment = os.environ | {"DATABASE_URL": url, "AISHA_DATABASE_ACCOUNT": "app"}
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = b""
        while b"checking" not in said:
            chunk = os.read(process.stderr.fileno(), 4096)
            assert chunk, said
            said += chunk
        process.kill()
    assert (ImportRun.objects.get().status, Lead.objects.count()) == (ImportStatus.RUNNING, 0)
    give_up_at = time.monotonic() + PATIENCE_S
    # The server notices the end of the process a moment later.
    while not mark_killed_runs():
        assert time.monotonic() < give_up_at
    run = ImportRun.objects.get()
    assert (run.status, run.failure, Lead.objects.count()) == (ImportStatus.FAILED, KILLED, 0)
    assert import_file(kind=LEADS, path=path, actor=ACTOR).rows_created == 60_000


def end_session(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def test_progress_is_seen_from_outside_while_the_import_runs(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int | None]] = []

    def look(progress: ImportProgress) -> None:
        def read() -> None:
            run = ImportRun.objects.get()
            seen.append((run.status, run.rows_done, run.rows_total))

        if progress.phase == "writing":
            in_thread(committed_tenant, read).join(PATIENCE_S)

    import_text(tmp_path, LEADS, MANY, progress=look)
    assert seen == [("running", 5000, 5000)]


def test_a_deadlock_with_another_session_is_tried_again(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    """The other one keeps writers off the leads, which the import has read, and waits to have them alone.

    PostgreSQL sees at once that the import, which would write now, stands behind somebody who waits for it:
    whatever the load, the import is refused, and not the other one.
    """
    import_text(tmp_path, LEADS, "id,email,Mood\n1,a@example.com,good\n")
    threads: list[threading.Thread] = []
    refused: list[str] = []

    def want_alone() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE crm_lead IN SHARE MODE")
            cursor.execute("LOCK TABLE crm_lead IN ACCESS EXCLUSIVE MODE")

    def meet(execute: Callable[..., Any], statement: Any, *rest: Any) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string(None)
        if not threads and text.startswith('INSERT INTO "race"."crm_lead"'):
            threads.append(in_thread(committed_tenant, want_alone))
            wait_until_somebody_waits_for_the_leads()
        try:
            return execute(statement, *rest)
        except DatabaseError as error:
            refused.append(type(error.__cause__).__name__)
            raise

    with connection.execute_wrapper(meet):
        summary: ImportSummary = import_text(
            tmp_path, LEADS, "id,email,Mood\n1,b@example.com,bad\n", mapping={"Mood": "custom:mood"}
        )
    (thread,) = threads
    thread.join(PATIENCE_S)
    assert (refused, thread.is_alive()) == (["DeadlockDetected"], False)
    assert (summary.rows_changed, ImportRun.objects.first().status) == (1, ImportStatus.FINISHED)  # type: ignore[union-attr]
    lead = Lead.objects.get()
    assert (lead.email, lead.attributes) == ("b@example.com", {"mood": "bad"})
    assert CustomField.objects.count() == 1


def wait_until_somebody_waits_for_the_leads() -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' "
                "AND relation = 'crm_lead'::regclass"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


def test_two_imports_at_once_of_different_kinds_both_go_in(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    created: dict[str, int] = {}

    def bring(kind: RecordKind, text: str) -> Callable[[], None]:
        folder = tmp_path / kind.value
        folder.mkdir()

        def work() -> None:
            created[kind.value] = import_text(folder, kind, text).rows_created

        return work

    accounts = "id,name\n" + "".join(f"{number},Company {number}\n" for number in range(3000))
    threads = [
        in_thread(committed_tenant, bring(LEADS, MANY)),
        in_thread(committed_tenant, bring(RecordKind.ACCOUNT, accounts)),
    ]
    for thread in threads:
        thread.join(PATIENCE_S)
    assert created == {"lead": 5000, "account": 3000}


def test_nothing_of_the_staging_stays_behind(committed_tenant: Tenant, tmp_path: Path) -> None:
    import_text(tmp_path, LEADS, "id,email\n1,a@example.com\n")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'crm_import_%' AND relpersistence = 't'"
        )
        assert cursor.fetchone()[0] == 0
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone()[0] == 0
