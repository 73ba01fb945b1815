"""Files of imports that are over go after some days; the import stays and its page says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from apps.conftest import Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.importing import services
from apps.crm.importing.exceptions import RunStateError
from apps.crm.importing.locks import import_lock
from apps.crm.importing.removal import remove_old_files
from apps.crm.importing.tasks import remove_all_old_import_files
from apps.crm.importing.uploads import is_stored
from apps.crm.models.imports import ImportRun, ImportStatus
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.templatetags.aisha_ui import exact_time
from apps.tenants.tests.threads import at_once
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
NOW = timezone.now()
DAY = timedelta(days=1)
MOMENT = timedelta(seconds=1)


def make_run(status: ImportStatus, age: timedelta, **values: object) -> ImportRun:
    """A run that was made and, if it is over, ended so long ago, with both files on the disk."""
    is_over = status in ImportStatus.ended_values()
    run = ImportRun.objects.create(
        record_kind="lead",
        source="x",
        file_name="f.csv",
        status=status,
        stored_path=default_storage.save("imports/u.csv", ContentFile("email\na@example.com\n")),
        errors_path=default_storage.save("imports/p.csv", ContentFile("row,column\n")),
        finished_at=NOW - age if is_over else None,
    )
    ImportRun.objects.filter(pk=run.pk).update(**{"created_at": NOW - age, **values})
    return run


def kept(run: ImportRun) -> tuple[bool, bool]:
    """Whether the upload and the list of problems are there: by the row, which must agree with the disk."""
    paths = (run.stored_path, run.errors_path)
    run.refresh_from_db()
    by_row = (run.stored_path != "", run.errors_path != "")
    assert by_row == tuple(is_stored(path) for path in paths)
    return by_row


@pytest.mark.parametrize(
    ("age", "is_upload_kept", "is_list_kept"),
    [
        (DAY - MOMENT, True, True),
        (DAY + MOMENT, False, True),
        (30 * DAY - MOMENT, False, True),
        (30 * DAY + MOMENT, False, False),
    ],
)
@pytest.mark.parametrize("status", ["finished", "failed", "cancelled"])
def test_files_of_a_run_that_is_over_go_in_time(
    cast: Cast, status: str, age: timedelta, is_upload_kept: bool, is_list_kept: bool
) -> None:
    run = make_run(ImportStatus(status), age)
    removed = remove_old_files(NOW)
    assert kept(run) == (is_upload_kept, is_list_kept)
    assert removed == (not is_upload_kept) + (not is_list_kept)
    assert run.files_removed_at == (NOW if removed else None)
    assert run.status == status
    assert remove_old_files(NOW) == 0


def test_the_days_are_settings(cast: Cast, settings: Settings) -> None:
    assert (settings.IMPORT_UPLOAD_KEEP_DAYS, settings.IMPORT_PROBLEMS_KEEP_DAYS) == (1, 30)
    settings.IMPORT_UPLOAD_KEEP_DAYS = 10
    settings.IMPORT_PROBLEMS_KEEP_DAYS = 5
    run = make_run(ImportStatus.FAILED, 6 * DAY)
    assert remove_old_files(NOW) == 1
    assert kept(run) == (True, False)
    assert remove_old_files(NOW + 5 * DAY) == 1
    assert kept(run) == (False, False)


def test_an_unfinished_run_keeps_its_files_however_old_it_is(cast: Cast) -> None:
    queued = make_run(ImportStatus.QUEUED, 400 * DAY)
    running = make_run(ImportStatus.RUNNING, 400 * DAY, started_at=NOW - 400 * DAY)
    with import_lock(RecordKind.LEAD):
        assert remove_old_files(NOW) == 0
    assert (kept(queued), kept(running)) == ((True, True), (True, True))
    assert (queued.status, running.status) == (ImportStatus.QUEUED, ImportStatus.RUNNING)


def test_a_run_whose_process_is_gone_is_over(cast: Cast) -> None:
    run = make_run(ImportStatus.RUNNING, 400 * DAY)
    assert remove_old_files(NOW) == 0
    assert kept(run) == (True, True)
    assert run.status == ImportStatus.FAILED
    assert remove_old_files(timezone.now() + DAY) == 1
    assert kept(run) == (False, True)


@pytest.mark.parametrize(
    ("age", "started_ago", "is_kept"),
    [
        (DAY - MOMENT, None, True),
        (DAY + MOMENT, None, False),
        (20 * DAY, DAY - MOMENT, True),
        (20 * DAY, DAY + MOMENT, False),
    ],
)
def test_an_upload_that_nobody_starts_is_cancelled_before_its_file_goes(
    cast: Cast, age: timedelta, started_ago: timedelta | None, is_kept: bool
) -> None:
    started_at = NOW - started_ago if started_ago else None
    run = make_run(ImportStatus.UPLOADED, age, started_at=started_at, errors_path="")
    assert remove_old_files(NOW) == int(not is_kept)
    run.refresh_from_db()
    assert (run.stored_path != "", run.status, run.failure, run.finished_at) == (
        (True, ImportStatus.UPLOADED, "", None)
        if is_kept
        else (False, ImportStatus.CANCELLED, "Nobody started this import in time.", NOW)
    )


def test_a_file_that_is_gone_already_is_no_error(cast: Cast) -> None:
    run = make_run(ImportStatus.FAILED, 2 * DAY)
    default_storage.delete(run.stored_path)
    assert remove_old_files(NOW) == 1
    assert kept(run) == (False, True)


def test_a_file_that_cannot_be_removed_keeps_no_other(
    cast: Cast, media_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, other = make_run(ImportStatus.FAILED, 2 * DAY), make_run(ImportStatus.FAILED, 2 * DAY)
    # A name longer than any file system takes.
    ImportRun.objects.filter(pk=stuck.pk).update(stored_path="imports/" + "x" * 280)
    assert remove_old_files(NOW) == 1
    assert kept(other) == (False, True)
    stuck.refresh_from_db()
    assert (stuck.stored_path != "", stuck.files_removed_at) == (True, None)
    assert [record.getMessage() for record in caplog.records] == [
        "an import file could not be removed"
    ]


def test_a_run_that_somebody_takes_back_at_this_moment_keeps_its_file(
    committed_tenant: Tenant,
) -> None:
    run = make_run(ImportStatus.FAILED, 2 * DAY)
    with transaction.atomic():
        services.reopen_run(run)
        (removed,) = at_once(committed_tenant, [partial(remove_old_files, NOW)])
    assert removed == 0
    assert kept(run) == (True, False)  # the list went with the reopening
    assert (run.status, run.files_removed_at) == (ImportStatus.UPLOADED, None)


def test_a_run_whose_file_has_just_gone_is_not_taken_back(cast: Cast) -> None:
    run = make_run(ImportStatus.FAILED, 2 * DAY)
    remove_old_files(NOW)
    with pytest.raises(RunStateError, match="The uploaded file is no longer kept"):
        services.reopen_run(run)


def test_each_tenant_loses_its_own_files_only(
    cast: Cast, globex: Tenant, acme: Tenant, media_root: Path
) -> None:
    mine = make_run(ImportStatus.FAILED, 2 * DAY)
    with globex:
        theirs = make_run(ImportStatus.FAILED, timedelta())
    assert remove_old_files(NOW) == 1
    assert kept(mine) == (False, True)
    with globex:
        assert kept(theirs) == (True, True)


def test_the_nightly_task_reaches_every_tenant(
    cast: Cast, acme: Tenant, globex: Tenant, eager: None
) -> None:
    runs = {}
    for tenant in (acme, globex):
        with tenant:
            runs[tenant] = make_run(ImportStatus.FAILED, 2 * DAY)
    tenant_connection().set_schema_to_public()
    remove_all_old_import_files()
    for tenant, run in runs.items():
        with tenant:
            assert kept(run) == (False, True)


def as_shown(moment: datetime) -> str:
    """The moment as the cast's people read it."""
    with timezone.override("Europe/Berlin"):
        return exact_time(moment)


