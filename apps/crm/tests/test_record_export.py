"""The CSV files of the lists."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
)
from apps.crm.tests.pages import make, url
from apps.tenants.models import Tenant

BYTE_ORDER_MARK = "\ufeff"


def rows_of(answer: Any) -> list[dict[str, str]]:
    """The lines of a CSV answer, by column."""
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))


def test_the_file_holds_what_the_list_shows(cast: Cast, client_for: Any) -> None:
    deal = OpportunityFactory(
        name="Isdom GTX",
        account=AccountFactory(name="Isdom"),
        amount=Decimal("4514.50"),
        expected_close_on=date(2026, 3, 12),
        owner=cast.rep,
        created_at=datetime(2026, 2, 1, 22, 30, tzinfo=UTC),
    )
    answer = client_for(cast.rep).get(url("opportunity", "export"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="deals-')
    assert rows_of(answer) == [
        {
            "Id": str(deal.pk),
            "Name": "Isdom GTX",
            "Account": "Isdom",
            "Stage": "Engaging",
            "Amount": "4514.50",
            "Expected close": "2026-03-12",
            "Owner": "Rita Rep",
            "Last activity": "",
            # In the tenant's time zone.
            "Created": "2026-02-01T23:30+01:00",
            "Currency": "USD",
        }
    ]


def test_the_filters_hold_for_the_file_and_all_pages_are_in_it(cast: Cast, client_for: Any) -> None:
    LeadFactory.create_batch(60, status="new", company="Wanted")
    LeadFactory(status="converted", company="Wanted")
    LeadFactory(status="new", company="Other")
    asked = {"q": "wanted", "status": "open", "page": "2", "sort": "created_at"}
    rows = rows_of(client_for(cast.rep).get(url("lead", "export"), asked))
    assert [row["Company"] for row in rows] == ["Wanted"] * 60
    ids = [int(row["Id"]) for row in rows]
    assert ids == sorted(ids)


def test_the_lists_own_view_holds_for_the_file(cast: Cast, client_for: Any) -> None:
    OpportunityFactory(stage=StageFactory(key="won"))
    assert rows_of(client_for(cast.rep).get(url("opportunity", "export"))) == []


def test_only_what_the_person_may_see_is_in_the_file(
    cast: Cast, globex: Tenant, client_for: Any
) -> None:
    LeadFactory(company="Mine", owner=cast.rep)
    LeadFactory(company="Theirs", owner=cast.outsider)
    with globex:
        LeadFactory(company="Foreign")
    rows = rows_of(client_for(cast.rep).get(url("lead", "export")))
    assert [row["Company"] for row in rows] == ["Mine"]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("https://evil.example")', "\uff1d1+1"],
)
def test_no_cell_is_a_formula(text: str, cast: Cast, client_for: Any) -> None:
    LeadFactory(company=text)
    (row,) = rows_of(client_for(cast.rep).get(url("lead", "export")))
    assert row["Company"] == f"'{text}"


def test_quotes_commas_and_line_breaks_survive(cast: Cast, client_for: Any) -> None:
    ActivityFactory(subject='He said "no",\nthen yes')
    (row,) = rows_of(client_for(cast.rep).get(url("activity", "export")))
    assert row["Subject"] == 'He said "no",\nthen yes'


def test_negative_amounts_stay_numbers(cast: Cast, client_for: Any) -> None:
    OpportunityFactory(amount=Decimal("-12.00"))
    (row,) = rows_of(client_for(cast.rep).get(url("opportunity", "export")))
    assert row["Amount"] == "-12.00"


def test_an_export_is_on_record_without_what_was_searched_for(cast: Cast, client_for: Any) -> None:
    LeadFactory()
    asked = {"q": "jane@private.example", "status": "new"}
    rows_of(client_for(cast.rep).get(url("lead", "export"), asked))
    entry = AuditEntry.objects.get(event=Event.EXPORTED)
    assert (entry.actor_id, entry.record_kind) == (cast.rep.pk, "lead")
    assert entry.details == {"filters": ["status"], "format": "csv"}


@pytest.mark.parametrize("kind", list(RecordKind))
def test_every_kind_has_its_file(kind: RecordKind, cast: Cast, client_for: Any) -> None:
    record = make(kind, owner=cast.rep)
    (row,) = rows_of(client_for(cast.rep).get(url(kind, "export"), {"q": ""}))
    assert row["Id"] == str(record.pk)


def test_without_a_role_there_is_no_file(cast: Cast, client_for: Any) -> None:
    cast.rep.groups.clear()
    assert client_for(cast.rep).get(url("lead", "export")).status_code == 403
    assert not AuditEntry.objects.filter(event=Event.EXPORTED).exists()
