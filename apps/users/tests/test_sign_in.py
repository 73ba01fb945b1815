"""Signing in and out."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import PASSWORD, Cast, TenantClient
from apps.tenants.models import Tenant
from apps.users.sign_in import MOST_TRIES_PER_ADDRESS, MOST_TRIES_PER_NAME_AND_ADDRESS
from apps.users.tests.factories import UserFactory

SIGN_IN = "/sign-in/"


def try_to_sign_in(
    client: Any, username: str, password: str, target: str = "", address: str = "192.0.2.1"
) -> Any:
    """Send the form."""
    data = {"username": username, "password": password, "next": target}
    return client.post(SIGN_IN, data, REMOTE_ADDR=address)


def is_signed_in(client: Any) -> bool:
    """Whether the client has a session of somebody."""
    return "_auth_user_id" in client.session


def test_name_and_password_open_the_door(cast: Cast, anonymous_client: Any) -> None:
    answer = try_to_sign_in(anonymous_client, "rep", PASSWORD, "/leads/")
    assert (answer.status_code, answer["Location"]) == (302, "/leads/")
    assert anonymous_client.session["_auth_user_id"] == str(cast.rep.pk)
    entry = AuditEntry.objects.get(event=Event.SIGNED_IN)
    assert (entry.actor_id, entry.actor_name) == (cast.rep.pk, "Rita Rep")


def test_without_a_target_one_comes_to_the_first_page(cast: Cast, anonymous_client: Any) -> None:
    assert try_to_sign_in(anonymous_client, "rep", PASSWORD)["Location"] == "/"


def test_the_session_is_a_new_one(cast: Cast, anonymous_client: Any) -> None:
    anonymous_client.get(SIGN_IN)
    session = anonymous_client.session
    session["planted"] = "by somebody"
    session.save()
    planted = session.session_key
    anonymous_client.cookies["sessionid"] = planted
    try_to_sign_in(anonymous_client, "rep", PASSWORD)
    assert anonymous_client.session.session_key != planted


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("rep", "wrong"),
        ("nobody", PASSWORD),
        ("rep", ""),
        ("", ""),
        ("rep\0", "x"),
        ("REP", PASSWORD),
    ],
)
def test_what_does_not_fit_stays_outside(
    username: str, password: str, cast: Cast, anonymous_client: Any
) -> None:
    answer = try_to_sign_in(anonymous_client, username, password)
    assert answer.status_code == 422
    assert not is_signed_in(anonymous_client)
    assert password == "" or f'value="{password}"' not in answer.content.decode()


def test_one_cannot_tell_an_unknown_name_from_a_wrong_password(
    cast: Cast, anonymous_client: Any
) -> None:
    messages = {
        tuple(try_to_sign_in(anonymous_client, name, "wrong").context["form"].non_field_errors())
        for name in ("rep", "nobody")
    }
    assert messages == {("User name and password do not fit together.",)}


def test_people_who_have_left_stay_outside(acme: Tenant, anonymous_client: Any) -> None:
    UserFactory(username="gone", is_active=False)
    assert try_to_sign_in(anonymous_client, "gone", PASSWORD).status_code == 422


def test_a_person_of_another_tenant_stays_outside(globex_cast: Cast, anonymous_client: Any) -> None:
    assert try_to_sign_in(anonymous_client, "rep", PASSWORD).status_code == 422
    assert not is_signed_in(anonymous_client)


def test_a_session_of_one_tenant_is_none_in_another(
    cast: Cast, globex_cast: Cast, client_for: Any
) -> None:
    cookie = client_for(cast.rep).cookies["sessionid"].value
    stranger = TenantClient("globex.localhost")
    stranger.cookies["sessionid"] = cookie
    answer = stranger.get("/leads/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/leads/")


def test_a_failed_try_is_on_record_without_what_was_typed(
    cast: Cast, anonymous_client: Any
) -> None:
    for name in ("rep", "my-secret-password"):
        try_to_sign_in(anonymous_client, name, "tiger")
    entries = AuditEntry.objects.filter(event=Event.SIGN_IN_FAILED).order_by("id")
    assert [(entry.actor_id, entry.details) for entry in entries] == [
        (None, {"person_id": cast.rep.pk, "address": "192.0.2.1"}),
        (None, {"person_id": None, "address": "192.0.2.1"}),
    ]
    kept = str([(entry.actor_name, entry.details, entry.request_id) for entry in entries])
    assert "my-secret-password" not in kept
    assert "tiger" not in kept


def test_after_five_failures_even_the_right_password_waits(
    cast: Cast, anonymous_client: Any
) -> None:
    statuses = [
        try_to_sign_in(anonymous_client, "rep", "wrong").status_code
        for _ in range(MOST_TRIES_PER_NAME_AND_ADDRESS)
    ]
    assert statuses == [422] * 5
    for spelling in ("rep", "Rep", " rep "):
        answer = try_to_sign_in(anonymous_client, spelling, PASSWORD)
        assert answer.status_code == 429
        assert "Wait 15 minutes" in answer.content.decode()
    assert not is_signed_in(anonymous_client)
    # That it was too much is on record once.
    entries = AuditEntry.objects.filter(event=Event.SIGN_IN_FAILED).order_by("id")
    assert [entry.details.get("throttled", False) for entry in entries] == [False] * 5 + [True]
    assert entries[5].details["person_id"] == cast.rep.pk
    # Somebody else, and the same person elsewhere, are not held up.
    assert try_to_sign_in(anonymous_client, "teammate", PASSWORD).status_code == 302
    elsewhere = TenantClient("acme.localhost")
    assert try_to_sign_in(elsewhere, "rep", PASSWORD, address="192.0.2.2").status_code == 302


def test_the_wait_ends(cast: Cast, anonymous_client: Any) -> None:
    for _ in range(6):
        try_to_sign_in(anonymous_client, "rep", "wrong")
    # What the cache does by itself after fifteen minutes.
    cache.clear()
    assert try_to_sign_in(anonymous_client, "rep", PASSWORD).status_code == 302


def test_a_sign_in_clears_ones_own_failures(cast: Cast, acme: Tenant) -> None:
    for _ in range(3):
        client = TenantClient("acme.localhost")
        statuses = [try_to_sign_in(client, "rep", "wrong").status_code for _ in range(4)]
        assert statuses == [422] * 4
        assert try_to_sign_in(client, "rep", PASSWORD).status_code == 302


def test_one_address_cannot_try_many_names(cast: Cast, anonymous_client: Any) -> None:
    for number in range(MOST_TRIES_PER_ADDRESS):
        try_to_sign_in(anonymous_client, f"name{number}", "wrong")
    assert try_to_sign_in(anonymous_client, "rep", PASSWORD).status_code == 429
    assert try_to_sign_in(anonymous_client, "rep", PASSWORD).status_code == 429
    assert AuditEntry.objects.filter(details__throttled=True).count() == 1


def test_failures_in_one_tenant_do_not_hold_up_another(
    cast: Cast, globex_cast: Cast, anonymous_client: Any
) -> None:
    for _ in range(6):
        try_to_sign_in(anonymous_client, "rep", "wrong")
    assert try_to_sign_in(TenantClient("globex.localhost"), "rep", PASSWORD).status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example",
        "javascript:alert(1)", "http:evil.example", "https://acme.localhost.evil.example/",
        "https://acme.localhost@evil.example/", "\thttps://evil.example", "http://globex.localhost/",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(target: str, cast: Cast, anonymous_client: Any) -> None:
    assert try_to_sign_in(anonymous_client, "rep", PASSWORD, target)["Location"] == "/"
    # Nor does the page for those who are signed in already.
    assert anonymous_client.get(SIGN_IN, {"next": target})["Location"] == "/"


def test_the_target_survives_a_failed_try(cast: Cast, anonymous_client: Any) -> None:
    answer = try_to_sign_in(anonymous_client, "rep", "wrong", "/leads/?q=a&b")
    assert 'name="next" value="/leads/?q=a&amp;b"' in answer.content.decode()


def test_the_page_is_kept_nowhere(anonymous_client: Any) -> None:
    assert "no-store" in anonymous_client.get(SIGN_IN)["Cache-Control"]


def test_signing_out_ends_the_session(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    answer = client.post("/sign-out/")
    assert (answer.status_code, answer["Location"]) == (302, SIGN_IN)
    assert not is_signed_in(client)
    assert AuditEntry.objects.get(event=Event.SIGNED_OUT).actor_id == cast.rep.pk


def test_a_link_cannot_sign_anybody_out(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.rep)
    assert client.get("/sign-out/").status_code == 405
    assert is_signed_in(client)
