"""Imports that meet merged records: they are left alone, and what refers to them lands on their survivors."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.crm.enums import RecordKind
from apps.crm.importing.services import ImportSummary
from apps.crm.models import Account, Activity, Contact, Contract, Lead, Opportunity, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    merge,
)
from apps.crm.tests.importing.files import import_text, problems_of
from apps.tenants.models import Tenant

SOURCE = "erp"


def import_rows(folder: Path, kind: RecordKind, text: str, **mapping: str) -> ImportSummary:
    return import_text(folder, kind, text, source=SOURCE, mapping=mapping or None)


def messages_of(summary: ImportSummary) -> list[str]:
    return [message for _, _, _, message, _ in problems_of(summary.errors_path)[1:]]


@pytest.fixture
def isdom(acme: Tenant) -> Account:
    """An account of the other system that was merged twice over; this is what survives."""
    first = AccountFactory(name="Isdom Ltd", source=SOURCE, external_id="1")
    second = AccountFactory(name="Isdom", source=SOURCE, external_id="2")
    survivor: Account = AccountFactory(name="Isdom Group")
    merge(first, second)
    merge(second, survivor)
    return survivor


def test_the_row_of_a_merged_record_is_left_out_and_told(isdom: Account, tmp_path: Path) -> None:
    before = list(Account.everything.order_by("id").values())
    text = "id,name,phone\n1,Isdom Ltd,+1 555\n2,Isdom,+1 556\n3,New,+1 557\n"
    summary = import_rows(tmp_path, RecordKind.ACCOUNT, text)
    assert (summary.rows_created, summary.rows_changed, summary.rows_refused) == (1, 0, 2)
    assert (
        messages_of(summary)
        == [f"This account was merged into the account {isdom.pk}; the row is left out."] * 2
    )
    assert list(Account.everything.exclude(external_id="3").order_by("id").values()) == before


def test_a_lead_who_is_a_contact_is_told_as_one(acme: Tenant, tmp_path: Path) -> None:
    first, second = (LeadFactory(source=SOURCE, external_id=name) for name in "ab")
    contact, survivor = ContactFactory.create_batch(2)
    merge(first, second)
    merge(second, contact)
    merge(contact, survivor)
    summary = import_rows(tmp_path, RecordKind.LEAD, "id,last_name\na,A\nb,B\n")
    assert (summary.rows_created, summary.rows_refused) == (0, 2)
    assert (
        messages_of(summary)
        == [f"This lead was merged into the contact {survivor.pk}; the row is left out."] * 2
    )
    assert Lead.objects.count() == 0


def test_a_deal_that_names_a_merged_account_lands_on_the_survivor(
    isdom: Account, tmp_path: Path
) -> None:
    text = (
        "id,name,stage,account_external_id,account\n1,By id,Proposal,1,\n"
        "2,By name,Proposal,,ISDOM ltd\n3,By the survivor's,Proposal,,Isdom Group\n"
    )
    summary = import_rows(
        tmp_path, RecordKind.OPPORTUNITY, text, account_external_id="account_external_id"
    )
    assert (summary.rows_created, summary.rows_warned) == (3, 0)
    assert set(Opportunity.objects.values_list("account", flat=True)) == {isdom.pk}


def test_who_has_a_name_now_comes_before_who_had_it(isdom: Account, tmp_path: Path) -> None:
    namesake = AccountFactory(name="Isdom Ltd")
    text = "id,account,name,value\n1,Isdom Ltd,A,5\n"
    import_rows(tmp_path, RecordKind.CONTRACT, text)
    assert Contract.objects.get().account == namesake


def test_a_subsidiary_belongs_to_the_survivor(isdom: Account, tmp_path: Path) -> None:
    text = "id,name,parent\n7,Isdom Asia,Isdom\n8,Isdom Tokyo,Isdom Asia\n"
    import_rows(tmp_path, RecordKind.ACCOUNT, text)
    asia, tokyo = (Account.objects.get(external_id=name) for name in "78")
    assert (asia.parent, tokyo.parent) == (isdom, asia)


def test_mail_about_a_lead_who_is_a_contact_hangs_on_the_contact(
    acme: Tenant, tmp_path: Path
) -> None:
    lead = LeadFactory(source=SOURCE, external_id="L", email="ann@isdom.com")
    contact = ContactFactory(email="a.b@isdom.com")
    merge(lead, contact)
    text = "id,activity_kind,occurred_at,subject,lead\n1,email,2026-03-02,A,ann@isdom.com\n"
    summary = import_rows(tmp_path, RecordKind.ACTIVITY, text)
    assert (summary.rows_created, summary.rows_warned) == (1, 0)
    activity = Activity.objects.get()
    assert (activity.lead, activity.contact) == (None, contact)


def test_a_known_activity_stays_where_it_was_put(acme: Tenant, tmp_path: Path) -> None:
    lead, contact = LeadFactory(source=SOURCE, external_id="L"), ContactFactory()
    ActivityFactory(source=SOURCE, external_id="1", contact=contact, subject="A")
    merge(lead, contact)
    text = "id,activity_kind,occurred_at,subject,lead_external_id\n1,email,2026-03-02,B,L\n"
    import_rows(tmp_path, RecordKind.ACTIVITY, text)
    activity = Activity.objects.get()
    assert (activity.lead, activity.contact, activity.subject) == (None, contact, "B")


def test_a_task_about_either_kind_of_person_finds_the_survivor(
    acme: Tenant, tmp_path: Path
) -> None:
    lead = LeadFactory(source=SOURCE, external_id="L")
    contact = ContactFactory(source=SOURCE, external_id="C")
    survivor = ContactFactory()
    merge(lead, contact)
    merge(contact, survivor)
    text = "id,title,who_id\n1,A,L\n2,B,C\n"
    import_rows(tmp_path, RecordKind.TASK, text)
    placed = [(task.lead, task.contact) for task in Task.objects.all()]
    assert placed == [(None, survivor)] * 2
    assert Contact.objects.get() == survivor
