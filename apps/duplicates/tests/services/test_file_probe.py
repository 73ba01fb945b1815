"""Imports tell which rows look like what is here already or like each other, and import them all."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.importing.formats import open_path
from apps.crm.importing.previews import preview_file
from apps.crm.models import Lead
from apps.crm.tests.importing.files import import_text, problems_of, write_file
from apps.duplicates.tests.pairs import add_people, add_twins

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
        (row, message, result)
        for row, _, _, message, result in problems_of(summary.errors_path)[1:]
    ]
    assert told == [
        ("2", f"Looks like the contact “{contact}”.", "imported"),
        ("4", "Looks like row 3.", "imported"),
    ]
    assert summary.notes[-1] == (
        "2 rows look like what is here already, or like other rows. They are imported."
    )


def test_the_preview_shows_them_before_anything_is_written(cast: Cast, tmp_path: Path) -> None:
    contact, _ = add_twins()
    path = write_file(tmp_path, TEXT)
    preview = preview_file(
        kind=RecordKind.LEAD,
        open_file=open_path(path),
        size_bytes=path.stat().st_size,
        given=None,
        source="",
    )
    assert [(row.number, row.message, row.is_refused) for row in preview.rows] == [
        (2, f"Looks like the contact “{contact}”.", False),
        (3, "", False),
        (4, "Looks like row 3.", False),
    ]
    assert Lead.objects.count() == 1


def test_what_is_imported_again_looks_like_nothing(cast: Cast, tmp_path: Path) -> None:
    text = "Id,First name,Last name,Email\n7,Zebulon,Quist,zq@quist.dk\n"
    import_text(tmp_path, RecordKind.LEAD, text, source="erp")
    summary = import_text(tmp_path, RecordKind.LEAD, text, source="erp")
    assert (summary.rows_unchanged, summary.errors_path) == (1, "")
