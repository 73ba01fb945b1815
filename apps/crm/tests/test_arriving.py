"""What arrives at a merged record goes on to its survivor, by whichever road it is written."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conftest import Cast
from apps.crm.arriving import MERGE_MARKS, hanging_columns
from apps.crm.changelog import record_models
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Activity, ChangeLog, Contact, Lead, MergeableRecord, Task
from apps.crm.tests.factories import (
    MERGED_AT,
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
    merge,
)
from apps.crm.tests.pages import make, merged_pair, sent, url, words
from apps.tenants.models import Tenant

WAYS = [
    (model.kind, column, RecordKind(kind))
    for model in record_models()
    for column, kind in hanging_columns(model)
]


def held(record: Any, column: str) -> int | None:
    found: int | None = type(record)._base_manager.values_list(column, flat=True).get(pk=record.pk)
    return found


def test_every_reference_to_what_may_be_merged_is_looked_at() -> None:
    wanted = {
        (model.kind, field.attname)
        for model in record_models()
        for field in model._meta.concrete_fields
        if field.name not in MERGE_MARKS
        and isinstance(field.related_model, type)
        and issubclass(field.related_model, MergeableRecord)
    }
    assert {(child, column) for child, column, _ in WAYS} == wanted
    assert len(WAYS) == 15


@pytest.mark.parametrize(("child", "column", "kind"), WAYS)
def test_a_new_or_changed_record_that_names_a_merged_one_names_its_survivor(
    acme: Tenant, child: RecordKind, column: str, kind: RecordKind
) -> None:
    record, survivor = merged_pair(kind)
    name = column.removesuffix("_id")
    new = make(child, **{name: record})
    assert held(new, column) == survivor.pk
    changed = make(child)
    type(changed)._base_manager.filter(pk=changed.pk).update(**{name: record})
    assert held(changed, column) == survivor.pk


def test_it_goes_to_the_end_of_all_merges(acme: Tenant) -> None:
    first, second = LeadFactory.create_batch(2)
    contact, last = ContactFactory.create_batch(2)
    merge(first, second)
    merge(second, contact)
    merge(contact, last)
    call = ActivityFactory(lead=first)
    assert (held(call, "lead_id"), held(call, "contact_id")) == (None, last.pk)
    task = TaskFactory(lead=None)
    Task.objects.filter(pk=task.pk).update(lead=second)
    assert (held(task, "lead_id"), held(task, "contact_id")) == (None, last.pk)


def test_what_names_another_contact_stays_with_the_lead(acme: Tenant) -> None:
    lead, survivor = LeadFactory(), ContactFactory()
    other = ContactFactory()
    merge(lead, survivor)
    call = ActivityFactory(lead=lead, contact=other)
    assert (held(call, "lead_id"), held(call, "contact_id")) == (lead.pk, other.pk)


def test_rows_written_together_each_go_their_way(acme: Tenant) -> None:
    (one, kept), (two, also_kept) = merged_pair(RecordKind.LEAD), LeadFactory.create_batch(2)
    merge(two, also_kept)
    alive = LeadFactory()
    template = ActivityFactory(lead=alive)
    leads: list[Any] = [one, two, alive, None]
    calls = Activity.objects.bulk_create(
        Activity(lead=lead, activity_kind="call", occurred_at=template.occurred_at)
        for lead in leads
    )
    found = Activity.objects.order_by("pk").filter(pk__in=[call.pk for call in calls])
    assert list(found.values_list("lead_id", flat=True)) == [
        kept.pk,
        also_kept.pk,
        alive.pk,
        None,
    ]


def test_the_last_activity_is_the_survivors(acme: Tenant) -> None:
    record, survivor = merged_pair(RecordKind.LEAD)
    call = ActivityFactory(lead=record)
    assert Lead.everything.get(pk=record.pk).last_activity_at is None
    assert Lead.objects.get(pk=survivor.pk).last_activity_at == call.occurred_at


def test_a_new_record_is_told_first_and_then_that_it_was_sent_on(acme: Tenant) -> None:
    record, survivor = merged_pair(RecordKind.LEAD)
    task = TaskFactory(lead=record)
    log = ChangeLog.objects.of_record("task", task.pk).order_by("pk")
    assert list(log.values_list("operation", "changes")) == [
        ("created", {}),
        ("changed", {"lead_id": [record.pk, survivor.pk]}),
    ]


def test_what_hung_on_a_record_before_it_was_marked_may_be_changed_otherwise(acme: Tenant) -> None:
    record, survivor = LeadFactory.create_batch(2)
    task = TaskFactory(lead=record)
    Lead.objects.filter(pk=record.pk).update(merged_into=survivor, merged_at=MERGED_AT)
    Task.objects.filter(pk=task.pk).update(title="Another", lead=record)
    assert held(task, "lead_id") == record.pk


def test_no_account_comes_below_itself(acme: Tenant) -> None:
    record, survivor = merged_pair(RecordKind.ACCOUNT)
    below = AccountFactory(parent=survivor)
    Account.objects.filter(pk__in=[survivor.pk, below.pk]).update(parent=record)
    assert (held(survivor, "parent_id"), held(below, "parent_id")) == (None, survivor.pk)
    Account.objects.filter(pk=survivor.pk).update(parent=below)
    new = AccountFactory(parent=record)
    assert held(new, "parent_id") == survivor.pk
    Account.objects.filter(pk=below.pk).update(parent=None)
    Account.objects.filter(pk=below.pk).update(parent=record)
    assert held(below, "parent_id") is None


@pytest.mark.parametrize("kind", [RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT])
@pytest.mark.parametrize("page", ["log", "add_task"])
def test_what_was_typed_on_the_page_of_a_record_that_was_merged_since_is_kept(
    kind: RecordKind, page: str, cast: Cast, client_for: Any
) -> None:
    record, survivor = (make(kind, owner=cast.rep) for _ in range(2))
    client = client_for(cast.rep)
    name, prefix, child = {
        "log": ("activity_form", "log", Activity),
        "add_task": ("task_form", "task", Task),
    }[page]
    form = client.get(record.get_absolute_url()).context[name]
    typed = {"log-activity_kind": "call", "log-subject": "Budget", "task-title": "Budget"}
    data = sent(form, **{key: text for key, text in typed.items() if key.startswith(prefix)})
    merge(record, survivor)  # type: ignore[arg-type]
    answer = client.post(url(kind, page, record.pk), data)
    assert (answer.status_code, answer["Location"]) == (302, survivor.get_absolute_url())
    assert getattr(child._base_manager.get(), f"{kind.value}_id") == survivor.pk
    done = {"log": "Activity logged.", "add_task": "Task added."}[page]
    shown = words(client.get(survivor.get_absolute_url()))
    assert f"“{record}” was merged into “{survivor}”. {done}" in shown


def test_what_was_typed_about_a_lead_that_lives_on_as_a_contact_is_the_contacts(
    cast: Cast, client_for: Any
) -> None:
    lead, contact = LeadFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    client = client_for(cast.rep)
    form = client.get(lead.get_absolute_url()).context["task_form"]
    merge(lead, contact)
    answer = client.post(url("lead", "add_task", lead.pk), sent(form, **{"task-title": "Call"}))
    assert answer["Location"] == contact.get_absolute_url()
    task = Task.objects.get()
    assert (task.lead, task.contact) == (None, contact)


@pytest.mark.parametrize("page", ["log", "add_task"])
def test_where_a_merged_record_lives_on_is_told_only_to_who_may_see_both(
    page: str, cast: Cast, client_for: Any
) -> None:
    record, survivor = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    merge(record, survivor)
    data = {"task-title": "Call", "log-activity_kind": "call", "log-subject": "Budget"}
    assert client_for(cast.rep).post(url("lead", page, record.pk), data).status_code == 404
    assert not Task.objects.exists()
    assert not Activity.objects.exists()


def test_contacts_and_deals_of_a_merged_account_are_the_survivors(acme: Tenant) -> None:
    record, survivor = merged_pair(RecordKind.ACCOUNT)
    contact = ContactFactory(account=record)
    OpportunityFactory(account=record, contact=contact)
    assert Contact.objects.get().account == survivor
    assert survivor.opportunities.count() == 1
