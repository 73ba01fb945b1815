"""What a token may be used for: its scopes, and never more than its person's role."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.users.enums import Scope
from apps.users.models import ApiToken, User

API = "/api/v1"
# One call for each scope but reading; none of them finds anything to do.
WRITES = {
    Scope.RECORDS_WRITE: ("POST", f"{API}/leads/", {}, 400),
    Scope.SUGGESTIONS_DECIDE: ("POST", f"{API}/suggestions/1/approve/", {}, 404),
    Scope.SCANS_START: ("POST", f"{API}/triggers/lead_inactive/replays/1/cancel/", None, 404),
    Scope.SETTINGS_WRITE: ("PATCH", f"{API}/brain/settings/", {"nothing": 1}, 400),
}


def client_with(user: User, scopes: Collection[Scope]) -> ApiClient:
    _, key = ApiToken.issue(user=user, name="tests", expires_at=None, scopes=scopes)
    return ApiClient("acme.localhost", key)


@pytest.mark.parametrize("needed", WRITES)
def test_a_write_needs_its_scope_and_no_other(needed: Scope, cast: Cast) -> None:
    method, path, body, status = WRITES[needed]
    others = set(Scope) - {needed}
    refused = client_with(cast.admin, others).send(method, path, body)
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    problem = refused.json()
    assert (problem["code"], problem["scope"]) == ("scope_missing", needed.value)
    assert client_with(cast.admin, {needed}).send(method, path, body).status_code == status


@pytest.mark.parametrize("path", ["leads", "suggestions", "scans", "audit", "triggers", "tools"])
def test_reading_needs_its_scope(path: str, cast: Cast) -> None:
    blind = client_with(cast.admin, set(Scope) - {Scope.READ}).get(f"{API}/{path}/")
    assert (blind.status_code, blind.json()["scope"]) == (403, "read")
    assert client_with(cast.admin, {Scope.READ}).get(f"{API}/{path}/").status_code == 200


def test_a_refusal_writes_nothing_and_is_on_record(cast: Cast) -> None:
    lead = LeadFactory(owner=cast.rep, title="CEO")
    client = client_with(cast.rep, {Scope.READ, Scope.SUGGESTIONS_DECIDE})
    path = f"{API}/leads/{lead.pk}/"
    assert client.send("PATCH", path, {"title": "CFO"}).status_code == 403
    assert Lead.objects.get().title == "CEO"
    entry = AuditEntry.objects.get(event=Event.PERMISSION_REFUSED)
    assert (entry.actor_id, entry.origin) == (cast.rep.pk, Origin.API)
    assert entry.details == {
        "token_id": ApiToken.objects.get().pk,
        "code": "scope_missing",
        "scope": "records:write",
    }


def test_a_scope_gives_nothing_that_the_role_does_not(cast: Cast) -> None:
    answer = client_with(cast.rep, set(Scope)).get(f"{API}/brain/settings/")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_a_session_needs_no_scope(cast: Cast, client_for: Callable[[User], TenantClient]) -> None:
    assert client_for(cast.rep).get(f"{API}/leads/").status_code == 200


def test_a_stranger_is_told_nothing_of_scopes(anonymous_client: TenantClient) -> None:
    assert anonymous_client.post(f"{API}/leads/").status_code == 401


def test_the_page_makes_a_token_with_the_chosen_scopes_and_shows_them(
    cast: Cast, client_for: Any
) -> None:
    client = client_for(cast.rep)
    form = {"name": "Export", "lifetime_days": 30, "scopes": ["records:write", "read"]}
    page = client.post("/profile/tokens/", form).content.decode()
    assert ApiToken.objects.get().scopes == ["read", "records:write"]
    assert page.count("<li>Create and change records</li>") == 1
    assert "<li>Change settings</li>" not in page
