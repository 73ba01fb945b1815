"""The API about merged records: reading leads to the survivor, writing is refused, references land on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.conftest import ApiClient, Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Lead, MergeableRecord, Opportunity, Task
from apps.crm.services import all_records
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
    merge,
)
from apps.crm.tests.pages import merged_pair
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

FOLDERS = {
    RecordKind.LEAD: "/api/v1/leads/",
    RecordKind.CONTACT: "/api/v1/contacts/",
    RecordKind.ACCOUNT: "/api/v1/accounts/",
}


def revisions_of(model: type[MergeableRecord]) -> dict[int, int]:
    """Of all records of a kind: whatever is written raises one of them, or adds one."""
    return {record.pk: record.revision for record in all_records(model)}


@pytest.mark.parametrize("kind", list(FOLDERS))
def test_reading_a_merged_record_leads_to_its_survivor(
    kind: RecordKind, cast: Cast, api_for: ApiFor
) -> None:
    record, survivor = merged_pair(kind, owner=cast.rep)
    folder, client = FOLDERS[kind], api_for(cast.rep)
    for path in (f"{folder}{record.pk}/", f"{folder}by-external-id/erp/1/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"], answer.content) == (
            307,
            f"http://acme.localhost{folder}{survivor.pk}/",
            b"",
        )
    assert [row["id"] for row in client.get(folder).json()["results"]] == [survivor.pk]


@pytest.mark.parametrize("kind", list(FOLDERS))
def test_writing_to_a_merged_record_is_refused_with_its_survivor(
    kind: RecordKind, cast: Cast, api_for: ApiFor
) -> None:
    record, survivor = merged_pair(kind, owner=cast.rep)
    folder, client = FOLDERS[kind], api_for(cast.rep)
    before = revisions_of(type(record))
    for method, path in (
        ("PATCH", f"{folder}{record.pk}/"),
        ("PUT", f"{folder}by-external-id/erp/1/"),
    ):
        answer = client.send(method, path, {"phone": "+1 555"})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["survivor"]) == (
            409,
            "record_merged",
            {"record_kind": kind, "record_id": survivor.pk},
        )
        assert problem["title"] == f"“{record}” was merged into “{survivor}”."
    assert revisions_of(type(record)) == before


def test_a_lead_who_is_a_contact_leads_there(cast: Cast, api_for: ApiFor) -> None:
    lead, contact = LeadFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    merge(lead, contact)
    answer = api_for(cast.rep).get(f"/api/v1/leads/{lead.pk}/")
    assert answer["Location"] == f"http://acme.localhost/api/v1/contacts/{contact.pk}/"


def test_who_does_not_see_both_is_told_nothing(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    for fields in ({"owner": cast.outsider}, {"owner": cast.rep}):
        lead = LeadFactory(source="erp", external_id=f"{fields}", **fields)
        merge(lead, LeadFactory(owner=cast.outsider))
        assert client.get(f"/api/v1/leads/{lead.pk}/").status_code == 404
        assert client.send("PATCH", f"/api/v1/leads/{lead.pk}/", {}).status_code == 404
        upsert = client.send(
            "PUT", f"/api/v1/leads/by-external-id/erp/{fields}/", {"last_name": "A"}
        )
        assert (upsert.status_code, upsert.json()["code"]) == (409, "external_id_taken")


def test_the_external_id_of_a_merged_record_stays_taken(cast: Cast, api_for: ApiFor) -> None:
    merged_pair(RecordKind.LEAD, owner=cast.rep)
    payload = {"last_name": "A", "source": "erp", "external_id": "1"}
    answer = api_for(cast.rep).send("POST", "/api/v1/leads/", payload)
    assert (answer.status_code, answer.json()["code"]) == (409, "external_id_taken")
    assert Lead.everything.count() == 2


def test_a_reference_to_a_merged_record_lands_on_its_survivor(cast: Cast, api_for: ApiFor) -> None:
    record, survivor = merged_pair(RecordKind.ACCOUNT, owner=cast.rep)
    StageFactory(key="engaging")
    client = api_for(cast.rep)
    payload = {"name": "A", "stage": "engaging", "account": record.pk}
    created = client.send("POST", "/api/v1/opportunities/", payload)
    assert (created.status_code, created.json()["account"]) == (201, survivor.pk)
    assert Opportunity.objects.get().account == survivor


def test_a_record_that_still_refers_to_a_merged_one_is_moved_when_sent_back(
    cast: Cast, api_for: ApiFor
) -> None:
    survivor = AccountFactory(owner=cast.rep)
    record = AccountFactory(owner=cast.outsider)
    deal = OpportunityFactory(owner=cast.rep, account=record)
    merge(record, survivor)
    path = f"/api/v1/opportunities/{deal.pk}/"
    answer = api_for(cast.rep).send("PATCH", path, {"account": record.pk})
    assert (answer.status_code, answer.json()["account"]) == (200, survivor.pk)
    assert list(Account.objects.all()) == [survivor]


def test_a_lead_who_is_a_contact_cannot_be_named_as_a_lead(cast: Cast, api_for: ApiFor) -> None:
    lead, contact = LeadFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    merge(lead, contact)
    answer = api_for(cast.rep).send("POST", "/api/v1/tasks/", {"title": "A", "lead": lead.pk})
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        {"lead": [f"This lead was merged into the contact {contact.pk}: name that."]},
    )
    assert Task.objects.count() == 0


@pytest.mark.parametrize("is_held", [False, True])
def test_who_does_not_see_the_contact_is_not_told_of_it(
    cast: Cast, api_for: ApiFor, is_held: bool
) -> None:
    lead = LeadFactory(owner=cast.rep)
    task = TaskFactory(owner=cast.rep, lead=lead if is_held else None)
    merge(lead, ContactFactory(owner=cast.outsider))
    answer = api_for(cast.rep).send("PATCH", f"/api/v1/tasks/{task.pk}/", {"lead": lead.pk})
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        {"lead": [f'Invalid pk "{lead.pk}" - object does not exist.']},
    )
