"""Create-or-change by the id of another system: repeatable, and safe when sent twice at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.conftest import ApiClient, Cast, make_cast
from apps.crm.models import Activity, ChangeLog, Lead
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    CustomFieldFactory,
    LeadFactory,
    StageFactory,
)
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.models import ApiToken, User

ApiFor = Callable[[User], ApiClient]

PATH = "/api/v1/leads/by-external-id/erp/L-1/"


def test_the_first_call_creates_and_the_next_changes(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    created = client.send("PUT", PATH, {"last_name": "Byron", "title": "CEO"})
    lead = Lead.objects.get()
    assert (created.status_code, created["ETag"]) == (201, '"1"')
    assert created["Location"] == f"http://acme.localhost/api/v1/leads/{lead.pk}/"
    changed = client.send("PUT", PATH, {"last_name": "Lovelace"})
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    body = changed.json()
    assert (body["id"], body["last_name"], body["title"]) == (lead.pk, "Lovelace", "CEO")
    assert (body["source"], body["external_id"], body["owner"]) == ("erp", "L-1", cast.rep.pk)


def test_sending_the_same_again_changes_nothing(cast: Cast, api_for: ApiFor) -> None:
    CustomFieldFactory(key="region")
    client = api_for(cast.rep)
    payload = {
        "last_name": "Byron",
        "estimated_value": "12.50",
        "owner": cast.teammate.pk,
        "attributes": {"region": "north"},
    }
    answers = [client.send("PUT", PATH, payload) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert [answer["ETag"] for answer in answers] == ['"1"'] * 3
    lead = Lead.objects.get()
    assert ChangeLog.objects.of_record("lead", lead.pk).count() == 1


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("contacts", {"last_name": "A"}),
        ("accounts", {"name": "A"}),
        ("opportunities", {"name": "A", "stage": "engaging"}),
        ("activities", {"activity_kind": "call", "occurred_at": "2026-03-02T09:00:00Z"}),
        ("tasks", {"title": "A"}),
        ("contracts", {"name": "A"}),
        ("products", {"name": "A"}),
    ],
)
def test_every_kind_can_be_upserted_and_read_by_its_external_id(
    cast: Cast, api_for: ApiFor, kind: str, payload: dict[str, Any]
) -> None:
    StageFactory(key="engaging")
    if kind == "contracts":
        payload = payload | {"account": AccountFactory().pk}
    client, path = api_for(cast.manager), f"/api/v1/{kind}/by-external-id/erp/2026/17/"
    created, changed = client.send("PUT", path, payload), client.send("PUT", path, payload)
    read = client.get(path)
    assert [created.status_code, changed.status_code, read.status_code] == [201, 200, 200]
    assert created.json()["id"] == changed.json()["id"] == read.json()["id"]
    # An id may hold slashes; it is everything behind the source.
    assert read.json()["external_id"] == "2026/17"


def test_the_same_id_of_another_source_is_another_record(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    first = client.send("PUT", "/api/v1/leads/by-external-id/a/1/", {"last_name": "A"})
    second = client.send("PUT", "/api/v1/leads/by-external-id/b/1/", {"last_name": "B"})
    assert [first.status_code, second.status_code] == [201, 201]
    assert first.json()["id"] != second.json()["id"]


def test_an_unknown_external_id_is_404_to_read(cast: Cast, api_for: ApiFor) -> None:
    LeadFactory(source="erp", external_id="L-2")
    assert api_for(cast.rep).get(PATH).status_code == 404


def test_a_body_that_contradicts_the_address_is_refused(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    for payload, field in (
        ({"last_name": "A", "external_id": "L-9"}, "external_id"),
        ({"last_name": "A", "source": "crm"}, "source"),
    ):
        answer = client.send("PUT", PATH, payload)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    agreeing = {"last_name": "A", "external_id": "L-1", "source": "erp"}
    assert client.send("PUT", PATH, agreeing).status_code == 201


@pytest.mark.parametrize(
    ("path", "payload", "field"),
    [
        (PATH, {"last_name": "A", "status": "asleep"}, "status"),
        (PATH, ["a list"], "non_field_errors"),
        (f"/api/v1/leads/by-external-id/{'s' * 61}/1/", {"last_name": "A"}, "source"),
        (f"/api/v1/leads/by-external-id/erp/{'1' * 121}/", {"last_name": "A"}, "external_id"),
    ],
)
def test_what_does_not_fit_is_refused(
    cast: Cast, api_for: ApiFor, path: str, payload: object, field: str
) -> None:
    answer = api_for(cast.rep).send("PUT", path, payload)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert Lead.objects.count() == 0


@pytest.mark.parametrize("ids", ["erp/a%00b", "e%00rp/a"])
def test_there_is_no_external_id_with_a_zero_byte(cast: Cast, api_for: ApiFor, ids: str) -> None:
    client, path = api_for(cast.rep), f"/api/v1/leads/by-external-id/{ids}/"
    answers = [client.get(path), client.send("PUT", path, {"last_name": "A"})]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "not_found")] * 2


def test_a_record_that_one_may_not_see_is_neither_changed_nor_doubled(
    cast: Cast, api_for: ApiFor
) -> None:
    hidden = LeadFactory(owner=cast.outsider, source="erp", external_id="L-1", last_name="Hidden")
    answer = api_for(cast.rep).send("PUT", PATH, {"last_name": "Mine"})
    assert (answer.status_code, answer.json()["code"]) == (409, "external_id_taken")
    assert "Hidden" not in answer.content.decode()
    assert list(Lead.objects.values_list("pk", "last_name")) == [(hidden.pk, "Hidden")]


def test_another_tenants_record_is_no_obstacle(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    with globex:
        theirs = LeadFactory(source="erp", external_id="L-1", last_name="Theirs")
    assert api_for(cast.rep).send("PUT", PATH, {"last_name": "Mine"}).status_code == 201
    with globex:
        theirs.refresh_from_db()
        assert (theirs.last_name, Lead.objects.count()) == ("Theirs", 1)


def test_if_match_guards_an_upsert_too(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    absent = client.send("PUT", PATH, {"last_name": "A"}, If_Match="*")
    assert (absent.status_code, Lead.objects.count()) == (412, 0)
    client.send("PUT", PATH, {"last_name": "A"})
    client.send("PUT", PATH, {"last_name": "B"})
    old = client.send("PUT", PATH, {"last_name": "C"}, If_Match='"1"')
    assert (old.status_code, old.json()["revision"]) == (412, 2)
    assert client.send("PUT", PATH, {"last_name": "C"}, If_Match='"2"').status_code == 200


def test_a_hidden_reference_is_refused_in_an_upsert(cast: Cast, api_for: ApiFor) -> None:
    hidden = AccountFactory(owner=cast.outsider)
    mine = ContactFactory(owner=cast.rep, source="erp", external_id="C-1")
    path = "/api/v1/contacts/by-external-id/erp/C-1/"
    answer = api_for(cast.rep).send("PUT", path, {"last_name": "A", "account": hidden.pk})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["account"])
    mine.refresh_from_db()
    assert mine.account_id is None


def test_the_same_activity_sent_by_eight_at_once_is_there_once(committed_tenant: Tenant) -> None:
    """Webhooks deliver at least once, and often at the same moment."""
    people = make_cast()
    _, key = ApiToken.issue(user=people.rep, name="tests", expires_at=None)
    connection.close()
    barrier = threading.Barrier(8)
    statuses: list[int] = []

    def deliver(number: int) -> None:
        try:
            client = ApiClient("race.localhost", key)
            barrier.wait(timeout=20)
            payload = {
                "activity_kind": "email",
                "occurred_at": "2026-03-02T09:00:00Z",
                "subject": f"delivery {number}",
            }
            path = "/api/v1/activities/by-external-id/mail/m-1/"
            statuses.append(client.send("PUT", path, payload).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tenant_connection().set_tenant(committed_tenant)
    assert sorted(statuses) == [200] * 7 + [201]
    activity = Activity.objects.get()
    history = ChangeLog.objects.of_record("activity", activity.pk).order_by("id")
    assert [row.operation for row in history][:1] == ["created"]
    assert activity.revision == history.count()
