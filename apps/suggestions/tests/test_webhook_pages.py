"""The pages of webhooks: making one, its secret shown once, messages and those that were given up."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries, Settings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.conftest import Cast
from apps.suggestions.models import WebhookCursor, WebhookDelivery, WebhookEndpoint
from apps.suggestions.tests.webhooks import (
    SECRET,
    is_signed_with,
    make_delivery,
    make_endpoint,
    said_by,
)
from apps.suggestions.webhooks.settings import MOST_ENDPOINTS, reseal_secrets, secrets_of
from apps.tenants.exceptions import SecretUnreadableError
from apps.tenants.models import Tenant
from apps.tenants.secrets import seal
from apps.tenants.tests.http_server import Receiver, Reply, http_server

PAGE = "/webhooks/"
PUBLIC = "https://8.8.8.8/in"
TYPED = {"name": "Orders", "url": PUBLIC, "events": ["suggestion.applied", "suggestion.created"]}


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with http_server() as server:
        yield server


def words(answer: Any) -> str:
    return " ".join(unescape(strip_tags(answer.content.decode())).split())


def last_record() -> dict[str, Any]:
    entry = AuditEntry.objects.filter(event=Event.SETTINGS_CHANGED).order_by("-id")[0]
    details: dict[str, Any] = entry.details
    return details


def test_without_webhooks_the_page_says_what_they_are(cast: Cast, client_for: Any) -> None:
    answer = client_for(cast.admin).get(PAGE)
    assert "No webhooks yet" in words(answer)
    assert 'href="/webhooks/new/"' in answer.content.decode()


@pytest.mark.parametrize("who", ["rep", "manager"])
def test_webhooks_are_for_administrators(who: str, cast: Cast, client_for: Any) -> None:
    endpoint, delivery = make_endpoint(), make_delivery()
    client = client_for(getattr(cast, who))
    assert "Webhooks" not in words(client.get("/"))
    one, message = f"{PAGE}{endpoint.pk}/", f"{PAGE}deliveries/{delivery.pk}/"
    listed = (f"{PAGE}deliveries/", f"{PAGE}deliveries/export.csv")
    for path in (PAGE, f"{PAGE}new/", one, f"{one}edit/", *listed, message):
        assert client.get(path).status_code == 403, path
    for path in (
        f"{PAGE}new/", f"{one}edit/", f"{one}secret/", f"{one}switch/", f"{one}remove/", f"{one}test/",
        f"{one}again/", f"{message}again/",
    ):  # fmt: skip
        assert client.post(path, TYPED).status_code == 403, path
    assert WebhookEndpoint.objects.count() == 2
    assert not AuditEntry.objects.filter(event=Event.SETTINGS_CHANGED).exists()


def test_changes_are_posted(cast: Cast, client_for: Any) -> None:
    endpoint, delivery = make_endpoint(), make_delivery()
    client = client_for(cast.admin)
    for what in ("secret", "switch", "remove", "test", "again"):
        assert client.get(f"{PAGE}{endpoint.pk}/{what}/").status_code == 405
    assert client.get(f"{PAGE}deliveries/{delivery.pk}/again/").status_code == 405


def test_a_new_webhook_shows_its_secret_once(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.admin)
    answer = client.post(f"{PAGE}new/", TYPED)
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode())
    assert answer.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.name, endpoint.url, endpoint.created_by, endpoint.is_enabled) == (
        "Orders", PUBLIC, cast.admin, True,
    )  # fmt: skip
    # In the order of the list, whatever was typed first.
    assert endpoint.events == ["suggestion.created", "suggestion.applied"]
    assert secrets_of(endpoint, timezone.now()) == [secret]
    assert secret not in endpoint.sealed_secret
    assert WebhookCursor.objects.count() == 1
    for path in (PAGE, f"{PAGE}{endpoint.pk}/", f"{PAGE}{endpoint.pk}/edit/"):
        assert "whsec_" not in client.get(path).content.decode()
    assert last_record() == {
        "setting": "webhooks", "endpoint_id": endpoint.pk, "change": "added", "host": "8.8.8.8",
        "fields": ["name", "url", "events"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("http://8.8.8.8/in", "The address has to begin with https://."),
        (
            "https://127.0.0.1/in",
            "This host stands in a private network, to which nothing is sent.",
        ),
        (
            "https://localhost/in",
            "This host stands in a private network, to which nothing is sent.",
        ),
        (
            "https://169.254.169.254/",
            "This host stands in a private network, to which nothing is sent.",
        ),
        ("https://[::1]/", "This host stands in a private network, to which nothing is sent."),
        ("https://nowhere.invalid/", "There is no host of this name."),
        ("ftp://8.8.8.8/", "This is no address: it begins with https:// and a host."),
        ("https://me:secret@8.8.8.8/", "Leave out the user name, password and fragment"),
        ("https://8.8.8.8:99999/", "This is no address."),
        ("https://8.8.8.8/\u00e4", "An address has neither spaces nor special characters."),
        ("https://8.8.8.8/" + "a" * 500, "Ensure this value has at most 500 characters"),
        ("", "This field is required."),
    ],
)
def test_an_address_that_will_not_do_is_refused(
    url: str, refusal: str, cast: Cast, client_for: Any
) -> None:
    answer = client_for(cast.admin).post(f"{PAGE}new/", {**TYPED, "url": url})
    assert (answer.status_code, WebhookEndpoint.objects.count()) == (422, 0)
    assert refusal in words(answer)
    assert 'value="Orders"' in answer.content.decode()


def test_loopback_is_an_address_only_where_a_setting_says_so(
    cast: Cast, client_for: Any, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    client = client_for(cast.admin)
    client.post(f"{PAGE}new/", {**TYPED, "url": "http://localhost:9000/in"})
    assert WebhookEndpoint.objects.get().url == "http://localhost:9000/in"
    answer = client.post(f"{PAGE}new/", {**TYPED, "url": "http://10.0.0.1/in"})
    assert "private network" in words(answer)


@pytest.mark.parametrize("events", [[], ["suggestion.read"], ["test"]])
def test_it_listens_to_something_that_there_is(
    events: list[str], cast: Cast, client_for: Any
) -> None:
    answer = client_for(cast.admin).post(f"{PAGE}new/", {**TYPED, "events": events})
    assert (answer.status_code, WebhookEndpoint.objects.count()) == (422, 0)


def test_there_are_twenty_at_most(cast: Cast, client_for: Any) -> None:
    for number in range(MOST_ENDPOINTS):
        make_endpoint(name=f"Number {number}", created_by=cast.admin)
    answer = client_for(cast.admin).post(f"{PAGE}new/", TYPED)
    assert answer.status_code == 422
    assert "There are 20 webhooks already." in words(answer)


def test_it_is_changed_on_record(cast: Cast, client_for: Any) -> None:
    endpoint = make_endpoint(
        "https://8.8.8.8/key-of-ours", "suggestion.created", failing_since=timezone.now()
    )
    client = client_for(cast.admin)
    path = f"{PAGE}{endpoint.pk}/edit/"
    assert "suggestion.created" in client.get(path).content.decode()
    posted = {**TYPED, "name": "Billing", "revision_read": "0"}
    assert client.post(path, posted).headers["Location"] == f"{PAGE}{endpoint.pk}/"
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.url, endpoint.revision) == ("Billing", PUBLIC, 1)
    assert endpoint.failing_since is None
    assert last_record() == {
        "setting": "webhooks", "endpoint_id": endpoint.pk, "change": "changed", "host": "8.8.8.8",
        "fields": ["name", "url", "events"],
    }  # fmt: skip
    # From a page that is older: nothing is written.
    stale = client.post(path, {**posted, "name": "Older"})
    assert stale.status_code == 409
    assert "Somebody changed this webhook since you opened it." in words(stale)
    endpoint.refresh_from_db()
    assert endpoint.name == "Billing"


def test_an_address_that_is_not_changed_is_not_looked_over(cast: Cast, client_for: Any) -> None:
    """A host that cannot be resolved today stands in nobody's way to another name."""
    endpoint = make_endpoint("https://nowhere.invalid/")
    posted = {**TYPED, "url": endpoint.url, "revision_read": "0"}
    assert client_for(cast.admin).post(f"{PAGE}{endpoint.pk}/edit/", posted).status_code == 302


