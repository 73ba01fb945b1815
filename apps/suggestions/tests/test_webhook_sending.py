"""Sending messages to a real receiver: signed, retried, given up, and never inside the network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from aisha.celery import app
from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.conftest import Cast
from apps.operations.tests.serving import free_port
from apps.suggestions import services
from apps.suggestions.models import WebhookDelivery, WebhookEndpoint
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.webhooks import (
    SECRET,
    is_signed_with,
    make_delivery,
    make_endpoint,
    said_by,
)
from apps.suggestions.webhooks import posting
from apps.suggestions.webhooks.collecting import collect
from apps.suggestions.webhooks.enums import DeliveryState
from apps.suggestions.webhooks.rules import GRACE, MOST_ATTEMPTS
from apps.suggestions.webhooks.sending import LEASE, Batch, send_batch
from apps.suggestions.webhooks.signing import new_secret
from apps.suggestions.webhooks.tasks import remove_all_old_webhooks, send_all_webhooks
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.secrets import seal
from apps.tenants.tests.http_server import Receiver, Reply, http_server
from apps.tenants.tests.threads import at_once
from apps.tenants.tests.watching import probing

NOW = timezone.now()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with http_server() as server:
        yield server


def queued(endpoint: WebhookEndpoint, **values: Any) -> WebhookDelivery:
    """A message that waits for its first try."""
    fresh = {
        "state": DeliveryState.QUEUED, "attempts": 0, "error_code": "", "last_status": None,
        "next_attempt_at": NOW,
    }  # fmt: skip
    return make_delivery(endpoint, **{**fresh, **values})


def row(delivery: WebhookDelivery) -> tuple[str, int, int | None, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.attempts, delivery.last_status, delivery.error_code


def test_a_decision_arrives_once_and_signed(receiver: Receiver, cast: Cast, acme: Tenant) -> None:
    make_endpoint(f"{receiver.url}/in?key=1", "suggestion.applied")
    suggestion = SuggestionFactory(
        lead__owner=cast.rep, lead__last_name="Geheim", assignee=cast.rep, title="Write to Geheim"
    )
    services.approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    now = timezone.now()
    collect(now)
    assert send_batch(acme, now) == Batch(1, 1)
    assert send_batch(acme, now + LEASE * 2) == Batch()
    arrival = receiver.only
    suggestion.refresh_from_db()
    assert suggestion.execution is not None
    entry = AuditEntry.objects.get(event=Event.EXECUTION_SUCCEEDED)
    message_id = f"evt_{entry.pk}_suggestion_applied"
    assert said_by(arrival) == {
        "id": message_id,
        "type": "suggestion.applied",
        "timestamp": entry.occurred_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "host": "acme.localhost",
            "suggestion_id": suggestion.pk,
            "execution_id": suggestion.execution.pk,
            "state": "applied",
            "tool": "create_followup",
            "record": {"kind": "task", "id": suggestion.execution.record_id},
            "url": f"http://acme.localhost:8000/suggestions/{suggestion.pk}/",
        },
    }
    assert (arrival.method, arrival.path) == ("POST", "/in?key=1")
    assert arrival.headers["content-type"] == "application/json"
    assert arrival.headers["webhook-id"] == message_id
    assert arrival.headers["webhook-timestamp"] == str(int(now.timestamp()))
    assert is_signed_with(SECRET, arrival)
    assert not is_signed_with(new_secret(), arrival)
    # Ids and codes: nothing of the record, the suggestion's texts or the person.
    for text in (b"Geheim", b"Rita", b"Write", b"rep"):
        assert text not in arrival.body
    delivery = WebhookDelivery.objects.get()
    assert row(delivery) == ("delivered", 1, 204, "")
    assert delivery.last_attempt_at == delivery.finished_at == now


def test_a_fault_of_the_receiver_is_tried_again_later(receiver: Receiver, acme: Tenant) -> None:
    endpoint = make_endpoint(receiver.url)
    delivery = queued(endpoint)
    receiver.replies = [Reply(500)]
    send_batch(acme, NOW)
    assert row(delivery) == ("queued", 1, 500, "server_error")
    endpoint.refresh_from_db()
    assert endpoint.failing_since == NOW
    assert delivery.next_attempt_at is not None
    wait = delivery.next_attempt_at - NOW
    assert timedelta(seconds=24) <= wait <= timedelta(seconds=36)
    assert send_batch(acme, NOW + timedelta(seconds=20)) == Batch()
    send_batch(acme, NOW + timedelta(seconds=40))
    assert row(delivery) == ("delivered", 2, 204, "")
    first, second = receiver.arrivals
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    endpoint.refresh_from_db()
    assert WebhookEndpoint.objects.get(failing_since=None).delivered_at == NOW + timedelta(
        seconds=40
    )


def test_after_ten_tries_it_is_given_up(receiver: Receiver, acme: Tenant) -> None:
    endpoint = make_endpoint(receiver.url)
    delivery = queued(endpoint)
    receiver.reply = Reply(503)
    now = NOW
    for _ in range(MOST_ATTEMPTS + 3):
        send_batch(acme, now)
        delivery.refresh_from_db()
        now = delivery.next_attempt_at or now
    assert len(receiver.arrivals) == MOST_ATTEMPTS
    assert row(delivery) == ("dead", MOST_ATTEMPTS, 503, "server_error")
    assert timedelta(hours=16) < now - NOW < timedelta(hours=26)
    # A day without success switches nothing off.
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.failing_since) == (True, NOW)


@pytest.mark.parametrize(
    ("reply", "code", "wait_s"),
    [
        (Reply(400), "refused", 30),
        (Reply(404), "refused", 30),
        (Reply(301, {"Location": "http://127.0.0.1/"}), "redirect", 30),
        (Reply(307, {"Location": "https://hooks.example/"}), "redirect", 30),
        (Reply(429, {"Retry-After": "900"}), "busy", 900),
        (Reply(503, {"Retry-After": "3600"}), "server_error", 3600),
        (Reply(503, {"Retry-After": "soon"}), "server_error", 30),
        (Reply(503, {"Retry-After": "99999999999999"}), "server_error", 24 * 3600),
        (Reply(503, {"Retry-After": f"Mon, {10**20} Jan 2027 00:00:00 GMT"}), "server_error", 30),
    ],
)
def test_what_the_receiver_answers_is_what_is_known(
    reply: Reply, code: str, wait_s: int, receiver: Receiver, acme: Tenant
) -> None:
    delivery = queued(make_endpoint(receiver.url))
    receiver.reply = reply
    send_batch(acme, NOW)
    assert row(delivery) == ("queued", 1, reply.status, code)
    assert len(receiver.arrivals) == 1
    assert delivery.next_attempt_at is not None
    waited_s = (delivery.next_attempt_at - NOW).total_seconds()
    assert waited_s == pytest.approx(wait_s, rel=0.21)


def test_a_moment_to_come_back_at_is_kept(receiver: Receiver, acme: Tenant) -> None:
    delivery = queued(make_endpoint(receiver.url))
    at = (NOW + timedelta(hours=2)).replace(microsecond=0)
    receiver.reply = Reply(429, {"Retry-After": at.strftime("%a, %d %b %Y %H:%M:%S GMT")})
    send_batch(acme, NOW)
    delivery.refresh_from_db()
    assert delivery.next_attempt_at == at


def test_who_is_gone_is_switched_off(receiver: Receiver, acme: Tenant) -> None:
    endpoint = make_endpoint(receiver.url)
    first, second = queued(endpoint), queued(endpoint)
    receiver.reply = Reply(410)
    send_batch(acme, NOW)
    assert row(first) == ("dead", 1, 410, "gone")
    assert row(second) == ("dead", 0, None, "endpoint_off")
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.off_because, endpoint.off_at) == (False, "gone", NOW)
    entry = AuditEntry.objects.get(event=Event.SETTINGS_CHANGED)
    assert (entry.actor_name, entry.details) == (
        "Webhooks",
        {
            "setting": "webhooks", "endpoint_id": endpoint.pk, "change": "switched off",
            "host": "127.0.0.1", "because": "gone", "given_up": 1,
        },
    )  # fmt: skip


def test_who_has_taken_nothing_for_days_is_switched_off(receiver: Receiver, acme: Tenant) -> None:
    since = NOW - timedelta(days=3, minutes=1)
    endpoint = make_endpoint(receiver.url, failing_since=since)
    last_try, other = queued(endpoint, attempts=MOST_ATTEMPTS - 1), queued(endpoint)
    receiver.reply = Reply(500)
    send_batch(acme, NOW)
    assert row(last_try) == ("dead", MOST_ATTEMPTS, 500, "server_error")
    assert row(other) == ("dead", 0, None, "endpoint_off")
    endpoint.refresh_from_db()
    assert (endpoint.off_because, endpoint.failing_since) == ("failing", since)


def test_a_first_failure_after_quiet_weeks_switches_nothing_off(
    receiver: Receiver, acme: Tenant
) -> None:
    endpoint = make_endpoint(receiver.url, failing_since=NOW - timedelta(days=20))
    queued(endpoint)
    receiver.reply = Reply(500)
    send_batch(acme, NOW)
    endpoint.refresh_from_db()
    assert endpoint.is_enabled


def test_who_does_not_answer_in_time_has_failed(
    receiver: Receiver, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ANSWER_WITHIN_S", 0.3)
    delivery = queued(make_endpoint(receiver.url))
    receiver.may_answer.clear()
    send_batch(acme, NOW)
    assert row(delivery) == ("queued", 1, None, "timeout")


def test_who_drips_is_not_waited_for(
    settings: Settings, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, and the answer never."""
    settings.WEBHOOKS_TO_LOOPBACK = True
    monkeypatch.setattr(posting, "ANSWER_WITHIN_S", 0.5)
    has_enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        delivery = queued(make_endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}"))

        def drip() -> None:
            session, _ = listener.accept()
            with session, suppress(OSError):
                session.recv(65536)
                session.sendall(b"HTTP/1.1 200 OK\r\nX-Drop: ")
                while not has_enough.wait(0.05):
                    session.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        send_batch(acme, NOW)
        has_enough.set()
        thread.join()
    assert row(delivery) == ("queued", 1, None, "timeout")


