"""Imports tell which rows look like what is here already or like each other, and import them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from apps.audit.schemas import Actor
from apps.conftest import Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.importing import services
from apps.crm.importing.formats import open_path
from apps.crm.importing.mapping import MappingFile
from apps.crm.importing.previews import LikeRow, Likes, Preview, preview_file
from apps.crm.look_alikes import ToldLike, probe_rows
from apps.crm.models import Contact, Lead
from apps.crm.models.imports import ImportRun
from apps.crm.tests.importing.files import import_text, problems_of, write_file
from apps.duplicates.enums import Subject
from apps.duplicates.services.file_probe import ROWS_AT_A_TIME
from apps.duplicates.services.work import carry_out_run, request_run
from apps.duplicates.tests.pairs import add_people, add_twins
from apps.users.models import User

pytestmark = pytest.mark.django_db

TEXT = (
    "First name,Last name,Company,Email,Phone\n"
    "Katharina,Wyttenbach,Brunner Maschinenbau,k.wyttenbach@brunner-maschinen.ch,\n"
    "Zebulon,Quist,Quist Boats,zq@quist.dk,+45 33 12 34 56\n"
    "Zebulon,Qvist,Quist Boats ApS,,+45 33 12 34 56\n"
)


@pytest.fixture(autouse=True)
def media_root(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def test_the_report_lists_them_and_the_import_goes_on(cast: Cast, tmp_path: Path) -> None:
    add_people(60)
    contact, _ = add_twins()
    summary = import_text(tmp_path, RecordKind.LEAD, TEXT)
    assert (summary.rows_created, summary.rows_refused, summary.rows_warned) == (3, 0, 0)
    assert Lead.objects.count() == 64
    told = [
        (row, value, message, result)
        for row, _, value, message, result in problems_of(summary.errors_path)[1:]
    ]
    # Not each who may read the list may see the contact: it is named on the page, to who may.
    assert told == [
        ("2", f"contact:{contact.pk}", "Looks like a record that is here already.", "imported"),
        ("4", "", "Looks like row 3.", "imported"),
    ]
    assert summary.notes[-1] == (
        "1 of 3 new rows looks like records that are here already, 1 like rows above them. "
        "They are imported."
    )


def look_at(path: Path, viewer: User | None) -> Preview:
    return preview_file(
        kind=RecordKind.LEAD,
        open_file=open_path(path),
        size_bytes=path.stat().st_size,
        given=None,
        source="",
        viewer=viewer,
    )


def test_the_preview_shows_them_before_anything_is_written(cast: Cast, tmp_path: Path) -> None:
    contact, _ = add_twins()
    path = write_file(tmp_path, TEXT)
    preview = look_at(path, cast.manager)
    like = ToldLike(contact)
    assert [(row.number, row.message, row.like, row.is_refused) for row in preview.rows] == [
        (2, "", like, False),
        (3, "", None, False),
        (4, "Looks like row 3.", None, False),
    ]
    assert preview.likes == Likes(
        "1 of 3 new rows looks like records that are here already, 1 like rows above them.",
        (LikeRow(2, like, None), LikeRow(4, None, 3)),
    )
    assert look_at(path, None).likes == Likes()
    assert Lead.objects.count() == 1


def test_a_record_is_named_and_linked_on_the_pages_to_who_may_see_it(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    contact, _ = add_twins()
    Contact.objects.filter(pk=contact.pk).update(owner=cast.outsider)
    cast.rep.groups.get().permissions.add(Permission.objects.get(codename="add_importrun"))
    manager, rep = client_for(cast.manager), client_for(cast.rep)
    file = SimpleUploadedFile("leads.csv", TEXT.encode())
    manager.post("/import/", {"kind": "lead", "file": file, "source": ""})
    run = ImportRun.objects.get()
    link = f'<a href="{contact.get_absolute_url()}">{contact}</a>'
    hidden = "Looks like a record that you may not see."

    def shown(address: str) -> list[tuple[bool, bool]]:
        pages = [client.get(address).content.decode() for client in (manager, rep)]
        return [(link in page, hidden in page) for page in pages]

    assert shown(f"/import/{run.pk}/map/") == [(True, False), (False, True)]
    services.queue_import(run, MappingFile(), "", Actor.for_person(cast.manager))
    services.run_import(run_id=run.pk)
    assert shown(run.get_absolute_url()) == [(True, False), (False, True)]
    lines = b"".join(rep.get(f"/import/{run.pk}/problems.csv")).decode("utf-8-sig").splitlines()
    assert lines[1] == (
        f"2,,http://acme.localhost{contact.get_absolute_url()},"
        "Looks like a record that is here already.,imported"
    )


def test_rows_beyond_those_that_are_shown_are_counted_in_statements_that_do_not_grow(
    cast: Cast, tmp_path: Path
) -> None:
    people = add_people(100)
    carry_out_run(request_run(Subject.PERSON), now=timezone.now())
    head, statements = "First name,Last name,Company,Email,Phone\n", []
    # The first look of all reads what was learned, too.
    for count in (5, 30, 100):
        rows = [
            f"{lead.first_name},{lead.last_name},{lead.company},{lead.email},{lead.phone}\n"
            for lead in people[:count]
        ]
        path = write_file(tmp_path, head + "".join(rows))
        with CaptureQueriesContext(connection) as asked:
            preview = look_at(path, cast.manager)
        statements.append(len(asked))
        assert preview.likes.words == (
            f"{count} of {count} new rows look like records that are here already."
        )
        assert (len(preview.rows), len(preview.likes.named)) == (min(count, 20), min(count, 10))
        assert preview.likes.more == max(count - 10, 0)
    assert statements[1] == statements[2]


def test_a_look_whose_time_is_over_says_at_how_many_rows_it_looked(cast: Cast) -> None:
    row = {"first_name": "Zebulon", "last_name": "Quist", "email": "zq@quist.dk"}
    rows = dict.fromkeys(range(2, ROWS_AT_A_TIME + 12), row)
    assert probe_rows(RecordKind.LEAD, rows, budget_s=0).looked_at == ROWS_AT_A_TIME
    assert probe_rows(RecordKind.LEAD, rows).looked_at == ROWS_AT_A_TIME + 10


def test_what_is_imported_again_looks_like_nothing(cast: Cast, tmp_path: Path) -> None:
    text = "Id,First name,Last name,Email\n7,Zebulon,Quist,zq@quist.dk\n"
    import_text(tmp_path, RecordKind.LEAD, text, source="erp")
    summary = import_text(tmp_path, RecordKind.LEAD, text, source="erp")
    assert (summary.rows_unchanged, summary.errors_path) == (1, "")