def test_a_new_secret_is_shown_once_and_the_former_one_signs_for_a_day(
    cast: Cast, client_for: Any
) -> None:
    endpoint = make_endpoint()
    answer = client_for(cast.admin).post(f"{PAGE}{endpoint.pk}/secret/")
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode())
    endpoint.refresh_from_db()
    now = timezone.now()
    assert secrets_of(endpoint, now) == [secret, SECRET]
    assert secrets_of(endpoint, now + timedelta(hours=25)) == [secret]
    assert last_record()["change"] == "secret replaced"
    assert secret not in str(last_record())


def test_off_gives_up_what_waits_and_on_begins_anew(cast: Cast, client_for: Any) -> None:
    endpoint = make_endpoint()
    waiting = make_delivery(endpoint, state="queued", error_code="")
    client = client_for(cast.admin)
    one = f"{PAGE}{endpoint.pk}/"
    answer = client.post(f"{one}switch/", {"is_on": "no"}, follow=True)
    assert "Switched off." in words(answer)
    assert "What happens while it is off is not told later." in words(answer)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error_code) == ("dead", "endpoint_off")
    assert last_record()["given_up"] == 1
    for path in (f"{one}test/", f"{one}again/", f"{PAGE}deliveries/{waiting.pk}/again/"):
        assert "Switch it on first; nothing was sent." in words(client.post(path, follow=True))
    before = timezone.now()
    client.post(f"{one}switch/", {"is_on": "yes"})
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.off_because, endpoint.off_at) == (True, "", None)
    assert endpoint.listens_since > before
    client.post(f"{one}again/")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("queued", 0)


