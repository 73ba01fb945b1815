"""A person's own page: time zone, password, API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import PASSWORD, Cast, TenantClient
from apps.crm.tests.pages import words
from apps.users.enums import Scope
from apps.users.models import ApiToken
from apps.users.views import TOKEN_LIMIT

PROFILE = "/profile/"


def issue(client: Any, name: str = "Nightly", days: int = 30) -> Any:
    """Make a token on the page."""
    return client.post(
        f"{PROFILE}tokens/", {"name": name, "lifetime_days": days, "scopes": [*Scope]}
    )


def call_api(key: str) -> int:
    """The status of a call with a key."""
    client = TenantClient("acme.localhost")
    status: int = client.get(
        "/api/v1/leads/", headers={"Authorization": f"Token {key}"}
    ).status_code
    return status


def test_the_page_tells_who_one_is(cast: Cast, client_for: Any) -> None:
    text = words(client_for(cast.rep).get(PROFILE))
    for fact in ("Name Rita Rep", "User name rep", "Role Rep", "Team North"):
        assert fact in text


def test_times_follow_the_chosen_zone(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    answer = client.post(f"{PROFILE}time-zone/", {"time_zone": "Asia/Tokyo"})
    assert (answer.status_code, answer["Location"]) == (302, PROFILE)
    cast.rep.refresh_from_db()
    assert cast.rep.time_zone == "Asia/Tokyo"
    client.post(f"{PROFILE}time-zone/", {"time_zone": ""})
    cast.rep.refresh_from_db()
    assert cast.rep.time_zone == ""
    details = [entry.details for entry in AuditEntry.objects.filter(event=Event.SETTINGS_CHANGED)]
    assert details == [{"setting": "time_zone"}, {"setting": "time_zone"}]


def test_a_zone_that_does_not_exist_is_refused(cast: Cast, client_for: Any) -> None:
    answer = client_for(cast.rep).post(f"{PROFILE}time-zone/", {"time_zone": "Mars/Olympus"})
    assert answer.status_code == 422
    cast.rep.refresh_from_db()
    assert cast.rep.time_zone == ""


def test_a_new_password_ends_other_sessions_and_keeps_this_one(cast: Cast, client_for: Any) -> None:
    here, elsewhere = client_for(cast.rep), client_for(cast.rep)
    new = "staple battery horse"
    answer = here.post(
        f"{PROFILE}password/",
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )
    assert (answer.status_code, answer["Location"]) == (302, PROFILE)
    assert here.get(PROFILE).status_code == 200
    assert elsewhere.get(PROFILE).status_code == 302
    cast.rep.refresh_from_db()
    assert cast.rep.check_password(new)
    entry = AuditEntry.objects.get(event=Event.SETTINGS_CHANGED)
    assert (entry.actor_id, entry.details) == (cast.rep.pk, {"setting": "password"})


@pytest.mark.parametrize(
    ("old", "first", "second", "field"),
    [
        ("wrong", "staple battery horse", "staple battery horse", "old_password"),
        (PASSWORD, "staple battery horse", "another one", "new_password2"),
        (PASSWORD, "short", "short", "new_password2"),
        (PASSWORD, "password1234", "password1234", "new_password2"),
    ],
)
def test_a_password_that_will_not_do_is_refused(
    old: str, first: str, second: str, field: str, cast: Cast, client_for: Any
) -> None:
    answer = client_for(cast.rep).post(
        f"{PROFILE}password/",
        {"old_password": old, "new_password1": first, "new_password2": second},
    )
    assert answer.status_code == 422
    assert list(answer.context["password_form"].errors) == [field]
    cast.rep.refresh_from_db()
    assert cast.rep.check_password(PASSWORD)


def test_a_tokens_key_is_shown_once_and_works(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    answer = issue(client)
    key = answer.context["new_key"]
    page = answer.content.decode()
    assert key in page
    assert "no-store" in answer["Cache-Control"]
    assert call_api(key) == 200
    again = client.get(PROFILE).content.decode()
    assert key not in again
    token = ApiToken.objects.get()
    assert (token.user, token.name, token.key_hash == key) == (cast.rep, "Nightly", False)
    assert token.key_prefix in again
    entry = AuditEntry.objects.get(event=Event.TOKEN_ISSUED)
    assert (entry.actor_id, entry.details) == (
        cast.rep.pk,
        {"token_id": token.pk, "scopes": " ".join(Scope)},
    )


def test_a_token_ends_by_itself(cast: Cast, client_for: Any) -> None:
    key = issue(client_for(cast.rep), days=30).context["new_key"]
    token = ApiToken.objects.get()
    assert token.expires_at is not None
    assert token.expires_at - token.created_at == pytest.approx(
        timedelta(days=30), abs=timedelta(minutes=1)
    )
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert call_api(key) == 401


def test_a_revoked_token_stops_at_once(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    key = issue(client).context["new_key"]
    token = ApiToken.objects.get()
    answer = client.post(f"{PROFILE}tokens/{token.pk}/revoke/")
    assert (answer.status_code, answer["Location"]) == (302, PROFILE)
    assert call_api(key) == 401
    entry = AuditEntry.objects.get(event=Event.TOKEN_REVOKED)
    assert (entry.actor_id, entry.details) == (cast.rep.pk, {"token_id": token.pk})


def test_nobody_sees_or_revokes_the_token_of_another(cast: Cast, client_for: Any) -> None:
    issue(client_for(cast.teammate), name="Not yours")
    token = ApiToken.objects.get()
    for person in (cast.rep, cast.admin):
        client = client_for(person)
        assert "Not yours" not in client.get(PROFILE).content.decode()
        assert client.post(f"{PROFILE}tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()


@pytest.mark.parametrize(
    "typed",
    [
        {"name": "", "lifetime_days": "30", "scopes": ["read"]},
        {"name": "x", "lifetime_days": "9999", "scopes": ["read"]},
        {"name": "x", "lifetime_days": "30"},
        {"name": "x", "lifetime_days": "30", "scopes": ["read", "everything"]},
    ],
)
def test_a_token_needs_a_name_an_end_and_scopes(typed: Any, cast: Cast, client_for: Any) -> None:
    assert client_for(cast.rep).post(f"{PROFILE}tokens/", typed).status_code == 422
    assert not ApiToken.objects.exists()


def test_there_is_a_limit_of_tokens(cast: Cast, client_for: Any) -> None:
    for _ in range(TOKEN_LIMIT):
        ApiToken.issue(user=cast.rep, name="x", expires_at=None)
    answer = issue(client_for(cast.rep))
    assert answer.status_code == 422
    assert ApiToken.objects.count() == TOKEN_LIMIT


@pytest.mark.parametrize("page", ["time-zone/", "password/", "tokens/", "tokens/1/revoke/"])
def test_changes_need_a_post(page: str, cast: Cast, client_for: Any) -> None:
    assert client_for(cast.rep).get(PROFILE + page).status_code == 405
