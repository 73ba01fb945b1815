"""Pairs and looks in the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.conftest import ApiClient, Cast
from apps.crm.tests.factories import ContactFactory, LeadFactory
from apps.duplicates.enums import PairState
from apps.duplicates.models import MatchRun, Pair
from apps.duplicates.tests.factories import FOUND_AT, MatcherFactory, MatchRunFactory, pair_of
from apps.tenants.work.enums import WorkStatus
from apps.users.enums import Scope
from apps.users.models import ApiToken, User

ApiFor = Callable[[User], ApiClient]

PAIRS = "/api/v1/duplicates/pairs/"
RUNS = "/api/v1/duplicates/runs/"


def two_leads(cast: Cast, **fields: object) -> Pair:
    return pair_of(LeadFactory(owner=cast.rep), LeadFactory(owner=cast.rep), **fields)


def ids(client: ApiClient, query: str = "") -> list[int]:
    return [row["id"] for row in client.get(f"{PAIRS}?{query}").json()["results"]]


def test_a_pair_is_told_with_its_band(cast: Cast, api_for: ApiFor) -> None:
    contact, lead = ContactFactory(owner=cast.rep), LeadFactory(owner=cast.rep)
    pair = pair_of(contact, lead, weights={"email": 9.5, "surname": -1.25}, cluster=3)
    body = api_for(cast.rep).get(f"{PAIRS}{pair.pk}/").json()
    told = FOUND_AT.isoformat().replace("+00:00", "Z")
    assert body == {
        "id": pair.pk, "subject": "person", "survivor_kind": "contact", "survivor_id": contact.pk,
        "duplicate_kind": "lead", "duplicate_id": lead.pk, "probability_0_1": 0.95,
        "band": "likely", "is_likely": True, "has_conflict": False,
        "weights": {"email": 9.5, "surname": -1.25}, "cluster": 3, "state": "open",
        "found_by": "batch", "found_at": told, "compared_at": told, "decided_by": None,
        "decided_at": None,
    }  # fmt: skip


def test_pairs_are_narrowed_and_only_those_that_one_sees(cast: Cast, api_for: ApiFor) -> None:
    likely = two_leads(cast, probability=0.9)
    possible = two_leads(cast, probability=0.3, is_likely=False)
    settled = two_leads(cast, probability=0.8, state=PairState.NOT_DUPLICATE)
    pair_of(LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider))
    client = api_for(cast.rep)
    assert ids(client) == [likely.pk, settled.pk, possible.pk]
    assert ids(client, "state=open&band=likely") == [likely.pk]
    assert ids(client, "at_least=50&ordering=id") == [likely.pk, settled.pk]
    assert ids(client, "state=not_duplicate") == [settled.pk]
    assert client.get(f"{PAIRS}?state=x").status_code == 400
    assert client.get(f"{PAIRS}?nothing=x").status_code == 400
    assert len(ids(api_for(cast.manager))) == 4


def test_pages_follow_each_other(cast: Cast, api_for: ApiFor) -> None:
    pairs = [two_leads(cast, probability=0.5) for _ in range(3)]
    client = api_for(cast.rep)
    first = client.get(f"{PAIRS}?page_size=2").json()
    second = client.get(first["next"]).json()
    found = [row["id"] for page in (first, second) for row in page["results"]]
    assert sorted(found) == sorted(pair.pk for pair in pairs)
    assert second["next"] is None


@pytest.mark.parametrize("rows", [1, 3])
def test_a_list_takes_as_many_queries_for_one_pair_as_for_three(
    rows: int, cast: Cast, api_for: ApiFor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        two_leads(cast)
    client = api_for(cast.rep)
    ids(client)
    with django_assert_num_queries(6):
        assert len(ids(client)) == rows


def test_an_explanation_adds_up(cast: Cast, api_for: ApiFor) -> None:
    MatcherFactory()
    pair = two_leads(cast)
    body = api_for(cast.rep).get(f"{PAIRS}{pair.pk}/explanation/").json()
    bits = body["prior_bits"] + sum(item["bits"] for item in body["evidence"])
    assert round(bits, 6) == round(body["weight_bits"], 6)
    assert {item["field"] for item in body["evidence"]} >= {"email", "surname", "given_name"}


def test_a_decision_is_remembered_and_taken_back(cast: Cast, api_for: ApiFor) -> None:
    pair, client = two_leads(cast), api_for(cast.rep)
    said = [client.send("POST", f"{PAIRS}{pair.pk}/not-a-duplicate/", {}) for _ in range(2)]
    assert [(answer.status_code, answer.json()["state"]) for answer in said] == [
        (200, "not_duplicate")
    ] * 2
    assert said[0].json()["decided_by"] == cast.rep.pk
    back = [client.send("POST", f"{PAIRS}{pair.pk}/take-back/", {}) for _ in range(2)]
    assert (back[0].status_code, back[0].json()["state"]) == (200, "open")
    assert (back[1].status_code, back[1].json()["code"]) == (409, "pair_state")
    hidden = pair_of(LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider))
    refused = client.send("POST", f"{PAIRS}{hidden.pk}/not-a-duplicate/", {})
    assert refused.status_code == 404


def test_a_token_needs_its_scopes(cast: Cast) -> None:
    pair = two_leads(cast)
    _, key = ApiToken.issue(user=cast.manager, name="t", expires_at=None, scopes=[Scope.READ])
    client = ApiClient("acme.localhost", key)
    answers = [
        client.get(f"{PAIRS}{pair.pk}/"),
        client.send("POST", f"{PAIRS}{pair.pk}/not-a-duplicate/", {}),
        client.send("POST", RUNS, {"subject": "person"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 403]


def test_managers_start_and_stop_looks(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    asked = client.send("POST", RUNS, {"subject": "company"})
    run = MatchRun.objects.get()
    assert (asked.status_code, asked["Location"]) == (202, f"http://acme.localhost{RUNS}{run.pk}/")
    assert (asked.json()["status"], asked.json()["subject"]) == ("queued", "company")
    again = client.send("POST", RUNS, {"subject": "company"})
    assert again.status_code == 409
    stopped = client.send("POST", f"{RUNS}{run.pk}/cancel/", {})
    assert (stopped.status_code, stopped.json()["status"]) == (200, WorkStatus.CANCELLED)
    assert client.send("POST", RUNS, {"subject": "x"}).status_code == 400
    over = MatchRunFactory()
    assert client.send("POST", f"{RUNS}{over.pk}/cancel/", {}).status_code == 409
    reps = api_for(cast.rep)
    assert [reps.get(RUNS).status_code, reps.send("POST", RUNS, {}).status_code] == [403, 403]
