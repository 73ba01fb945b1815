"""Importing again: nothing twice, only what differs, and a trace of each real change."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.importing.exceptions import MappingError
from apps.crm.importing.services import import_file
from apps.crm.models import Account, Activity, ChangeLog, Lead, Opportunity, Product
from apps.crm.models.imports import ImportRun
from apps.crm.tests.factories import LeadFactory
from apps.crm.tests.importing.files import ACTOR, import_text, write_file
from apps.tenants.models import Tenant

DEALS = RecordKind.OPPORTUNITY
TEXT = "id,name,stage,amount,Mood\n1,A,Proposal,100,good\n2,B,Won,200,bad\n3,C,Lost,300,\n"


def test_the_same_file_again_changes_nothing_and_leaves_no_trace(
    acme: Tenant, tmp_path: Path
) -> None:
    mapping = {"Mood": "custom:mood"}
    first = import_text(tmp_path, DEALS, TEXT, mapping=mapping)
    before = list(Opportunity.objects.order_by("id").values())
    traces = ChangeLog.objects.count()
    second = import_text(tmp_path, DEALS, TEXT, mapping=mapping)
    assert (first.rows_created, first.rows_changed, first.rows_unchanged) == (3, 0, 0)
    assert (second.rows_created, second.rows_changed, second.rows_unchanged) == (0, 0, 3)
    assert list(Opportunity.objects.order_by("id").values()) == before
    assert ChangeLog.objects.count() == traces


def test_only_what_differs_is_changed_and_the_change_log_names_the_person(
    cast: Cast, tmp_path: Path
) -> None:
    import_text(tmp_path, DEALS, TEXT)
    summary = import_text(
        tmp_path,
        DEALS,
        TEXT.replace("200", "250"),
        actor=Actor.for_person(cast.manager, Origin.PERSON),
    )
    assert (summary.rows_created, summary.rows_changed, summary.rows_unchanged) == (0, 1, 2)
    changed = ChangeLog.objects.get(operation="changed")
    deal = Opportunity.objects.get(external_id="2")
    assert (
        changed.record_id,
        changed.changes,
        changed.actor_id,
        changed.actor_name,
        changed.origin,
    ) == (
        deal.pk,
        {"amount": [200.0, 250.0]},
        cast.manager.pk,
        cast.manager.display_name,
        "person",
    )
    assert deal.revision == 2
    assert list(
        Opportunity.objects.exclude(external_id="2").values_list("revision", flat=True)
    ) == [1, 1]


def test_columns_that_the_file_lacks_and_empty_cells_keep_what_is_there(
    acme: Tenant, tmp_path: Path
) -> None:
    import_text(
        tmp_path,
        DEALS,
        "id,name,stage,amount,next step,Mood\n1,A,Proposal,100,call,good\n",
        mapping={"Mood": "custom:mood"},
    )
    Opportunity.objects.update(notes="typed here")
    mapping = {"Weather": "custom:weather"}
    summary = import_text(
        tmp_path, DEALS, "id,name,stage,next step,Weather\n1,,Proposal,,rain\n", mapping=mapping
    )
    # Without a name the row has nothing that a deal is called by, unless one is there; the rest is kept.
    assert summary.rows_refused == 1
    summary = import_text(
        tmp_path, DEALS, "id,name,stage,next step,Weather\n1,A2,Proposal,,rain\n", mapping=mapping
    )
    assert summary.rows_changed == 1
    deal = Opportunity.objects.get()
    assert (deal.name, deal.amount, deal.next_step, deal.notes) == (
        "A2",
        Decimal(100),
        "call",
        "typed here",
    )
    assert deal.attributes == {"mood": "good", "weather": "rain"}


def test_records_of_another_source_and_typed_ones_are_left_alone(
    acme: Tenant, tmp_path: Path
) -> None:
    typed = LeadFactory(email="a@example.com")
    other = LeadFactory(source="hubspot", external_id="1")
    summary = import_text(
        tmp_path, RecordKind.LEAD, "id,email\n1,a@example.com\n", source="salesforce"
    )
    assert summary.rows_created == 1
    created = Lead.objects.exclude(pk__in=[typed.pk, other.pk]).get()
    assert (created.source, created.external_id) == ("salesforce", "1")


def test_rows_without_an_id_go_by_what_identifies_them(acme: Tenant, tmp_path: Path) -> None:
    accounts = "name,location\nIsdom,Kenya\nCancity,Korea\n"
    import_text(tmp_path, RecordKind.ACCOUNT, accounts)
    again = import_text(
        tmp_path, RecordKind.ACCOUNT, "name,location\n  isdom ,Norway\nNew one,Peru\n"
    )
    assert (again.rows_created, again.rows_changed) == (1, 1)
    assert dict(Account.objects.values_list("name", "location")) == {
        "isdom": "Norway",
        "Cancity": "Korea",
        "New one": "Peru",
    }
    assert "The rows have no id of their own; they go by what identifies them." in again.notes


def test_products_are_the_same_by_their_letters_and_digits(acme: Tenant, tmp_path: Path) -> None:
    import_text(tmp_path, RecordKind.PRODUCT, "name,price\nGTX Pro,1\n")
    again = import_text(tmp_path, RecordKind.PRODUCT, "name,price\nGTXPro,2\n")
    assert (again.rows_created, again.rows_changed, Product.objects.get().price) == (
        0,
        1,
        Decimal(2),
    )


def test_a_person_goes_by_the_address_or_else_by_name_and_company(
    acme: Tenant, tmp_path: Path
) -> None:
    text = (
        "first name,last name,email,company\nAda,King,ada@example.com,Isdom\nBo,Berg,,Isdom\n"
        "Bo,Berg,,Cancity\n"
    )
    assert import_text(tmp_path, RecordKind.LEAD, text).rows_created == 3
    moved = text.replace("ada@example.com,Isdom", "ADA@example.com,Cancity")
    again = import_text(tmp_path, RecordKind.LEAD, moved)
    assert (again.rows_created, again.rows_changed, again.rows_unchanged) == (0, 1, 2)


def test_rows_with_nothing_to_tell_them_by_are_refused_with_an_explanation(
    acme: Tenant, tmp_path: Path
) -> None:
    text = "stage,amount,product\nWon,5,GTX\n"
    with pytest.raises(MappingError) as refused:
        import_text(tmp_path, DEALS, text)
    assert refused.value.message == (
        "The rows have nothing to be recognised by at the next import: map a column to “Id in the "
        "source” or to “Name”, or set “identity” to “row” to go by the whole row."
    )


def test_equal_rows_that_go_by_their_content_are_numbered(acme: Tenant, tmp_path: Path) -> None:
    text = "stage,amount,product\nWon,5,GTX\nWon,5,GTX\nLost,5,GTX\n"
    mapping = {"identity": "row"}
    first = import_text(tmp_path, DEALS, text, mapping=mapping)
    again = import_text(tmp_path, DEALS, text + "Won,5,GTX\n", mapping=mapping)
    assert (first.rows_created, again.rows_created, again.rows_unchanged) == (3, 1, 3)


def test_the_salvirt_file_goes_in_whole_with_its_doubles(globex: Tenant, tmp_path: Path) -> None:
    header = "Product,Seller,Comp_size,Budgt_alloc,Att_t_client,Status\n"
    rows = (
        "Product A,Seller 1,Big,Yes,Normal,Won\n" * 2
        + "Product B,Seller 2,Mid,Unknown,Normal,Lost\n"
    )
    with globex:
        summary = import_text(tmp_path, DEALS, header + rows)
        assert (summary.source, summary.rows_created) == ("salvirt", 3)
        deal = Opportunity.objects.get(outcome="lost")
        assert deal.attributes == {
            "product": "Product B",
            "seller": "Seller 2",
            "comp_size": "Mid",
            "budgt_alloc": "Unknown",
            "att_t_client": "Normal",
        }
        assert import_text(tmp_path, DEALS, header + rows).rows_unchanged == 3


def test_a_second_row_with_the_same_id_is_refused(acme: Tenant, tmp_path: Path) -> None:
    text = "id,name,stage\n7,A,Won\n8,B,Won\n7,C,Lost\n"
    summary = import_text(tmp_path, DEALS, text)
    assert (summary.rows_created, summary.rows_refused) == (2, 1)
    assert Opportunity.objects.get(external_id="7").name == "A"


def test_an_activity_is_the_same_whatever_the_zone_it_is_written_in(
    acme: Tenant, tmp_path: Path
) -> None:
    first = "type,date,subject\ncall,2026-03-02 11:00,Hello\n"
    second = "type,date,subject\ncall,2026-03-02T10:00:00Z,Hello\n"
    import_text(tmp_path, RecordKind.ACTIVITY, first)
    assert import_text(tmp_path, RecordKind.ACTIVITY, second).rows_unchanged == 1
    assert Activity.objects.count() == 1


def test_a_trial_counts_what_would_happen_and_writes_nothing(acme: Tenant, tmp_path: Path) -> None:
    import_text(tmp_path, DEALS, TEXT)
    text = TEXT.replace("200", "250") + "4,D,Demo booked,1,x\n5,E,Won,much,x\n"
    traces = AuditEntry.objects.count()
    summary = import_text(tmp_path, DEALS, text, dry_run=True, mapping={"Mood": "custom:mood"})
    assert (
        summary.rows_created,
        summary.rows_changed,
        summary.rows_unchanged,
        summary.rows_refused,
    ) == (1, 2, 1, 1)
    assert Opportunity.objects.count() == 3
    assert Opportunity.objects.get(external_id="2").amount == Decimal(200)
    assert AuditEntry.objects.count() == traces
    run = ImportRun.objects.get(pk=summary.run_id)
    assert (run.status, run.is_dry_run, run.rows_created, run.rows_refused) == (
        "finished",
        True,
        1,
        1,
    )


def test_the_audit_log_has_counts_and_ids_and_no_values(cast: Cast, tmp_path: Path) -> None:
    summary = import_text(tmp_path, DEALS, TEXT, actor=Actor.for_person(cast.manager))
    entry = AuditEntry.objects.get(event=Event.IMPORT_FINISHED)
    assert (entry.actor_id, entry.record_kind) == (cast.manager.pk, "opportunity")
    assert entry.details == {
        "run_id": summary.run_id,
        "result": "finished",
        "created": 3,
        "changed": 0,
        "unchanged": 0,
        "refused": 0,
        "warned": 0,
    }


def test_backfilled_history_is_marked(acme: Tenant, tmp_path: Path) -> None:
    import_text(tmp_path, DEALS, TEXT, backfilled=True)
    assert set(ChangeLog.objects.values_list("backfilled", flat=True)) == {True}


def test_an_import_holds_a_batch_of_rows_at_a_time(acme: Tenant, tmp_path: Path) -> None:
    """The file is many times as large as what the import holds in memory."""
    words = "words " * 150
    text = "id,email,notes\n" + "".join(f"{n},p{n}@example.com,{words}{n}\n" for n in range(40_000))
    path = write_file(tmp_path, text)
    del text
    tracemalloc.start()
    try:
        summary = import_file(kind=RecordKind.LEAD, path=path, source="large", actor=ACTOR)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert summary.rows_created == 40_000
    assert peak_bytes < path.stat().st_size / 3