def test_nobody_at_the_address_is_a_failure(settings: Settings, acme: Tenant) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    delivery = queued(make_endpoint(f"http://127.0.0.1:{free_port()}"))
    send_batch(acme, NOW)
    assert row(delivery) == ("queued", 1, None, "unreachable")


def test_what_is_no_http_is_a_failure(settings: Settings, acme: Tenant) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with socket.create_server(("127.0.0.1", 0)) as listener:
        delivery = queued(make_endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}"))

        def say_nothing_sensible() -> None:
            session, _ = listener.accept()
            with session:
                session.recv(65536)
                session.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=say_nothing_sensible)
        thread.start()
        send_batch(acme, NOW)
        thread.join()
    assert row(delivery) == ("queued", 1, None, "broken")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_nothing_is_sent_inside_the_network(
    host: str, receiver: Receiver, acme: Tenant, settings: Settings
) -> None:
    """By its address, and by a name that leads to it: whatever was saved, the connection is refused."""
    settings.WEBHOOKS_TO_LOOPBACK = False
    port = receiver.url.rpartition(":")[2]
    delivery = queued(make_endpoint(f"http://{host}:{port}"))
    send_batch(acme, NOW)
    assert row(delivery) == ("queued", 1, None, "address_barred")
    assert receiver.arrivals == []


