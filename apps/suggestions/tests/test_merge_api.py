"""Proposing a merge in the API: what comes of it, for whom, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Contact, Lead, Record
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
    merge,
)
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.tests.pairs import make_pair
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve
from apps.suggestions.tests.cases import scan
from apps.suggestions.tests.merges import merge_suggestion
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users.enums import Scope
from apps.users.models import ApiToken, User

ApiFor = Callable[[User], ApiClient]
ClientFor = Callable[[User], TenantClient]

MERGES = "/api/v1/suggestions/merges/"


def named(keep: Record, other: Record) -> dict[str, str]:
    return {
        "keep": f"{keep.kind.value}:{keep.pk}",
        "merge": f"{other.kind.value}:{other.pk}",
    }


def refused(client: ApiClient, body: object) -> tuple[int, str]:
    """What is said; nothing came of it."""
    answer = client.send("POST", MERGES, body)
    assert not Suggestion.objects.filter(origin="api").exists()
    return answer.status_code, answer.json()["code"]


def test_a_merge_is_proposed_and_waits(cast: Cast, api_for: ApiFor) -> None:
    kept = ContactFactory(owner=cast.rep, phone="", title="", notes="")
    gone = LeadFactory(owner=cast.teammate, phone="2", title="Buyer", notes="")
    TaskFactory(lead=gone)
    answer = api_for(cast.rep).send("POST", MERGES, named(kept, gone))
    suggestion = Suggestion.objects.get()
    assert (answer.status_code, answer["Location"]) == (
        201, f"http://acme.localhost/api/v1/suggestions/{suggestion.pk}/",
    )  # fmt: skip
    body = answer.json()
    assert (body["id"], body["state"], body["origin"], body["goal"], body["tool"]) == (
        suggestion.pk, "pending", "api", "merge_duplicates", "merge_duplicates",
    )  # fmt: skip
    assert answer["ETag"].strip('"').startswith(body["refreshed_at"])
    assert (suggestion.assignee, suggestion.state) == (cast.rep, State.PENDING)
    assert (suggestion.arguments["phone"], suggestion.arguments["title"]) == ("2", "Buyer")
    assert body["diff"]["comparison"]["moved"] == [f"1 task moves to “{kept}”."]
    assert not Execution.objects.exists()
    assert Lead.objects.count() == Contact.objects.count() == 1
    (entry,) = AuditEntry.objects.filter(event="suggestion.created")
    assert (entry.actor_name, entry.origin) == (str(cast.rep), "api")
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert Lead.objects.count() == 0


def test_it_stands_in_the_place_of_what_waits(cast: Cast, api_for: ApiFor) -> None:
    kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
    make_pair(kept, gone, probability=0.9)
    scan()
    (waiting,) = Suggestion.objects.all()
    answer = api_for(cast.rep).send("POST", MERGES, named(gone, kept))
    assert answer.status_code == 201
    waiting.refresh_from_db()
    assert waiting.state == State.SUPERSEDED
    proposed = Suggestion.objects.get(state=State.PENDING)
    assert (proposed.arguments["survivor_id"], proposed.likelihood) == (gone.pk, 0.9)
    scan()
    proposed.refresh_from_db()
    assert proposed.state == State.PENDING


def test_who_does_not_see_both_records_proposes_nothing(
    cast: Cast, api_for: ApiFor, globex: Tenant
) -> None:
    own, hidden = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    with globex:
        foreign = LeadFactory(pk=hidden.pk + 1000)
    client = api_for(cast.rep)
    for other in (hidden, foreign):
        assert refused(client, named(own, other)) == (404, "not_found")
        assert refused(client, named(other, own)) == (404, "not_found")
    assert api_for(cast.manager).send("POST", MERGES, named(own, hidden)).status_code == 201


@pytest.mark.parametrize(
    ("codename", "status"),
    [("decide_suggestion", 403), ("change_contact", 403), ("change_lead", 403), ("view_lead", 404)],
)
def test_whose_role_does_not_include_it_proposes_nothing(
    cast: Cast, api_for: ApiFor, codename: str, status: int
) -> None:
    kept, gone = ContactFactory(owner=cast.rep), LeadFactory(owner=cast.rep)
    role = cast.rep.groups.get()
    role.permissions.remove(role.permissions.get(codename=codename))
    assert refused(api_for(cast.rep), named(kept, gone))[0] == status


def test_a_token_needs_the_scope(cast: Cast) -> None:
    kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
    _, key = ApiToken.issue(user=cast.rep, name="t", expires_at=None, scopes=[Scope.READ])
    client = ApiClient("acme.localhost", key)
    assert refused(client, named(kept, gone)) == (403, "scope_missing")


def test_two_that_are_never_merged(cast: Cast, api_for: ApiFor) -> None:
    lead, contact = LeadFactory(owner=cast.rep), ContactFactory(owner=cast.rep)
    account = AccountFactory(owner=cast.rep)
    client = api_for(cast.rep)
    for keep, other in ((lead, contact), (lead, lead), (account, contact)):
        assert refused(client, named(keep, other)) == (422, "not_proposable")
    settled = LeadFactory(owner=cast.rep)
    pair = make_pair(lead, settled, state=PairState.NOT_DUPLICATE)
    assert refused(client, named(settled, lead)) == (422, "not_proposable")
    Pair.objects.filter(pk=pair.pk).update(state=PairState.GONE)
    assert client.send("POST", MERGES, named(settled, lead)).status_code == 201


def test_one_that_was_merged_names_its_survivor(cast: Cast, api_for: ApiFor) -> None:
    first, second, third = LeadFactory.create_batch(3, owner=cast.rep)
    merge(first, second)
    answer = api_for(cast.rep).send("POST", MERGES, named(third, first))
    assert (answer.status_code, answer.json()["code"], answer.json()["survivor"]) == (
        409, "record_merged", {"record_kind": "lead", "record_id": second.pk},
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"keep": "lead:1"}, {"keep": "lead:1", "merge": "task:1"},
        {"keep": "lead:0", "merge": "lead:1"}, {"keep": 1, "merge": 2},
        {"keep": "lead:1; DROP", "merge": "lead:2"}, {"keep": "lead:1", "merge": "lead:9999999999999999999"},
        {"keep": "lead:1", "merge": "lead:2", "approve": True},
    ],
)  # fmt: skip
def test_what_names_no_two_records_is_refused(cast: Cast, api_for: ApiFor, body: object) -> None:
    assert refused(api_for(cast.rep), body) == (400, "invalid")


def test_where_suggestions_are_switched_off_nothing_is_proposed(
    cast: Cast, api_for: ApiFor, acme: Tenant
) -> None:
    kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
    ModuleGate.objects.filter(tenant=acme, module=Module.SUGGESTIONS).update(is_on=False)
    assert refused(api_for(cast.rep), named(kept, gone)) == (403, "module_off")


def test_sent_again_with_its_key_it_is_one(cast: Cast, api_for: ApiFor) -> None:
    kept, gone = LeadFactory.create_batch(2, owner=cast.rep)
    client = api_for(cast.rep)
    answers = [
        client.send("POST", MERGES, named(kept, gone), **{"Idempotency-Key": "one"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert Suggestion.objects.count() == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_it_takes_as_many_queries_whatever_hangs_on_the_two(
    rows: int, cast: Cast, api_for: ApiFor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    kept, gone = AccountFactory.create_batch(2, owner=cast.rep)
    for account in (kept, gone):
        OpportunityFactory.create_batch(rows, account=account, owner=cast.rep)
        ContactFactory.create_batch(rows, account=account)
    client = api_for(cast.rep)
    with django_assert_num_queries(65):
        answer = client.send("POST", MERGES, named(kept, gone))
    assert answer.status_code == 201


def test_an_undo_names_the_merge_that_has_to_be_undone_first(
    cast: Cast, api_for: ApiFor, client_for: ClientFor
) -> None:
    a, b, c = (LeadFactory(owner=cast.rep, last_name=name) for name in "ABC")
    first = merge_suggestion(b, a, cast.rep)
    approve(suggestion_id=first.pk, user=cast.rep, now=timezone.now())
    later = merge_suggestion(c, b, cast.rep)
    approve(suggestion_id=later.pk, user=cast.rep, now=timezone.now())
    answer = api_for(cast.rep).send("POST", f"/api/v1/suggestions/{first.pk}/undo/", {})
    assert (answer.status_code, answer.json()["code"], answer.json()["merge"]) == (
        409, "record_merged", {"suggestion_id": later.pk},
    )  # fmt: skip
    client = client_for(cast.rep)
    link = f'<a href="/suggestions/{later.pk}/undo/">'
    assert link in client.get(f"/suggestions/{first.pk}/undo/").content.decode()
    page = client.post(f"/suggestions/{first.pk}/undo/", {}, follow=True)
    assert page.redirect_chain == [(f"/suggestions/{first.pk}/undo/", 302)]
    assert link in page.content.decode()
    # Who may not see the later one is not told of it.
    Lead.everything.filter(pk=c.pk).update(owner=cast.outsider)
    assert link not in client.get(f"/suggestions/{first.pk}/undo/").content.decode()
    answer = api_for(cast.rep).send("POST", f"/api/v1/suggestions/{first.pk}/undo/", {})
    assert (answer.status_code, "merge" in answer.json()) == (409, False)
