"""Who reaches the records by the API: tokens, sessions, roles, teams and tenants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Lead
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    TaskFactory,
)
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.models import ApiToken, User

ApiFor = Callable[[User], ApiClient]

# Every list, and what makes a row of it. Products belong to everybody.
OWNED: dict[str, Any] = {
    "leads": LeadFactory,
    "contacts": ContactFactory,
    "accounts": AccountFactory,
    "opportunities": OpportunityFactory,
    "activities": ActivityFactory,
    "tasks": TaskFactory,
    "contracts": ContractFactory,
}


def ids_of(answer: Any) -> list[int]:
    return [row["id"] for row in answer.json()["results"]]


def test_without_a_token_the_answer_is_401_and_names_the_scheme(
    cast: Cast, anonymous_client: TenantClient
) -> None:
    LeadFactory()
    answer = anonymous_client.get("/api/v1/leads/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("header", ["Token wrong", "Token", "Token a b", "Token \xff"])
def test_a_bad_token_is_401(cast: Cast, acme: Tenant, header: str) -> None:
    client = Client(HTTP_HOST="acme.localhost", HTTP_AUTHORIZATION=header)
    answer = client.get("/api/v1/leads/")
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")


def test_an_expired_token_and_one_of_a_person_who_left_are_401(acme: Tenant, cast: Cast) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    _, expired = ApiToken.issue(user=cast.rep, name="old", expires_at=long_ago)
    _, orphaned = ApiToken.issue(user=cast.teammate, name="left", expires_at=None)
    User.objects.filter(pk=cast.teammate.pk).update(is_active=False)
    answers = [
        ApiClient("acme.localhost", key).get("/api/v1/leads/") for key in (expired, orphaned)
    ]
    assert [answer.status_code for answer in answers] == [401, 401]


def test_a_token_that_has_not_expired_yet_works(acme: Tenant, cast: Cast) -> None:
    _, key = ApiToken.issue(
        user=cast.rep, name="new", expires_at=timezone.now() + timedelta(hours=1)
    )
    assert ApiClient("acme.localhost", key).get("/api/v1/leads/").status_code == 200


def test_a_token_of_one_tenant_is_unknown_to_the_other(
    acme: Tenant, globex: Tenant, cast: Cast, globex_cast: Cast
) -> None:
    with globex:
        _, key = ApiToken.issue(user=globex_cast.manager, name="globex", expires_at=None)
    tenant_connection().set_tenant(acme)
    LeadFactory()
    assert ApiClient("acme.localhost", key).get("/api/v1/leads/").status_code == 401
    assert ApiClient("globex.localhost", key).get("/api/v1/leads/").status_code == 200


def test_fault_18_the_tenant_is_the_host_and_nothing_that_is_sent(
    acme: Tenant, globex: Tenant, cast: Cast, globex_cast: Cast, api_for: ApiFor
) -> None:
    mine = LeadFactory(owner=cast.rep)
    with globex:
        LeadFactory(owner=globex_cast.rep, last_name="Secret")
    client = api_for(cast.rep)
    assert ids_of(client.get("/api/v1/leads/")) == [mine.pk]
    answer = client.get("/api/v1/leads/", {"tenant": "globex"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["tenant"])
    answer = client.send("POST", "/api/v1/leads/", {"last_name": "New", "tenant": "globex"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["tenant"])
    answer = client.send("POST", "/api/v1/leads/", {"last_name": "New"})
    assert answer.status_code == 201
    with globex:
        assert list(Lead.objects.values_list("last_name", flat=True)) == ["Secret"]


@pytest.mark.parametrize("name", OWNED)
def test_a_list_holds_own_team_and_unowned_rows_and_no_others(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor, name: str
) -> None:
    make = OWNED[name]
    mine, teams, nobodys = make(owner=cast.rep), make(owner=cast.teammate), make(owner=None)
    foreign = make(owner=cast.outsider)
    with globex:
        make(owner=globex_cast.rep)
    rows = api_for(cast.rep).get(f"/api/v1/{name}/")
    assert sorted(ids_of(rows)) == sorted([mine.pk, teams.pk, nobodys.pk])
    rows = api_for(cast.manager).get(f"/api/v1/{name}/")
    assert sorted(ids_of(rows)) == sorted([mine.pk, teams.pk, nobodys.pk, foreign.pk])


@pytest.mark.parametrize("name", OWNED)
def test_a_foreign_record_is_404_to_read_and_to_change(
    cast: Cast, api_for: ApiFor, name: str
) -> None:
    foreign = OWNED[name](owner=cast.outsider, source="erp", external_id="77")
    client = api_for(cast.rep)
    by_id, by_external_id = (
        f"/api/v1/{name}/{foreign.pk}/",
        f"/api/v1/{name}/by-external-id/erp/77/",
    )
    assert client.get(by_id).status_code == 404
    assert client.get(by_external_id).status_code == 404
    answer = client.send("PATCH", by_id, {"source": "mine"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    foreign.refresh_from_db()
    assert (foreign.source, foreign.revision) == ("erp", 1)


def test_everybody_sees_products_and_only_managers_change_them(cast: Cast, api_for: ApiFor) -> None:
    product = ProductFactory(owner=cast.outsider)
    rep, manager = api_for(cast.rep), api_for(cast.manager)
    assert ids_of(rep.get("/api/v1/products/")) == [product.pk]
    refused = [
        rep.send("POST", "/api/v1/products/", {"name": "New"}),
        rep.send("PATCH", f"/api/v1/products/{product.pk}/", {"name": "New"}),
        rep.send("PUT", "/api/v1/products/by-external-id/erp/1/", {"name": "New"}),
    ]
    assert [(a.status_code, a.json()["code"]) for a in refused] == [(403, "permission_denied")] * 3
    events = AuditEntry.objects.filter(event="permission.refused", actor_id=cast.rep.pk)
    assert [(entry.origin, entry.record_kind) for entry in events] == [("api", "product")] * 3
    changed = manager.send("PATCH", f"/api/v1/products/{product.pk}/", {"name": "New"})
    assert (changed.status_code, changed.json()["name"]) == (200, "New")


def test_a_person_without_a_role_gets_403(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep)
    cast.rep.groups.remove(Group.objects.get(name="rep"))
    client = api_for(cast.rep)
    answers = [
        client.get("/api/v1/leads/"),
        client.get(f"/api/v1/leads/{lead.pk}/"),
        client.send("POST", "/api/v1/leads/", {"last_name": "New"}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_nothing_can_be_deleted(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.admin)
    answer = api_for(cast.admin).send("DELETE", f"/api/v1/leads/{lead.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, PATCH, HEAD, OPTIONS"
    assert Lead.objects.filter(pk=lead.pk).exists()


def test_a_session_reads_and_writes_only_with_its_csrf_token(acme: Tenant, cast: Cast) -> None:
    client = Client(HTTP_HOST="acme.localhost", enforce_csrf_checks=True)
    client.force_login(cast.rep)
    lead = LeadFactory(owner=cast.rep)
    path, change = f"/api/v1/leads/{lead.pk}/", {"title": "CFO"}
    assert client.get(path).status_code == 200
    answer = client.patch(path, change, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    client.cookies["csrftoken"] = "a" * 32
    answer = client.patch(
        path, change, content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )
    assert (answer.status_code, answer.json()["title"]) == (200, "CFO")


def test_the_use_of_a_token_is_remembered(cast: Cast, api_for: ApiFor) -> None:
    api_for(cast.rep).get("/api/v1/leads/")
    assert ApiToken.objects.get(user=cast.rep).last_used_at is not None