def test_it_is_removed_with_its_messages(cast: Cast, client_for: Any) -> None:
    endpoint = make_endpoint()
    make_delivery(endpoint)
    kept = make_delivery(make_endpoint(name="Other"))
    answer = client_for(cast.admin).post(f"{PAGE}{endpoint.pk}/remove/", follow=True)
    assert "Webhook removed." in words(answer)
    assert list(WebhookDelivery.objects.all()) == [kept]
    assert last_record()["change"] == "removed"


def test_a_test_tells_at_once_what_came_of_it(
    receiver: Receiver, cast: Cast, client_for: Any
) -> None:
    endpoint = make_endpoint(receiver.url)
    client = client_for(cast.admin)
    answer = client.post(f"{PAGE}{endpoint.pk}/test/", follow=True)
    assert "The test was delivered: 204." in words(answer)
    delivery = WebhookDelivery.objects.get()
    assert is_signed_with(SECRET, receiver.only)
    said = said_by(receiver.only)
    assert (said["id"], said["type"]) == (f"evt_test_{delivery.pk}", "test")
    assert said["data"] == {
        "host": "acme.localhost", "suggestion_id": None, "execution_id": None, "state": None,
        "tool": "", "record": None, "url": None,
    }  # fmt: skip
    receiver.reply = Reply(404)
    answer = client.post(f"{PAGE}{endpoint.pk}/test/", follow=True)
    assert "The test was not delivered. The receiver refused it." in words(answer)
    # A person has seen it: it is not tried again, and says nothing against the endpoint.
    assert WebhookDelivery.objects.order_by("-id")[0].state == "dead"
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_messages_are_listed_and_narrowed(cast: Cast, client_for: Any) -> None:
    orders, billing = make_endpoint(), make_endpoint(name="Billing")
    dead = make_delivery(orders)
    waiting = make_delivery(billing, state="queued", kind="suggestion.created", attempts=1)
    done = make_delivery(orders, state="delivered", error_code="", last_status=204)
    client = client_for(cast.admin)
    page = client.get(f"{PAGE}deliveries/")
    assert [row for row, _ in page.context["rows"]] == [done, waiting, dead]
    assert "The receiver had a fault of its own." in words(page)
    for asked, wanted in (
        ({"state": "dead"}, [dead]),
        ({"endpoint": orders.pk}, [done, dead]),
        ({"kind": "suggestion.created"}, [waiting]),
        ({"state": "nonsense"}, [done, waiting, dead]),
        ({"page": "99"}, [done, waiting, dead]),
    ):
        rows = client.get(f"{PAGE}deliveries/", asked).context["rows"]
        assert [row for row, _ in rows] == wanted, asked


