"""The look for duplicates of a record that is not written: what is told, to whom, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.conftest import ApiClient, Cast
from apps.crm.models import Contact, Lead
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.enums import Scope
from apps.users.models import ApiToken, User

ApiFor = Callable[[User], ApiClient]

PROBE = "/api/v1/duplicates/probe/"
ANNA = {
    "first_name": "Katharina", "last_name": "Wyttenbach", "email": "k.wyttenbach@brunner.ch",
    "phone": "+41 44 555 12 34",
}  # fmt: skip


def ask(client: ApiClient, kind: str, values: object) -> dict[str, object]:
    answer = client.send("POST", PROBE, {"kind": kind, "values": values})
    assert answer.status_code == 200, answer.content
    body: dict[str, object] = answer.json()
    return body


def test_matches_are_told_and_nothing_is_written(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep, **ANNA)
    contact = ContactFactory(owner=cast.rep, **{**ANNA, "first_name": "Katarina"})
    before = Lead.objects.count(), Contact.objects.count()
    body = ask(api_for(cast.rep), "lead", {**ANNA, "company": "Brunner"})
    matches = body["matches"]
    assert isinstance(matches, list)
    assert {(match["kind"], match["id"], match["label"]) for match in matches} == {
        ("lead", lead.pk, "Katharina Wyttenbach"),
        ("contact", contact.pk, "Katarina Wyttenbach"),
    }
    assert [match["probability_0_1"] for match in matches] == sorted(
        (match["probability_0_1"] for match in matches), reverse=True
    )
    assert all(0.9 < match["probability_0_1"] <= 1 for match in matches)
    assert "e-mail the same" in matches[0]["words"]
    assert body["unseen"] == 0
    assert (Lead.objects.count(), Contact.objects.count()) == before


def test_a_company_is_looked_for_among_companies(cast: Cast, api_for: ApiFor) -> None:
    account = AccountFactory(owner=cast.rep, name="Brunner AG", website="brunner.ch")
    body = ask(api_for(cast.rep), "account", {"name": "Brunner", "website": "https://brunner.ch"})
    assert [(row["kind"], row["id"]) for row in body["matches"]] == [("account", account.pk)]  # type: ignore[attr-defined]
    assert ask(api_for(cast.rep), "account", {"name": "Someone else"}) == {
        "matches": [],
        "unseen": 0,
    }


def test_what_one_may_not_see_is_only_counted(cast: Cast, api_for: ApiFor, globex: Tenant) -> None:
    hidden = LeadFactory(owner=cast.outsider, **ANNA)
    with globex:
        LeadFactory(pk=hidden.pk + 1000, **ANNA)
    body = ask(api_for(cast.rep), "lead", ANNA)
    assert body == {"matches": [], "unseen": 1}
    assert len(ask(api_for(cast.manager), "lead", ANNA)["matches"]) == 1  # type: ignore[arg-type]


def test_an_account_is_named_only_by_who_sees_it(
    cast: Cast, api_for: ApiFor, globex: Tenant
) -> None:
    hidden = AccountFactory(owner=cast.outsider)
    with globex:
        foreign = AccountFactory(pk=hidden.pk + 1000)
    for account in (hidden, foreign):
        body = {"kind": "contact", "values": {**ANNA, "account": account.pk}}
        answer = api_for(cast.rep).send("POST", PROBE, body)
        assert answer.status_code == 400
        assert set(answer.json()["errors"]["values"]) == {"account"}


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"kind": "lead"}, {"values": {}}, {"kind": "task", "values": {}},
        {"kind": "lead", "values": []}, {"kind": "lead", "values": {"nothing": 1}},
        {"kind": "lead", "values": {"email": "no address"}}, {"kind": "lead", "values": {"email": []}},
        {"kind": "lead", "values": {"first_name": "x" * 101}},
        {"kind": "account", "values": {"email": "a@b.ch"}},
        {"kind": "lead", "values": {}, "more": 1},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(cast: Cast, api_for: ApiFor, body: object) -> None:
    answer = api_for(cast.rep).send("POST", PROBE, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_who_may_not_see_such_records_is_told_nothing(cast: Cast, api_for: ApiFor) -> None:
    LeadFactory(owner=cast.rep, **ANNA)
    role = cast.rep.groups.get()
    role.permissions.remove(role.permissions.get(codename="view_lead"))
    answer = api_for(cast.rep).send("POST", PROBE, {"kind": "lead", "values": ANNA})
    assert answer.status_code == 403
    # Nor is a lead named by who looks for contacts.
    assert ask(api_for(cast.rep), "contact", ANNA) == {"matches": [], "unseen": 1}


def test_where_duplicates_are_switched_off_it_says_so(
    cast: Cast, api_for: ApiFor, acme: Tenant
) -> None:
    ModuleGate.objects.filter(tenant=acme, module=Module.DUPLICATES).update(is_on=False)
    answer = api_for(cast.rep).send("POST", PROBE, {"kind": "lead", "values": ANNA})
    assert (answer.status_code, answer.json()["code"]) == (403, "module_off")


def test_a_token_that_only_reads_suffices(cast: Cast) -> None:
    for scopes, status in (([Scope.READ], 200), ([Scope.RECORDS_WRITE], 403)):
        _, key = ApiToken.issue(user=cast.rep, name="t", expires_at=None, scopes=scopes)
        client = ApiClient("acme.localhost", key)
        answer = client.send("POST", PROBE, {"kind": "lead", "values": ANNA})
        assert answer.status_code == status


@pytest.mark.parametrize("rows", [1, 3])
def test_it_takes_as_many_queries_for_many_matches(
    rows: int, cast: Cast, api_for: ApiFor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api_for(cast.rep)
    for _ in range(rows):
        LeadFactory(owner=cast.rep, **ANNA)
        ContactFactory(owner=cast.rep, **ANNA)
    with django_assert_num_queries(24):
        body = ask(client, "lead", ANNA)
    assert len(body["matches"]) == min(2 * rows, 5)  # type: ignore[arg-type]
