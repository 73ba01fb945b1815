"""The feed of suggestions: what happened to those that one sees. Rows are committed here, because the feed
follows transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import ApiClient, Cast, make_cast
from apps.suggestions.services import approve
from apps.suggestions.tests.cases import NOW, quiet_lead, scan, suggested
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.transactions import Place, read_snapshot
from apps.users.models import ApiToken, User

EVENTS = "/api/v1/suggestions/events/"


@pytest.fixture
def people(committed_tenant: Tenant) -> Cast:
    """The people of the tenant whose rows are committed."""
    return make_cast()


def client_of(user: User) -> ApiClient:
    _, key = ApiToken.issue(user=user, name="tests", expires_at=None)
    return ApiClient("race.localhost", key)


def ask(client: ApiClient, address: str = EVENTS) -> Any:
    """One answer, when what the database itself is at is over."""
    while (snapshot := read_snapshot()).oldest_open != snapshot.next_one:
        pass
    answer = client.get(address)
    tenant_connection().set_tenant(Tenant.objects.get(schema_name="race"))
    assert answer.status_code == 200, answer.content
    return answer.json()


def in_short(page: Any) -> list[tuple[str, int]]:
    return [(row["event"], row["suggestion_id"]) for row in page["results"]]


def test_it_tells_what_became_of_a_suggestion(people: Cast) -> None:
    suggestion, client = suggested(people.rep), client_of(people.rep)
    first = ask(client)
    assert (in_short(first), first["has_more"]) == (
        [("suggestion.created", suggestion.pk)], False,
    )  # fmt: skip
    # To be shown one is a matter of the audit log.
    client.get(f"/api/v1/suggestions/{suggestion.pk}/")
    tenant_connection().set_tenant(Tenant.objects.get(schema_name="race"))
    done = approve(suggestion_id=suggestion.pk, user=people.rep, now=NOW)
    page = ask(client, first["next"])
    assert in_short(page) == [
        ("suggestion.approved", suggestion.pk), ("execution.succeeded", suggestion.pk),
    ]  # fmt: skip
    row = page["results"][1]
    assert (row["execution_id"], row["actor_id"], row["actor_name"], row["origin"]) == (
        done.execution_id, people.rep.pk, "Rita Rep", "person",
    )  # fmt: skip
    assert in_short(ask(client, page["next"])) == []
    assert in_short(ask(client, first["next"])) == in_short(page)


def test_only_of_suggestions_that_one_sees(people: Cast) -> None:
    mine, others = suggested(people.rep), suggested(people.outsider)
    assert in_short(ask(client_of(people.rep))) == [("suggestion.created", mine.pk)]
    assert in_short(ask(client_of(people.manager))) == [
        ("suggestion.created", mine.pk), ("suggestion.created", others.pk),
    ]  # fmt: skip


def test_pages_follow_each_other(people: Cast) -> None:
    for _ in range(3):
        quiet_lead(people.rep)
    scan()
    client = client_of(people.rep)
    first = ask(client, f"{EVENTS}?page_size=2")
    second = ask(client, first["next"])
    assert [len(first["results"]), len(second["results"])] == [2, 1]
    assert [first["has_more"], second["has_more"]] == [True, False]
    assert in_short(ask(client, f"{EVENTS}?start=now")) == []


def test_what_means_nothing_is_refused(cast: Cast, api_for: Callable[[User], ApiClient]) -> None:
    client = api_for(cast.rep)
    for query, name in (("cursor=x", "cursor"), ("record_kind=lead", "record_kind")):
        answer = client.get(f"{EVENTS}?{query}")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])
    ahead = client.get(f"{EVENTS}?cursor={Place(2**60, 1).encode()}")
    assert (ahead.status_code, ahead.json()["code"]) == (410, "cursor_unknown")
    cast.rep.groups.clear()
    assert client.get(EVENTS).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_it_costs_the_same_whatever_its_length(people: Cast, rows: int) -> None:
    for _ in range(rows):
        quiet_lead(people.rep)
    scan()
    client = client_of(people.rep)
    ask(client)
    with CaptureQueriesContext(connection) as queries:
        page = ask(client)
    assert len(page["results"]) == rows
    sql = [query["sql"] for query in queries if "audit_auditentry" in query["sql"]]
    assert len(sql) == 2, sql
    assert len([q for q in queries if "suggestions_suggestion" in q["sql"]]) == 1
