"""Lists of the API: filters, order, pages and what they cost."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import ApiClient, Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    StageFactory,
    TaskFactory,
)
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def ids_of(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def cursor_of(*parts: object) -> str:
    """A cursor that somebody has made up."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def walk(client: ApiClient, path: str) -> list[list[int]]:
    """Follow the next links; return the ids page by page."""
    pages = []
    while path:
        answer = client.get(path)
        pages.append(ids_of(answer))
        path = answer.json()["next"]
        assert len(pages) < 20
    return pages


def test_leads_are_filtered_by_status_owner_and_source(cast: Cast, api_for: ApiFor) -> None:
    new = LeadFactory(status="new", owner=cast.rep)
    working = LeadFactory(status="working", owner=cast.teammate)
    lost = LeadFactory(status="unqualified", source="erp", external_id="9")
    client = api_for(cast.rep)

    def found(**parameters: Any) -> list[int]:
        return ids_of(client.get("/api/v1/leads/", parameters | {"ordering": "id"}))

    assert found() == [new.pk, working.pk, lost.pk]
    assert found(status=["new", "working"]) == [new.pk, working.pk]
    assert found(owner=cast.teammate.pk) == [working.pk]
    assert found(unowned="true") == [lost.pk]
    assert found(source="erp", external_id="9") == [lost.pk]
    assert found(search="lead works", status="new") == [new.pk]
    assert found(search="nobody") == []
    assert found(email=new.email.upper()) == [new.pk]


def test_leads_are_filtered_by_the_time_of_their_last_change(cast: Cast, api_for: ApiFor) -> None:
    old, changed = LeadFactory.create_batch(2, owner=cast.rep)
    before = MORNING - timedelta(days=9)
    Lead.objects.filter(pk=old.pk).update(created_at=before, updated_at=before)
    client = api_for(cast.rep)
    assert ids_of(client.get("/api/v1/leads/", {"updated_from": MORNING.isoformat()})) == [
        changed.pk
    ]
    assert ids_of(client.get("/api/v1/leads/", {"created_before": MORNING.isoformat()})) == [old.pk]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("updated_from", "4409-10-15T16:13:37+19:11"),
        ("updated_from", "2026-03-02T09:00:00"),
        ("created_before", "9999-12-31T23:59:59Z"),
        ("owner", "9" * 30),
        ("owner", "5.86e+16"),
        ("search", "%_\\'"),
    ],
)
def test_an_odd_but_possible_value_is_answered(
    cast: Cast, api_for: ApiFor, name: str, value: str
) -> None:
    LeadFactory(owner=cast.rep)
    assert api_for(cast.rep).get("/api/v1/leads/", {name: value}).status_code == 200


def test_a_moment_without_an_offset_is_in_utc(cast: Cast, api_for: ApiFor) -> None:
    activity = ActivityFactory(owner=cast.rep, occurred_at=MORNING)
    client = api_for(cast.rep)
    path = "/api/v1/activities/"
    assert ids_of(client.get(path, {"occurred_from": "2026-03-02T09:00:00"})) == [activity.pk]
    assert ids_of(client.get(path, {"occurred_from": "2026-03-02T09:00:01"})) == []
    assert ids_of(client.get(path, {"occurred_from": "2026-03-02T10:00:00+01:00"})) == [activity.pk]


def test_deals_are_filtered_by_account_stage_outcome_and_close_date(
    cast: Cast, api_for: ApiFor
) -> None:
    account = AccountFactory()
    first = OpportunityFactory(account=account, expected_close_on=date(2026, 4, 1))
    second = OpportunityFactory(expected_close_on=date(2026, 5, 1), stage=StageFactory(key="won"))
    client = api_for(cast.rep)

    def found(**parameters: Any) -> list[int]:
        return ids_of(client.get("/api/v1/opportunities/", parameters))

    assert found(account=account.pk) == [first.pk]
    assert found(stage="won") == [second.pk]
    assert found(outcome="open") == [first.pk]
    assert found(expected_close_from="2026-05-01") == [second.pk]
    assert found(expected_close_before="2026-05-01") == [first.pk]


def test_activities_and_tasks_are_filtered_by_the_record_they_are_about(
    cast: Cast, api_for: ApiFor
) -> None:
    lead = LeadFactory(owner=cast.rep)
    call = ActivityFactory(lead=lead, activity_kind="call", occurred_at=MORNING)
    ActivityFactory()
    due = TaskFactory(lead=lead, due_on=date(2026, 3, 9))
    TaskFactory(due_on=date(2026, 3, 1), status="done")
    client = api_for(cast.rep)
    assert ids_of(client.get("/api/v1/activities/", {"lead": lead.pk})) == [call.pk]
    assert ids_of(client.get("/api/v1/activities/", {"activity_kind": "call"})) == [call.pk]
    assert ids_of(client.get("/api/v1/tasks/", {"lead": lead.pk})) == [due.pk]
    assert ids_of(client.get("/api/v1/tasks/", {"status": "open", "due_before": "2026-03-10"})) == [
        due.pk
    ]


