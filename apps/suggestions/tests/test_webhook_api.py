"""Webhooks in the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast
from apps.suggestions.models import WebhookDelivery, WebhookEndpoint
from apps.suggestions.tests.webhooks import SECRET, make_delivery, make_endpoint
from apps.suggestions.webhooks.sending import send_batch
from apps.suggestions.webhooks.settings import secrets_of
from apps.tenants.models import Tenant
from apps.tenants.tests.http_server import Receiver, http_server
from apps.users.enums import Scope
from apps.users.models import ApiToken

PATH = "/api/v1/webhooks/"
MESSAGES = "/api/v1/webhook-deliveries/"
BODY = {"name": "Orders", "url": "https://8.8.8.8/in", "events": ["suggestion.applied"]}


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with http_server() as server:
        yield server


def test_it_is_made_and_tells_its_secret_once(cast: Cast, api_for: Any) -> None:
    api = api_for(cast.admin)
    answer = api.send("POST", PATH, BODY)
    assert answer.status_code == 201
    made = answer.json()
    endpoint = WebhookEndpoint.objects.get()
    assert secrets_of(endpoint, timezone.now()) == [made.pop("secret")]
    assert made == {
        **BODY, "id": endpoint.pk, "is_enabled": True, "off_because": "", "off_at": None,
        "failing_since": None, "delivered_at": None, "former_secret_until": None,
        "created_by": cast.admin.pk, "created_at": made["created_at"], "revision": 0,
    }  # fmt: skip
    assert api.get(f"{PATH}{endpoint.pk}/").json() == made
    assert api.get(PATH).json() == {"next": None, "results": [made]}
    entry = AuditEntry.objects.get(event=Event.SETTINGS_CHANGED)
    assert (entry.origin, entry.details["change"]) == ("api", "added")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({**BODY, "secret": "mine"}, 400, "invalid"),
        ({**BODY, "events": []}, 400, "invalid"),
        ({**BODY, "events": ["suggestion.read"]}, 400, "invalid"),
        ({**BODY, "url": "https://10.0.0.1/"}, 422, "invalid_webhook"),
        ({**BODY, "url": "http://8.8.8.8/"}, 422, "invalid_webhook"),
    ],
)
def test_what_makes_no_webhook_is_refused(
    body: dict[str, Any], status: int, code: str, cast: Cast, api_for: Any
) -> None:
    answer = api_for(cast.admin).send("POST", PATH, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"]
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("who", ["rep", "manager"])
def test_it_is_for_administrators(who: str, cast: Cast, api_for: Any) -> None:
    endpoint, delivery = make_endpoint(), make_delivery()
    api = api_for(getattr(cast, who))
    for method, path in (
        ("GET", PATH), ("POST", PATH), ("GET", f"{PATH}{endpoint.pk}/"),
        ("PATCH", f"{PATH}{endpoint.pk}/"), ("DELETE", f"{PATH}{endpoint.pk}/"),
        ("POST", f"{PATH}{endpoint.pk}/secret/"), ("POST", f"{PATH}{endpoint.pk}/test/"),
        ("GET", MESSAGES), ("GET", f"{MESSAGES}{delivery.pk}/"),
        ("POST", f"{MESSAGES}{delivery.pk}/again/"),
    ):  # fmt: skip
        assert api.send(method, path, BODY).status_code == 403, (method, path)
    assert WebhookEndpoint.objects.count() == 2


def test_it_is_changed_and_switched(cast: Cast, api_for: Any) -> None:
    endpoint = make_endpoint()
    api = api_for(cast.admin)
    path = f"{PATH}{endpoint.pk}/"
    answer = api.send("PATCH", path, {"name": "Billing"}, If_Match='"0"')
    assert (answer.json()["name"], answer.headers["ETag"]) == ("Billing", '"1"')
    late = api.send("PATCH", path, {"name": "Late"}, If_Match='"0"')
    assert (late.status_code, late.json()["code"], late.json()["revision"]) == (
        412, "webhook_changed", 1,
    )  # fmt: skip
    off = api.send("PATCH", path, {"is_enabled": False}).json()
    assert (off["name"], off["is_enabled"], off["off_because"]) == ("Billing", False, "person")
    on = api.send("PATCH", path, {"is_enabled": True}).json()
    assert (on["is_enabled"], on["off_because"]) == (True, "")
    assert api.send("DELETE", path).status_code == 204
    assert not WebhookEndpoint.objects.exists()


def test_a_new_secret_and_a_test(
    receiver: Receiver, cast: Cast, acme: Tenant, api_for: Any
) -> None:
    endpoint = make_endpoint(receiver.url)
    api = api_for(cast.admin)
    made = api.send("POST", f"{PATH}{endpoint.pk}/secret/")
    endpoint.refresh_from_db()
    assert made.headers["Cache-Control"] == "no-store"
    assert secrets_of(endpoint, timezone.now()) == [made.json()["secret"], SECRET]
    asked = api.send("POST", f"{PATH}{endpoint.pk}/test/")
    assert (asked.status_code, asked.json()["state"], receiver.arrivals) == (202, "queued", [])
    # Nobody waits for the receiver within a write; a worker takes it up.
    send_batch(acme, timezone.now())
    tried = api.get(f"{MESSAGES}{asked.json()['id']}/").json()
    assert (tried["kind"], tried["state"], tried["last_status"], tried["error"]) == (
        "test", "delivered", 204, "",
    )  # fmt: skip
    assert len(receiver.arrivals) == 1


def test_a_token_needs_the_scope_of_settings(cast: Cast, acme: Tenant) -> None:
    endpoint = make_endpoint()
    _, key = ApiToken.issue(user=cast.admin, name="reads", expires_at=None, scopes=[Scope.READ])
    api = ApiClient("acme.localhost", key)
    assert api.get(PATH).status_code == 200
    refused = api.send("DELETE", f"{PATH}{endpoint.pk}/")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_a_write_that_is_sent_again_makes_one_and_keeps_no_secret(cast: Cast, api_for: Any) -> None:
    api = api_for(cast.admin)
    first = api.send("POST", PATH, BODY, Idempotency_Key="order-7")
    again = api.send("POST", PATH, BODY, Idempotency_Key="order-7")
    assert (first.status_code, WebhookEndpoint.objects.count()) == (201, 1)
    assert first.json()["secret"] not in again.content.decode()


def test_messages_are_read_narrowed_and_sent_again(cast: Cast, api_for: Any) -> None:
    endpoint = make_endpoint()
    dead = make_delivery(endpoint)
    done = make_delivery(endpoint, state="delivered", error_code="", last_status=204)
    api = api_for(cast.admin)
    assert [row["id"] for row in api.get(MESSAGES).json()["results"]] == [done.pk, dead.pk]
    (row,) = api.get(MESSAGES, {"state": "dead", "endpoint": endpoint.pk}).json()["results"]
    assert (row["message_id"], row["error"]) == (
        dead.message_id, "The receiver had a fault of its own.",
    )  # fmt: skip
    again = api.send("POST", f"{MESSAGES}{dead.pk}/again/")
    assert (again.status_code, again.json()["state"]) == (202, "queued")
    refused = api.send("POST", f"{MESSAGES}{done.pk}/again/")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_not_dead")


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_take_as_many_queries_for_one_as_for_three(
    rows: int, cast: Cast, api_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        make_delivery(make_endpoint(name=f"Number {number}"))
    api = api_for(cast.admin)
    for path in (PATH, MESSAGES):
        api.get(path)
        with django_assert_num_queries(6):
            assert len(api.get(path).json()["results"]) == rows
    assert WebhookDelivery.objects.count() == rows
