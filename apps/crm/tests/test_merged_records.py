"""Merged records: in no list, found under their survivor, and never in a circle."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from pytest_django import DjangoAssertNumQueries

from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.exceptions import RecordMergedError, RecordNotFoundError
from apps.crm.former import former_selves
from apps.crm.models import Account, ChangeLog, Contact, Lead, Opportunity
from apps.crm.services import RecordValues, all_records, change_record, find_merged
from apps.crm.tests.factories import (
    MERGED_AT,
    AccountFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    merge,
)
from apps.crm.tests.pages import listed, make, merged_pair, sent, url, words
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import PATIENCE_S, at_once

MERGEABLE = [RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT]


@pytest.mark.parametrize("kind", MERGEABLE)
def test_a_merged_record_is_in_everything_alone(kind: RecordKind, acme: Tenant) -> None:
    record, survivor = merged_pair(kind)
    model = type(record)
    assert list(model._default_manager.all()) == [survivor]
    assert set(all_records(model)) == {record, survivor}
    assert list(survivor.merged_records.all()) == []  # type: ignore[attr-defined]
    assert model._base_manager.get(pk=record.pk).survivor == survivor


def test_what_still_refers_to_a_merged_record_can_be_read(acme: Tenant) -> None:
    record, survivor = AccountFactory.create_batch(2)
    deal = OpportunityFactory(account=record)
    merge(record, survivor)
    assert Opportunity.objects.get(pk=deal.pk).account == record
    assert Opportunity.objects.select_related("account").get(pk=deal.pk).account == record
    assert list(Account.objects.filter(opportunities=deal)) == []
    assert Account.everything.get(opportunities=deal).survivor == survivor


def test_the_survivor_stands_at_the_end_of_all_merges(acme: Tenant) -> None:
    first, second, third = LeadFactory.create_batch(3)
    contact, last = ContactFactory.create_batch(2)
    merge(first, second)
    merge(second, third)
    merge(third, contact)
    merge(contact, last)
    assert Lead.everything.get(pk=first.pk).survivor == last
    assert Contact.everything.get(pk=contact.pk).survivor == last
    assert last.survivor == last


@pytest.mark.parametrize("kind", MERGEABLE)
def test_the_database_refuses_half_a_merge(kind: RecordKind, acme: Tenant) -> None:
    record, other = make(kind), make(kind)
    rows = type(record)._base_manager.filter(pk=record.pk)
    for values in (
        {"merged_at": MERGED_AT},
        {"merged_into": other},
        {"merged_at": MERGED_AT, "merged_into": record},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**values)


def test_a_lead_is_not_merged_into_two(acme: Tenant) -> None:
    lead, other, contact = LeadFactory(), LeadFactory(), ContactFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        Lead.everything.filter(pk=lead.pk).update(
            merged_at=MERGED_AT, merged_into=other, merged_into_contact=contact
        )


@pytest.mark.parametrize("kind", MERGEABLE)
def test_nothing_is_merged_into_what_was_merged(kind: RecordKind, acme: Tenant) -> None:
    record, survivor = merged_pair(kind)
    with pytest.raises(IntegrityError, match="is merged itself"), transaction.atomic():
        merge(survivor, record)
    with pytest.raises(IntegrityError, match="is merged itself"), transaction.atomic():
        merge(make(kind), record)  # type: ignore[arg-type]


def test_two_merges_of_each_other_at_once_are_one(committed_tenant: Tenant) -> None:
    first, second = AccountFactory.create_batch(2)
    both_hold = Barrier(2)

    def run(record: Account, survivor: Account) -> None:
        with transaction.atomic():
            Account.everything.select_for_update().get(pk=record.pk)
            both_hold.wait(PATIENCE_S)
            merge(record, survivor)

    results = at_once(committed_tenant, [partial(run, first, second), partial(run, second, first)])
    (refused,) = (result for result in results if result is not None)
    assert isinstance(refused, IntegrityError | OperationalError)
    assert Account.objects.count() == 1


@pytest.mark.parametrize("kind", MERGEABLE)
def test_pages_of_a_merged_record_lead_to_its_survivor(
    kind: RecordKind, cast: Cast, client_for: Any
) -> None:
    record, survivor = merged_pair(kind, owner=cast.rep)
    client = client_for(cast.rep)
    for method, page in (("get", "detail"), ("get", "edit"), ("post", "edit")):
        answer = getattr(client, method)(url(kind, page, record.pk))
        assert (answer.status_code, answer.headers.get("Location")) == (
            302,
            survivor.get_absolute_url(),
        )
    page = client.get(url(kind, "detail", record.pk), follow=True)
    assert f"“{record}” was merged into “{survivor}”." in words(page)


def test_a_form_sent_for_a_record_that_was_merged_meanwhile_writes_nothing(
    cast: Cast, client_for: Any
) -> None:
    record, survivor = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep)
    client = client_for(cast.rep)
    typed = sent(client.get(url("lead", "edit", record.pk)).context["form"], company="Typed")
    merge(record, survivor)
    answer = client.post(url("lead", "edit", record.pk), typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, survivor.get_absolute_url())
    record.refresh_from_db()
    assert record.company == "Lead Works"


def test_only_who_may_see_both_is_told_of_a_merge(cast: Cast, client_for: Any) -> None:
    statuses = {}
    for of_record, of_survivor in ((True, False), (False, True), (True, True)):
        record = LeadFactory(owner=cast.rep if of_record else cast.outsider)
        merge(record, LeadFactory(owner=cast.rep if of_survivor else cast.outsider))
        page = url("lead", "detail", record.pk)
        statuses[of_record, of_survivor] = [
            client_for(viewer).get(page).status_code for viewer in (cast.rep, cast.manager)
        ]
    assert statuses == {
        (True, False): [404, 302],
        (False, True): [404, 302],
        (True, True): [302] * 2,
    }


def test_the_service_says_where_a_record_lives_on(cast: Cast) -> None:
    lead, contact = LeadFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    merge(lead, contact)
    values = RecordValues(fields={"company": "Other"})
    with pytest.raises(RecordMergedError) as caught:
        change_record(user=cast.rep, model=Lead, record_id=lead.pk, revision=None, values=values)
    assert (caught.value.code, caught.value.status, caught.value.extras) == (
        "record_merged",
        409,
        {"survivor": {"record_kind": "contact", "record_id": contact.pk}},
    )
    assert find_merged(cast.rep, Lead, lead.pk) == lead
    assert find_merged(cast.rep, Contact, contact.pk) is None
    Contact.objects.update(owner=cast.outsider)
    assert find_merged(cast.rep, Lead, lead.pk) is None
    with pytest.raises(RecordNotFoundError):
        change_record(user=cast.rep, model=Lead, record_id=lead.pk, revision=None, values=values)


@pytest.mark.parametrize("kind", MERGEABLE)
def test_lists_exports_options_and_searches_leave_merged_records_out(
    kind: RecordKind, cast: Cast, client_for: Any
) -> None:
    record, survivor = merged_pair(kind, owner=cast.rep)
    client = client_for(cast.rep)
    assert listed(client.get(url(kind, "list"))) == [survivor.pk]
    exported = b"".join(client.get(url(kind, "export")).streaming_content).decode()
    options = client.get(
        url(kind, "options"), {"field": "x", "x": str(record)[:5]}
    ).content.decode()
    found = client.get("/search/", {"q": str(record)}).content.decode()
    # Searched for is the name of the merged record, which its survivor does not have.
    for text in (exported, options):
        assert str(survivor) in text
    for text in (exported, options, found):
        assert record.get_absolute_url() not in text
        assert f"(#{record.pk})" not in text
    assert str(record) not in exported


def test_a_reference_typed_before_the_merge_is_taken_for_the_survivor(
    cast: Cast, client_for: Any
) -> None:
    record, survivor = merged_pair(RecordKind.ACCOUNT, owner=cast.rep)
    client = client_for(cast.rep)
    typed = sent(client.get(url("contact", "create")).context["form"], last_name="Ada")
    answer = client.post(url("contact", "create"), {**typed, "account": f"{record} (#{record.pk})"})
    assert answer.status_code == 302
    assert Contact.objects.get().account == survivor


def test_the_survivors_page_tells_what_else_it_was_called(cast: Cast, client_for: Any) -> None:
    contact = ContactFactory(owner=cast.rep, title="CFO", email="ann@isdom.com")
    other = ContactFactory(
        owner=cast.rep, first_name="Anne", last_name="Old", title="CFO", email="old@isdom.com"
    )
    lead = LeadFactory(
        owner=cast.rep, first_name="A.", last_name="Older", company="Isdom", email=""
    )
    hidden = LeadFactory(owner=cast.outsider, last_name="Hidden")
    merge(lead, other)
    merge(hidden, other)
    merge(other, contact, at=MERGED_AT + timedelta(days=1))
    page = client_for(cast.rep).get(contact.get_absolute_url())
    text = words(page)
    assert [former.record for former in page.context["former_selves"]] == [other, lead]
    assert [
        [(value.label, value.text) for value in former.values]
        for former in page.context["former_selves"]
    ] == [[("E-mail", "old@isdom.com")], [("Company", "Isdom")]]
    assert "Also known as Anne Old merged" in text
    assert url("contact", "former", other.pk) in page.content.decode()
    assert url("lead", "former", lead.pk) in page.content.decode()
    assert "Hidden" not in text


@pytest.mark.parametrize("rows", [1, 3])
def test_what_was_merged_takes_two_queries_for_each_step(
    rows: int, cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    survivor, step = ContactFactory.create_batch(2)
    for _ in range(rows):
        merge(ContactFactory(), step)
        merge(LeadFactory(), survivor)
    merge(step, survivor)
    # Her role is known to the page.
    assert cast.manager.sees_all
    # Contacts: one step, the next, and the empty one; leads: one step and the empty one.
    with django_assert_num_queries(5):
        assert len(former_selves(survivor, cast.manager)) == 1 + 2 * rows


def test_a_merged_record_keeps_a_page_with_its_history(cast: Cast, client_for: Any) -> None:
    record, survivor = LeadFactory(owner=cast.rep, title="Buyer"), LeadFactory(owner=cast.rep)
    Lead.objects.filter(pk=record.pk).update(company="Isdom")
    merge(record, survivor)
    client = client_for(cast.rep)
    page = client.get(url("lead", "former", record.pk))
    text = words(page)
    assert f"This lead was merged into {survivor}" in text
    assert "Lead Works became → Isdom" in text.replace("→ became", "became →")
    assert client_for(cast.outsider).get(url("lead", "former", record.pk)).status_code == 404
    present = client.get(url("lead", "former", survivor.pk))
    assert (present.status_code, present.headers["Location"]) == (302, survivor.get_absolute_url())


def test_the_history_names_merged_records(cast: Cast, client_for: Any) -> None:
    record, survivor = merged_pair(RecordKind.ACCOUNT, owner=cast.rep)
    deal = OpportunityFactory(account=record, owner=cast.rep)
    Opportunity.objects.update(account=survivor)
    text = words(client_for(cast.rep).get(deal.get_absolute_url()))
    assert f"Account: {record}" in text
    assert "gone" not in text


def test_a_merge_is_in_the_change_log(acme: Tenant) -> None:
    record, survivor = merged_pair(RecordKind.CONTACT)
    change = ChangeLog.objects.of_record("contact", record.pk).first()
    assert change is not None
    assert change.changes["merged_into_id"] == [None, survivor.pk]
    assert (record.revision, survivor.revision) == (2, 1)


def test_the_admin_lists_no_merged_record_and_leads_to_the_survivor(
    cast: Cast, client_for: Any
) -> None:
    record, survivor = merged_pair(RecordKind.ACCOUNT)
    client = client_for(cast.admin)
    shown = client.get("/admin/crm/account/").context["cl"].result_list
    assert list(shown) == [survivor]
    answer = client.get(f"/admin/crm/account/{record.pk}/change/")
    assert (answer.status_code, answer.headers["Location"]) == (302, survivor.get_absolute_url())


def test_deleting_a_survivor_takes_what_was_merged_into_it_along(acme: Tenant) -> None:
    record, survivor = merged_pair(RecordKind.CONTACT)
    lead = LeadFactory()
    merge(lead, record.survivor)
    survivor.delete()
    assert (Contact.everything.count(), Lead.everything.count()) == (0, 0)
