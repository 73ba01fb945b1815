"""Importing every other kind of record, with what it refers to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from apps.conftest import Cast
from apps.crm.enums import RecordKind, TaskPriority
from apps.crm.importing.exceptions import MappingError
from apps.crm.models import Account, Activity, Contact, Contract, CustomField, Lead, Product, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.crm.tests.importing.files import import_text
from apps.tenants.models import Tenant


def test_leads(cast: Cast, tmp_path: Path) -> None:
    text = (
        "Record ID,First Name,Last Name,Email,Company Name,Lead Status,Original Source,Contact owner,"
        "Create Date\n"
        "1,Ada,King,Ada@Example.com,Isdom,Attempted to contact,Referral,teammate,2026-02-01 09:30\n"
        "2,,,bo@example.com,,NEW,,,\n"
    )
    summary = import_text(tmp_path, RecordKind.LEAD, text)
    assert (summary.rows_created, summary.rows_warned) == (2, 0)
    ada, bo = Lead.objects.order_by("external_id")
    assert (ada.first_name, ada.last_name, ada.email, ada.company) == (
        "Ada",
        "King",
        "Ada@Example.com",
        "Isdom",
    )
    assert (ada.status, ada.lead_source, ada.owner) == ("working", "Referral", cast.teammate)
    assert ada.created_at == datetime(2026, 2, 1, 8, 30, tzinfo=UTC)
    assert (bo.status, bo.owner, bo.currency) == ("new", None, "USD")


def test_a_full_name_is_split_unless_its_parts_are_there(acme: Tenant, tmp_path: Path) -> None:
    text = "Id,Name,FirstName,LastName,Email\n1,Dr Ada King,,,a@example.com\n2,Bo B,Bo,Berg,b@example.com\n"
    import_text(tmp_path, RecordKind.CONTACT, text)
    names = Contact.objects.order_by("external_id").values_list("first_name", "last_name")
    assert list(names) == [("Dr Ada", "King"), ("Bo", "Berg")]


def test_contacts_find_their_account_by_name_whatever_the_case(
    acme: Tenant, tmp_path: Path
) -> None:
    isdom = AccountFactory(name="Isdom")
    AccountFactory(name="Twin")
    AccountFactory(name="twin")
    text = "email,account\na@example.com, ISDOM \nb@example.com,Twin\nc@example.com,Nobody\n"
    summary = import_text(tmp_path, RecordKind.CONTACT, text)
    accounts = Contact.objects.order_by("email").values_list("account_id", flat=True)
    assert list(accounts) == [isdom.pk, None, None]
    assert summary.rows_warned == 2


def test_accounts_find_their_parent_in_the_same_file_in_any_order(
    acme: Tenant, tmp_path: Path
) -> None:
    text = "Id,Name,Parent Account ID\n2,Daughter,1\n1,Mother,\n3,Orphan,9\n"
    summary = import_text(tmp_path, RecordKind.ACCOUNT, text)
    parents = Account.objects.order_by("external_id").values_list("name", "parent__name")
    assert list(parents) == [("Mother", None), ("Daughter", "Mother"), ("Orphan", None)]
    assert summary.rows_warned == 1


def test_products(acme: Tenant, tmp_path: Path) -> None:
    text = "name;series;price;active\nGTX Pro;GTX;4.821,00;yes\nOld one;;;no\n"
    import_text(tmp_path, RecordKind.PRODUCT, text)
    rows = Product.objects.order_by("name").values_list("name", "series", "price", "is_active")
    assert list(rows) == [("GTX Pro", "GTX", Decimal(4821), True), ("Old one", "", None, False)]


def test_contracts_need_an_account_that_exists(acme: Tenant, tmp_path: Path) -> None:
    isdom = AccountFactory(name="Isdom")
    text = (
        "Contract Number,Account Name,Contract Value,Start Date,End Date,Status\n"
        "C-1,Isdom,\"12,000.00\",2026-01-01,2026-12-31,Activated\n"
        "C-2,Nobody,1,2026-01-01,2026-12-31,Expired\n"
        "C-3,,1,2026-01-01,2026-12-31,Draft\n"
    )  # fmt: skip
    summary = import_text(tmp_path, RecordKind.CONTRACT, text)
    assert (summary.rows_created, summary.rows_refused, summary.rows_warned) == (1, 2, 0)
    contract = Contract.objects.get()
    assert (contract.account, contract.name, contract.value) == (
        isdom,
        "Isdom contract",
        Decimal(12000),
    )
    assert (contract.starts_on, contract.renews_on, contract.outcome) == (
        date(2026, 1, 1),
        date(2026, 12, 31),
        "open",
    )


def test_tasks_of_salesforce_hang_on_whom_and_what_they_are_about(
    cast: Cast, tmp_path: Path
) -> None:
    contact = ContactFactory(source="salesforce", external_id="0031a00000DlaDiAAJ")
    lead = LeadFactory(source="salesforce", external_id="00Q1a00000DlaDiAAJ")
    deal = OpportunityFactory(source="salesforce", external_id="0061a00000DlaDiAAJ")
    text = (
        "Id,WhoId,WhatId,Subject,ActivityDate,Status,Priority\n"
        "00T1a00000DlaD1,0031a00000DlaDi,0061a00000DlaDi,Call back,2026-12-31,Not Started,High\n"
        "00T1a00000DlaD2,00Q1a00000DlaDiAAJ,,Send offer,,Completed,Normal\n"
        "00T1a00000DlaD3,0031a00000XXXXX,,Third,,Deferred,\n"
    )
    summary = import_text(tmp_path, RecordKind.TASK, text)
    assert (summary.rows_created, summary.rows_warned) == (3, 1)
    call, offer, third = Task.objects.order_by("external_id")
    assert (call.contact, call.lead, call.opportunity, call.account) == (contact, None, deal, None)
    assert (call.due_on, call.status, call.priority) == (
        date(2026, 12, 31),
        "open",
        TaskPriority.HIGH,
    )
    assert (offer.lead, offer.status, offer.completed_at is None) == (lead, "done", False)
    assert (third.contact, third.status, third.priority) == (None, "open", TaskPriority.NORMAL)


def test_a_task_that_is_open_again_is_not_completed(acme: Tenant, tmp_path: Path) -> None:
    import_text(tmp_path, RecordKind.TASK, "id,title,status\n1,Call,done\n")
    done = Task.objects.get()
    assert (
        import_text(tmp_path, RecordKind.TASK, "id,title,status\n1,Call,completed\n").rows_unchanged
        == 1
    )
    assert Task.objects.get().completed_at == done.completed_at
    import_text(tmp_path, RecordKind.TASK, "id,title,status\n1,Call,open\n")
    assert Task.objects.get().completed_at is None


def test_activities_set_the_last_activity_of_what_they_hang_on(
    acme: Tenant, tmp_path: Path
) -> None:
    ada = ContactFactory(email="ada@isdom.example", account=AccountFactory())
    text = (
        "Activity ID,Type,Date,Subject,Contact email,Direction,From\n"
        "1,INCOMING_EMAIL,2026-03-01 10:00,Question,ada@isdom.example,Incoming,ada@isdom.example\n"
        "2,Call,2026-03-02 11:00,Call,ada@isdom.example,Outbound,\n"
        "3,Note,2026-03-03 11:00,Thought,ada@isdom.example,,\n"
    )
    summary = import_text(tmp_path, RecordKind.ACTIVITY, text)
    assert (summary.rows_created, summary.rows_refused) == (3, 0)
    kinds = Activity.objects.order_by("external_id").values_list("activity_kind", "direction")
    assert list(kinds) == [("email", "inbound"), ("call", "outbound"), ("note", "none")]
    ada.refresh_from_db()
    assert ada.last_activity_at == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert ada.account is not None
    assert ada.account.last_activity_at == ada.last_activity_at


def test_a_file_of_calls_alone_says_so_once(acme: Tenant, tmp_path: Path) -> None:
    text = "Record ID,Activity date,Call notes\n1,2026-03-02 11:00,Went well\n"
    with pytest.raises(MappingError, match="The file has no column for “Activity kind”"):
        import_text(tmp_path, RecordKind.ACTIVITY, text)
    mapping = {"constants": {"activity_kind": "Call", "direction": "outgoing"}}
    import_text(tmp_path, RecordKind.ACTIVITY, text, mapping=mapping)
    activity = Activity.objects.get()
    assert (activity.activity_kind, activity.direction, activity.body) == (
        "call",
        "outbound",
        "Went well",
    )


def test_a_value_for_every_row_that_is_none_is_refused(acme: Tenant, tmp_path: Path) -> None:
    mapping = {"constants": {"activity_kind": "Telegram"}}
    with pytest.raises(
        MappingError, match="“Telegram”, for “Activity kind” is none of: E-mail, Call"
    ):
        import_text(tmp_path, RecordKind.ACTIVITY, "id,date\n1,2026-03-02\n", mapping=mapping)


def test_unknown_columns_become_custom_fields_of_inferred_types(
    acme: Tenant, tmp_path: Path
) -> None:
    text = "email,Shoe size,VIP,Born on,Region,Motto\n"
    for n in range(9):
        text += f"p{n}@example.com,{40 + n}.5,yes,2000-01-{n + 1:02},{'NS'[n % 2]},words {n}\n"
    import_text(tmp_path, RecordKind.LEAD, text, mapping={"unknown_columns": "custom_fields"})
    fields = CustomField.objects.order_by("position").values_list(
        "record_kind", "key", "label", "field_type", "choices"
    )
    assert list(fields) == [
        ("lead", "shoe_size", "Shoe size", "number", []),
        ("lead", "vip", "VIP", "boolean", []),
        ("lead", "born_on", "Born on", "date", []),
        ("lead", "region", "Region", "choice", ["N", "S"]),
        ("lead", "motto", "Motto", "text", []),
    ]
    lead = Lead.objects.get(email="p1@example.com")
    assert lead.attributes == {
        "shoe_size": 41.5, "vip": True, "born_on": "2000-01-02", "region": "S", "motto": "words 1"
    }  # fmt: skip


def test_a_custom_field_that_exists_keeps_its_type_and_gets_new_choices(
    acme: Tenant, tmp_path: Path
) -> None:
    CustomField.objects.create(
        record_kind="lead", key="region", label="Region", field_type="choice", choices=["N"]
    )
    CustomField.objects.create(record_kind="lead", key="size", label="Size", field_type="number")
    text = "email,Region,Size\na@example.com,S,12\nb@example.com,N,twelve\n"
    mapping = {"Region": "custom:region", "Size": "custom:size:text"}
    summary = import_text(tmp_path, RecordKind.LEAD, text, mapping=mapping)
    assert CustomField.objects.get(key="region").choices == ["N", "S"]
    assert CustomField.objects.get(key="size").field_type == "number"
    assert (summary.rows_created, summary.rows_refused) == (1, 1)
    assert Lead.objects.get().attributes == {"region": "S", "size": 12}