def test_trouble_with_one_receiver_costs_one_try_and_holds_nobody_up(
    receiver: Receiver, acme: Tenant
) -> None:
    receiver.reply = Reply(500)
    in_trouble = make_endpoint(receiver.url)
    waiting = [queued(in_trouble) for _ in range(4)]
    with http_server() as other:
        fine = make_endpoint(other.url)
        taken = [queued(fine) for _ in range(3)]
        batch = send_batch(acme, NOW)
    assert batch == Batch(4, 3, frozenset({in_trouble.pk}))
    assert len(receiver.arrivals) == 1
    assert [row(delivery) for delivery in waiting] == [
        ("queued", 1, 500, "server_error"), *[("queued", 0, None, "")] * 3,
    ]  # fmt: skip
    assert {row(delivery) for delivery in taken} == {("delivered", 1, 204, "")}
    # What was not tried is due as before.
    assert send_batch(acme, NOW, without=batch.in_trouble) == Batch()
    assert send_batch(acme, NOW).tried == 1


def test_one_refused_message_holds_up_no_other(receiver: Receiver, acme: Tenant) -> None:
    endpoint = make_endpoint(receiver.url)
    rows = [queued(endpoint) for _ in range(3)]
    receiver.replies = [Reply(400)]
    assert send_batch(acme, NOW) == Batch(3, 2)
    assert [row(delivery)[0] for delivery in rows] == ["queued", "delivered", "delivered"]
    # In the order in which it happened.
    assert [arrival.headers["webhook-id"] for arrival in receiver.arrivals] == [
        delivery.message_id for delivery in rows
    ]