def test_a_filter_by_a_record_that_one_may_not_see_finds_what_one_may_see(
    cast: Cast, api_for: ApiFor
) -> None:
    hidden = AccountFactory(owner=cast.outsider)
    mine = ContactFactory(account=hidden, owner=cast.rep)
    ContactFactory(account=hidden, owner=cast.outsider)
    assert ids_of(api_for(cast.rep).get("/api/v1/contacts/", {"account": hidden.pk})) == [mine.pk]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"statsu": "new"}, "statsu"),
        ({"status": "nonsense"}, "status"),
        ({"owner": "me"}, "owner"),
        ({"updated_from": "yesterday"}, "updated_from"),
        ({"updated_from": "0001-01-01T00:00:00+09:00"}, "updated_from"),
        ({"ordering": "notes"}, "ordering"),
        ({"ordering": "--id"}, "ordering"),
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "201"}, "page_size"),
        ({"page_size": "many"}, "page_size"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WyJpZCIsICJ4IiwgMV0"}, "cursor"),
        ({"cursor": cursor_of("-created_at", "0001-01-01T00:00:00+09:00", 1)}, "cursor"),
        ({"cursor": cursor_of("-created_at", "2026-03-02T09:00:00Z", "1")}, "cursor"),
        ({"cursor": cursor_of("-created_at", 5, 1)}, "cursor"),
        ({"search": "a\0b"}, "search"),
        ({"search": "x" * 201}, "search"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(
    cast: Cast, api_for: ApiFor, parameters: dict[str, str], field: str
) -> None:
    answer = api_for(cast.rep).get("/api/v1/leads/", parameters)
    assert answer.status_code == 400
    problem = answer.json()
    assert (problem["code"], list(problem["errors"])) == ("invalid", [field])


@pytest.mark.parametrize("ordering", ["-created_at", "created_at", "id", "-id"])
def test_pages_hold_every_row_once_in_order(cast: Cast, api_for: ApiFor, ordering: str) -> None:
    leads = [LeadFactory(owner=cast.rep).pk for _ in range(7)]
    # Three moments, so that ties are broken by id in the middle of a page.
    for index, pk in enumerate(leads):
        Lead.objects.filter(pk=pk).update(created_at=MORNING + timedelta(days=index // 3))
    expected = sorted(leads, reverse=ordering.startswith("-"))
    pages = walk(api_for(cast.rep), f"/api/v1/leads/?page_size=2&ordering={ordering}")
    assert pages == [expected[:2], expected[2:4], expected[4:6], expected[6:]]


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [("estimated_value", [0, 3, 1, 2, 4]), ("-estimated_value", [1, 3, 0, 4, 2])],
)
def test_empty_values_come_last_in_either_direction(
    cast: Cast, api_for: ApiFor, ordering: str, expected: list[int]
) -> None:
    values = [Decimal("1.50"), Decimal("20.00"), None, Decimal("1.50"), None]
    ids = [LeadFactory(owner=cast.rep, estimated_value=value).pk for value in values]
    pages = walk(api_for(cast.rep), f"/api/v1/leads/?page_size=1&ordering={ordering}")
    assert [pk for page in pages for pk in page] == [ids[index] for index in expected]


def test_a_row_that_appears_meanwhile_moves_no_other(cast: Cast, api_for: ApiFor) -> None:
    leads = [LeadFactory(owner=cast.rep).pk for _ in range(4)]
    client = api_for(cast.rep)
    first = client.get("/api/v1/leads/?page_size=2&ordering=-id")
    LeadFactory(owner=cast.rep)
    second = client.get(first.json()["next"])
    assert ids_of(first) + ids_of(second) == sorted(leads, reverse=True)


def test_a_cursor_belongs_to_its_order(cast: Cast, api_for: ApiFor) -> None:
    LeadFactory.create_batch(3, owner=cast.rep)
    client = api_for(cast.rep)
    following = client.get("/api/v1/leads/?page_size=2&ordering=id").json()["next"]
    answer = client.get(following.replace("ordering=id", "ordering=-id"))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["cursor"])


def make_rows(count: int, owner: User) -> dict[str, list[Any]]:
    return {
        "leads": LeadFactory.create_batch(count, owner=owner),
        "contacts": [ContactFactory(owner=owner, account=AccountFactory()) for _ in range(count)],
        "accounts": [AccountFactory(owner=owner, parent=AccountFactory()) for _ in range(count)],
        "opportunities": [
            OpportunityFactory(owner=owner, contact=ContactFactory(), product=ProductFactory())
            for _ in range(count)
        ],
        "activities": [
            ActivityFactory(owner=owner, lead=LeadFactory(), contact=ContactFactory())
            for _ in range(count)
        ],
        "tasks": [TaskFactory(owner=owner, lead=LeadFactory()) for _ in range(count)],
        "contracts": ContractFactory.create_batch(count, owner=owner),
        "products": ProductFactory.create_batch(count, owner=owner),
    }


@pytest.mark.parametrize(
    "name",
    [
        "leads", "contacts", "accounts", "opportunities", "activities", "tasks", "contracts",
        "products",
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [1, 3])
def test_a_list_costs_six_queries_whatever_its_length(
    cast: Cast, api_for: ApiFor, name: str, rows: int
) -> None:
    make_rows(rows, cast.rep)
    client = api_for(cast.rep)
    client.get(f"/api/v1/{name}/")
    # The tenant and its schema (2), the token, the person's permissions (2), the rows.
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(f"/api/v1/{name}/")
    assert len(ids_of(answer)) >= rows
    assert len(queries) == 6, [query["sql"] for query in queries]