def page_of(client: TenantClient, run: ImportRun) -> str:
    response = client.get(f"/import/{run.pk}/")
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize("status", [ImportStatus.FAILED, ImportStatus.CANCELLED])
def test_the_page_says_that_the_upload_is_gone(
    cast: Cast, client_for: ClientFor, status: ImportStatus
) -> None:
    run = make_run(status, 2 * DAY)
    client = client_for(cast.manager)
    assert "Back to the mapping" in page_of(client, run)
    remove_old_files(NOW)
    page = page_of(client, run)
    assert "Back to the mapping" not in page
    assert f"The uploaded file was removed on {as_shown(NOW)}, as uploads" in page
    assert "f.csv" in client.get("/import/").content.decode()


def test_the_page_of_an_import_from_the_command_line_speaks_of_no_upload(
    cast: Cast, client_for: ClientFor
) -> None:
    run = make_run(ImportStatus.FAILED, 40 * DAY, stored_path="", errors_path="")
    assert remove_old_files(NOW) == 0
    assert "uploaded file" not in page_of(client_for(cast.manager), run)


def test_the_page_says_that_the_list_of_problems_is_gone(cast: Cast, client_for: ClientFor) -> None:
    run = make_run(ImportStatus.FINISHED, 31 * DAY, rows_refused=3, rows_created=39)
    client = client_for(cast.manager)
    remove_old_files(NOW)
    page = page_of(client, run)
    assert f"Their list is no longer kept: it was removed on {as_shown(NOW)}." in page
    assert "uploaded file" not in page
    assert '<dd class="stat-value">39</dd>' in page
    assert "listed below" not in page
    assert client.get(f"/import/{run.pk}/problems.csv").status_code == 404


def test_an_import_without_problems_misses_no_list(cast: Cast, client_for: ClientFor) -> None:
    run = make_run(ImportStatus.FINISHED, 31 * DAY, rows_created=39)
    remove_old_files(NOW)
    assert "no longer kept" not in page_of(client_for(cast.manager), run)


def test_a_waiting_upload_that_is_missing_on_the_disk_is_closed_in_words(
    cast: Cast, client_for: ClientFor
) -> None:
    run = make_run(ImportStatus.UPLOADED, timedelta())
    default_storage.delete(run.stored_path)
    client = client_for(cast.manager)
    assert client.get(f"/import/{run.pk}/map/").headers["Location"] == f"/import/{run.pk}/"
    page = page_of(client, run)
    assert "The uploaded file is no longer kept. Upload it again." in page
    assert "Back to the mapping" not in page
    run.refresh_from_db()
    assert (run.status, run.stored_path) == (ImportStatus.FAILED, "")
