"""The import pages: upload, mapping and preview, progress, problems, cancel and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.importing import services
from apps.crm.importing.locks import KILLED
from apps.crm.models import ChangeLog, CustomField, Lead, Opportunity, Stage
from apps.crm.models.imports import ImportRun, ImportStatus
from apps.tenants.models import Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
TEXT = "Record ID,Deal Name,Deal Stage,Amount,Mood\n1,A,Demo booked,100,good\n2,B,Closed Won,much,bad\n"


def upload(
    client: Client, content: bytes, kind: str = "opportunity", name: str = "deals.csv"
) -> Any:
    data = {"kind": kind, "file": SimpleUploadedFile(name, content), "source": ""}
    return client.post("/import/", data)


def mapping_of(client: Client, run: ImportRun, **changes: str) -> dict[str, str]:
    """What the mapping form would send as it is shown, with changes."""
    form = client.get(f"/import/{run.pk}/map/").context["form"]
    data = {
        bound.html_name: bound.value() for bound in form if bound.value() not in (None, False, "")
    }
    return data | {"action": "start"} | changes


def start(client: Client, run: ImportRun, **changes: str) -> Any:
    return client.post(f"/import/{run.pk}/map/", mapping_of(client, run, **changes))


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_file_goes_all_the_way(
    cast: Cast,
    client_for: ClientFor,
    eager: None,
    media_root: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_for(cast.manager)
    response = upload(client, TEXT.encode())
    run = ImportRun.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, f"/import/{run.pk}/map/")
    assert (run.status, run.started_by, run.file_name) == ("uploaded", cast.manager, "deals.csv")
    assert [path.parent.relative_to(media_root).as_posix() for path in files_in(media_root)] == [
        "acme/imports"
    ]
    with django_capture_on_commit_callbacks(execute=True):
        response = start(client, run)
    assert (response.status_code, response.headers["Location"]) == (302, f"/import/{run.pk}/")
    run.refresh_from_db()
    assert (run.status, run.rows_done, run.rows_total) == ("finished", 2, 2)
    assert (run.rows_created, run.rows_refused, run.source) == (1, 1, "hubspot")
    deal = Opportunity.objects.get()
    assert (deal.external_id, deal.stage.label, deal.attributes) == ("1", "Demo booked", {})
    assert ChangeLog.objects.get().actor_id == cast.manager.pk
    page = client.get(f"/import/{run.pk}/")
    assert (
        page.context["problems"][0][0].message
        == "“much” is not an amount. Write 1234.56, 1,234.56 or 1.234,56."
    )
    # The upload is gone; the list of problems is kept.
    assert [path.name.endswith("-problems.csv") for path in files_in(media_root)] == [True]
    assert run.stored_path == ""


def test_the_mapping_page_shows_what_was_recognised_and_marks_problems(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    upload(client, TEXT.encode())
    run = ImportRun.objects.get()
    page = client.get(f"/import/{run.pk}/map/")
    chosen = {field.label: field.value() for field, _ in page.context["columns"]}
    assert chosen == {
        "Record ID": "external_id",
        "Deal Name": "name",
        "Deal Stage": "stage",
        "Amount": "amount",
        "Mood": "",
    }
    preview = page.context["preview"]
    assert [row.number for row in preview.rows] == [2, 3]
    assert [row.is_refused for row in preview.rows] == [False, True]
    assert (
        preview.rows[1].cells[3].message
        == "“much” is not an amount. Write 1234.56, 1,234.56 or 1.234,56."
    )
    assert "The stage “Demo booked” did not exist and is added (open)." in preview.notes
    # A look adds nothing.
    assert (Stage.objects.count(), Opportunity.objects.count()) == (6, 0)


def test_a_column_becomes_a_custom_field_when_chosen(
    cast: Cast,
    client_for: ClientFor,
    eager: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_for(cast.manager)
    upload(client, TEXT.replace("much", "5").encode())
    run = ImportRun.objects.get()
    looked = client.post(
        f"/import/{run.pk}/map/",
        mapping_of(client, run, action="preview", **{"column-4": "custom:mood:text"}),
    )
    assert (looked.status_code, CustomField.objects.count()) == (200, 0)
    assert "The custom field “Mood” is added." in looked.context["preview"].notes
    with django_capture_on_commit_callbacks(execute=True):
        start(client, run, **{"column-4": "custom:mood:text"})
    assert CustomField.objects.get().label == "Mood"
    assert list(Opportunity.objects.order_by("id").values_list("attributes", flat=True)) == [
        {"mood": "good"},
        {"mood": "bad"},
    ]


def test_a_mapping_that_cannot_make_records_does_not_start(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    upload(client, b"Zodiac,Shoe size\nLeo,42\n", kind="account")
    run = ImportRun.objects.get()
    response = start(client, run)
    assert response.status_code == 422
    assert "No column is mapped to “Name”." in response.content.decode()
    run.refresh_from_db()
    assert run.status == ImportStatus.UPLOADED


def test_two_columns_for_one_field_are_refused_and_the_choice_is_kept(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    upload(client, TEXT.encode())
    run = ImportRun.objects.get()
    response = start(client, run, **{"column-4": "name"})
    assert response.status_code == 422
    content = response.content.decode()
    assert "Both “Deal Name” and “Mood” are mapped to “name”. Choose one." in content
    assert response.context["form"]["column-4"].value() == "name"


def test_a_field_that_no_column_gives_can_have_one_value(
    cast: Cast,
    client_for: ClientFor,
    eager: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_for(cast.manager)
    upload(client, b"id,deal name\n1,A\n")
    run = ImportRun.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        start(client, run, **{"constant-stage": "Negotiation"})
    assert Opportunity.objects.get().stage.key == "negotiation"


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 422, "The file is empty."),
        (b"PK\x03\x04", 422, "This is an Excel workbook or a ZIP archive."),
        (b"id,name\n1,A,B\n", 422, "Row 2 has 3 cells, but the header has 2."),
        (b"id,name\n", 422, "The file names its columns but has no rows."),
        (b"id,name\n1,Zo\xc3\xab\n2,Zo\xeb\n", 422, "Part of the file is UTF-8"),
    ],
)
def test_a_broken_file_is_refused_at_the_upload_and_not_kept(
    cast: Cast, client_for: ClientFor, media_root: Path, content: bytes, status: int, message: str
) -> None:
    response = upload(client_for(cast.manager), content)
    assert response.status_code == status
    assert message in response.content.decode()
    assert (ImportRun.objects.count(), files_in(media_root)) == (0, [])


def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    cast: Cast, client_for: ClientFor, media_root: Path
) -> None:
    response = client_for(cast.manager).generic(
        "POST",
        "/import/",
        b"never parsed",
        "multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(2 * 1024**3),
    )
    assert response.status_code == 413
    assert (
        "The file is larger than 200 MB, the most that one import takes."
        in response.content.decode()
    )
    assert files_in(media_root) == []


def test_a_file_above_the_limit_is_refused(
    cast: Cast, client_for: ClientFor, settings: Settings, media_root: Path
) -> None:
    settings.IMPORT_MAX_BYTES = 30
    response = upload(client_for(cast.manager), TEXT.encode())
    assert response.status_code == 422
    assert "The file is larger than 30 bytes" in response.content.decode()
    assert files_in(media_root) == []


def test_an_upload_needs_the_token_of_the_form(cast: Cast, acme: Tenant) -> None:
    client = Client(enforce_csrf_checks=True, HTTP_HOST="acme.localhost")
    client.force_login(cast.manager)
    assert upload(client, TEXT.encode()).status_code == 403
    assert ImportRun.objects.count() == 0


@pytest.mark.parametrize("path", ["", "1/", "1/map/", "1/problems.csv", "1/cancel/", "1/reopen/"])
def test_a_rep_may_not_import(cast: Cast, client_for: ClientFor, path: str) -> None:
    run = ImportRun.objects.create(record_kind="lead", source="x", file_name="f.csv", pk=1)
    client = client_for(cast.rep)
    for response in (client.get(f"/import/{path}"), client.post(f"/import/{path}")):
        assert response.status_code == 403
    run.refresh_from_db()
    assert run.status == ImportStatus.UPLOADED


def test_a_run_of_another_tenant_is_not_there(
    cast: Cast, client_for: ClientFor, globex: Tenant, globex_cast: Cast, acme: Tenant
) -> None:
    with globex:
        run = ImportRun.objects.create(
            pk=987_654,
            record_kind="lead",
            source="x",
            file_name="secret.csv",
            status=ImportStatus.RUNNING,
            errors_path="imports/x-problems.csv",
        )
    client = client_for(cast.admin)
    for path in ("", "map/", "problems.csv"):
        assert client.get(f"/import/{run.pk}/{path}").status_code == 404
    for path in ("map/", "cancel/", "reopen/"):
        assert client.post(f"/import/{run.pk}/{path}").status_code == 404
    assert "secret.csv" not in client.get("/import/").content.decode()
    with globex:
        run.refresh_from_db()
        assert (run.status, run.is_cancel_requested) == (ImportStatus.RUNNING, False)


def test_a_file_is_kept_apart_from_other_tenants_and_below_the_folder(
    cast: Cast, client_for: ClientFor, media_root: Path
) -> None:
    upload(client_for(cast.manager), TEXT.encode(), name="../../../../tmp/evil\u202ecsv.exe")
    run = ImportRun.objects.get()
    assert run.file_name == "evilcsv.exe"
    kept = files_in(media_root)
    assert len(kept) == 1
    assert kept[0] == media_root / "acme" / run.stored_path
    assert run.stored_path.startswith("imports/")


def test_progress_is_a_fragment_for_htmx_and_a_page_without(
    cast: Cast, client_for: ClientFor
) -> None:
    run = ImportRun.objects.create(
        record_kind="lead",
        source="x",
        file_name="f.csv",
        status=ImportStatus.QUEUED,
        rows_total=4000,
        rows_done=2000,
    )
    client = client_for(cast.manager)
    page = client.get(f"/import/{run.pk}/").content.decode()
    fragment = client.get(f"/import/{run.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" in page
    assert "<html" not in fragment
    for content in (page, fragment):
        assert 'hx-trigger="load delay:1s"' in content
        assert "2,000 of 4,000 rows" in content


def test_a_run_whose_process_is_gone_is_marked_failed_at_the_next_look(
    cast: Cast, client_for: ClientFor
) -> None:
    run = ImportRun.objects.create(
        record_kind="lead",
        source="x",
        file_name="f.csv",
        status=ImportStatus.RUNNING,
        stored_path="imports/x.csv",
    )
    page = client_for(cast.manager).get(f"/import/{run.pk}/").content.decode()
    run.refresh_from_db()
    assert (run.status, run.failure) == (ImportStatus.FAILED, KILLED)
    assert "Back to the mapping, and start again" in page


def test_a_failed_import_can_be_started_again(
    cast: Cast,
    client_for: ClientFor,
    eager: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_for(cast.manager)
    upload(client, b"email\na@example.com\n", kind="lead")
    ImportRun.objects.update(status=ImportStatus.RUNNING)
    run = ImportRun.objects.get()
    client.get("/import/")
    assert client.post(f"/import/{run.pk}/reopen/").headers["Location"] == f"/import/{run.pk}/map/"
    with django_capture_on_commit_callbacks(execute=True):
        start(client, run)
    run.refresh_from_db()
    assert (run.status, run.rows_created) == (ImportStatus.FINISHED, 1)


def test_a_finished_import_is_not_started_again(cast: Cast, client_for: ClientFor) -> None:
    run = ImportRun.objects.create(
        record_kind="lead", source="x", file_name="f.csv", status=ImportStatus.FINISHED
    )
    response = client_for(cast.manager).post(f"/import/{run.pk}/reopen/")
    assert response.status_code == 409
    assert "The uploaded file is no longer kept. Upload it again." in response.content.decode()


def test_an_import_that_waits_is_cancelled_and_does_not_run(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    upload(client, b"email\na@example.com\n", kind="lead")
    run = ImportRun.objects.get()
    start(client, run)
    assert client.post(f"/import/{run.pk}/cancel/").status_code == 302
    assert services.run_import(run_id=run.pk) is None
    run.refresh_from_db()
    assert (run.status, Lead.objects.count()) == (ImportStatus.CANCELLED, 0)
    assert client.post(f"/import/{run.pk}/cancel/").status_code == 409


def test_an_import_is_run_once_however_often_it_is_delivered(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    upload(client, b"email\na@example.com\n", kind="lead")
    run = ImportRun.objects.get()
    start(client, run)
    first = services.run_import(run_id=run.pk)
    assert first is not None
    assert (first.rows_created, services.run_import(run_id=run.pk)) == (1, None)


def test_a_trial_keeps_the_file_for_the_real_import(
    cast: Cast, client_for: ClientFor, media_root: Path
) -> None:
    client = client_for(cast.manager)
    upload(client, b"email\na@example.com\n", kind="lead")
    run = ImportRun.objects.get()
    start(client, run, dry_run="on")
    services.run_import(run_id=run.pk)
    assert (Lead.objects.count(), len(files_in(media_root))) == (0, 1)
    client.post(f"/import/{run.pk}/reopen/")
    start(client, run)
    services.run_import(run_id=run.pk)
    assert (Lead.objects.count(), files_in(media_root)) == (1, [])


def test_a_file_that_is_gone_fails_in_words(
    cast: Cast, client_for: ClientFor, media_root: Path
) -> None:
    client = client_for(cast.manager)
    upload(client, b"email\na@example.com\n", kind="lead")
    run = ImportRun.objects.get()
    start(client, run)
    (media_root / "acme" / run.stored_path).unlink()
    assert services.run_import(run_id=run.pk) is None
    run.refresh_from_db()
    assert (run.status, run.failure) == (
        ImportStatus.FAILED,
        "The uploaded file is no longer kept. Upload it again.",
    )


def test_the_list_of_problems_is_a_download_that_nobody_keeps(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    upload(client, b"email\nnobody\n=1+1\n", kind="lead")
    run = ImportRun.objects.get()
    assert client.get(f"/import/{run.pk}/problems.csv").status_code == 404
    start(client, run)
    services.run_import(run_id=run.pk)
    response = client.get(f"/import/{run.pk}/problems.csv")
    assert (
        response.headers["Content-Disposition"]
        == f'attachment; filename="import-{run.pk}-problems.csv"'
    )
    assert response.headers["Cache-Control"] == "no-store"
    lines = b"".join(response).decode("utf-8-sig").splitlines()
    assert lines == [
        "row,column,value,message,result",
        "2,email,nobody,“nobody” is not an e-mail address.,row not imported",
        "3,email,'=1+1,“=1+1” is not an e-mail address.,row not imported",
    ]
    exported = AuditEntry.objects.get(event=Event.EXPORTED)
    assert (exported.actor_id, exported.details["import"]) == (cast.manager.pk, run.pk)


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_imports_costs_the_same_whatever_its_length(
    cast: Cast, client_for: ClientFor, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_for(cast.manager)
    for number in range(count):
        ImportRun.objects.create(
            record_kind="lead", source="x", file_name=f"{number}.csv", started_by=cast.manager
        )
    client.get("/import/")
    # Tenant and two search paths, session, person, two for permissions, killed runs, badge, runs.
    with django_assert_num_queries(9):
        client.get("/import/")