def test_while_a_secret_is_replaced_both_fit(receiver: Receiver, acme: Tenant) -> None:
    newer = new_secret()
    endpoint = make_endpoint(
        receiver.url,
        secret=newer,
        sealed_former_secret=seal(SECRET),
        former_secret_until=NOW + GRACE,
    )
    queued(endpoint)
    queued(endpoint, next_attempt_at=NOW + GRACE)
    send_batch(acme, NOW)
    send_batch(acme, NOW + GRACE)
    during, after = receiver.arrivals
    assert [is_signed_with(newer, during), is_signed_with(SECRET, during)] == [True, True]
    assert [is_signed_with(newer, after), is_signed_with(SECRET, after)] == [True, False]


def test_a_secret_that_cannot_be_read_sends_nothing(receiver: Receiver, acme: Tenant) -> None:
    endpoint = make_endpoint(receiver.url)
    WebhookEndpoint.objects.update(sealed_secret="sealed with another key")
    delivery = queued(endpoint)
    send_batch(acme, NOW)
    assert row(delivery) == ("queued", 1, None, "secret_unreadable")
    assert receiver.arrivals == []


def test_no_transaction_is_open_while_a_receiver_is_waited_for(
    receiver: Receiver, committed_tenant: Tenant
) -> None:
    queued(make_endpoint(receiver.url))
    with probing(posting.post_all, lambda: connection.in_atomic_block) as noted:
        send_batch(committed_tenant, NOW)
    assert noted == [False]


def test_two_workers_send_each_once(receiver: Receiver, committed_tenant: Tenant) -> None:
    endpoint = make_endpoint(receiver.url)
    for _ in range(20):
        queued(endpoint)
    done = at_once(committed_tenant, [lambda: send_batch(committed_tenant, NOW)] * 3)
    assert [error for error in done if isinstance(error, BaseException)] == []
    ids = [arrival.headers["webhook-id"] for arrival in receiver.arrivals]
    assert (len(ids), len(set(ids))) == (20, 20)
    assert set(WebhookDelivery.objects.values_list("state", "attempts")) == {("delivered", 1)}


def test_a_message_whose_worker_died_is_due_again(receiver: Receiver, acme: Tenant) -> None:
    delivery = queued(make_endpoint(receiver.url), attempts=1, next_attempt_at=NOW + LEASE)
    assert send_batch(acme, NOW) == Batch()
    assert send_batch(acme, NOW + LEASE).delivered == 1
    assert row(delivery) == ("delivered", 2, 204, "")


@pytest.fixture
def tasks_at_once() -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def happen() -> None:
    record_event(Actor.for_system("tests"), Entry(Event.SUGGESTION_REJECTED, suggestion_id=7))


def test_beat_tells_each_tenants_events_to_its_own_endpoints(
    receiver: Receiver, acme: Tenant, globex: Tenant, tasks_at_once: None
) -> None:
    make_endpoint(f"{receiver.url}/acme")
    happen()
    with globex:
        make_endpoint(f"{receiver.url}/globex")
    tenant_connection().set_schema_to_public()
    for _ in range(3):
        send_all_webhooks(expire_seconds=20)
    assert receiver.only.path == "/acme"
    assert said_by(receiver.only)["data"]["host"] == "acme.localhost"
    with globex:
        assert WebhookDelivery.objects.count() == 0


def test_a_company_without_suggestions_tells_nothing(
    receiver: Receiver, acme: Tenant, tasks_at_once: None
) -> None:
    make_endpoint(receiver.url)
    happen()
    ModuleGate.objects.filter(tenant=acme, module=Module.SUGGESTIONS).update(is_on=False)
    send_all_webhooks(expire_seconds=20)
    assert receiver.arrivals == []


def test_old_messages_are_removed(acme: Tenant, settings: Settings) -> None:
    endpoint = make_endpoint()
    now = timezone.now()
    ages = [("delivered", 29), ("delivered", 31), ("dead", 31), ("dead", 89), ("dead", 91)]
    for state, days in ages:
        make_delivery(endpoint, state=state, finished_at=now - timedelta(days=days))
    queued(endpoint)
    remove_all_old_webhooks()
    left = WebhookDelivery.objects.order_by("id").values_list("state", "finished_at")
    kept = [(state, at and (now - at).days) for state, at in left]
    assert kept == [("delivered", 29), ("dead", 31), ("dead", 89), ("queued", None)]


def test_a_batch_takes_the_same_few_statements_and_one_for_each_message(
    receiver: Receiver, acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    endpoint = make_endpoint(receiver.url)
    for count in (1, 3):
        for _ in range(count):
            queued(endpoint)
        with django_assert_num_queries(5 + count):
            assert send_batch(acme, NOW).delivered == count