def test_the_list_as_a_file(cast: Cast, client_for: Any) -> None:
    dead = make_delivery(make_endpoint(name="=cmd()"))
    make_delivery(dead.endpoint, state="delivered", error_code="", last_status=204)
    answer = client_for(cast.admin).get(f"{PAGE}deliveries/export.csv", {"state": "dead"})
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["Id"], row["Webhook"], row["State"], row["Answer"], row["Code"]) == (
        dead.message_id, "'=cmd()", "Not delivered", "500", "server_error",
    )  # fmt: skip
    entry = AuditEntry.objects.get(event=Event.EXPORTED)
    assert entry.details == {"what": "webhook-messages", "filters": ["state"], "format": "csv"}


def test_a_message_given_up_is_sent_again_under_its_id(
    receiver: Receiver, cast: Cast, client_for: Any
) -> None:
    endpoint = make_endpoint(receiver.url)
    dead = make_delivery(endpoint)
    client = client_for(cast.admin)
    path = f"{PAGE}deliveries/{dead.pk}/"
    page = client.get(path)
    assert dead.message_id in words(page)
    assert '"type":"suggestion.approved"' in words(page)
    before = dead.message_id
    assert "Queued. It is sent within a minute." in words(client.post(f"{path}again/", follow=True))
    dead.refresh_from_db()
    assert (dead.state, dead.attempts, dead.message_id) == ("queued", 0, before)
    again = client.post(f"{path}again/", follow=True)
    assert "This message waits or was delivered already" in words(again)


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_take_as_many_queries_for_one_as_for_three(
    rows: int, cast: Cast, client_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        endpoint = make_endpoint(name=f"Number {number}")
        make_delivery(endpoint)
    for _ in range(rows - 1):
        make_delivery(endpoint)
    client = client_for(cast.admin)
    for path, queries in (
        (PAGE, 8), (f"{PAGE}{endpoint.pk}/", 10), (f"{PAGE}deliveries/", 10),
    ):  # fmt: skip
        with django_assert_num_queries(queries):
            assert client.get(path).status_code == 200


def test_another_tenants_webhooks_are_not_here(cast: Cast, globex: Tenant, client_for: Any) -> None:
    with globex:
        make_delivery(make_endpoint(name="Globex's"))
    client = client_for(cast.admin)
    assert "Globex" not in words(client.get(PAGE))
    assert client.get(f"{PAGE}deliveries/").context["rows"] == []


def test_secrets_are_sealed_anew_with_the_newest_key(acme: Tenant, settings: Settings) -> None:
    settings.SECRET_SEALING_KEYS = ["old"]
    replaced: dict[str, Any] = {
        "sealed_former_secret": seal("whsec_former"),
        "former_secret_until": timezone.now(),
    }
    endpoint, _ = make_endpoint(**replaced), make_endpoint(name="Other")
    settings.SECRET_SEALING_KEYS = ["new", "old"]
    assert reseal_secrets(Actor.for_system("tests")) == 2
    settings.SECRET_SEALING_KEYS = ["new"]
    endpoint.refresh_from_db()
    now = timezone.now() - timedelta(minutes=1)
    assert secrets_of(endpoint, now) == [SECRET, "whsec_former"]
    settings.SECRET_SEALING_KEYS = ["lost"]
    with pytest.raises(SecretUnreadableError):
        reseal_secrets(Actor.for_system("tests"))
