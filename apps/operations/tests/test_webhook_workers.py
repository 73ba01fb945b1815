"""The whole way of a webhook: decision, broker, worker, receiver; and a worker that is killed on it."""

from __future__ import annotations

import re
import subprocess

from django.utils import timezone

from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.programs import celery, copied_database
from apps.suggestions import services
from apps.suggestions.models import WebhookDelivery
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.webhooks import SECRET, is_signed_with, make_endpoint
from apps.suggestions.webhooks.sending import LEASE
from apps.suggestions.webhooks.tasks import send_all_webhooks
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.tests.http_server import http_server
from apps.users.tests.factories import UserFactory

__all__ = ["copied_database"]

SUCCEEDED = re.compile(r"Task suggestions\.send_webhooks_of_current_tenant\[\S+\] succeeded")
LOOPBACK = {"WEBHOOKS_TO_LOOPBACK": "yes"}


def decide(url: str) -> Tenant:
    """Somebody at acme approves a suggestion, and another system listens."""
    tenant: Tenant = Tenant.objects.get(schema_name="acme")
    with tenant:
        make_endpoint(url, "suggestion.applied")
        rep = UserFactory(username="rep")
        suggestion = SuggestionFactory(assignee=rep, lead=LeadFactory(owner=rep))
        services.approve(suggestion_id=suggestion.pk, user=rep, now=timezone.now())
    tenant_connection().set_schema_to_public()
    return tenant


def wait_for_success(worker: subprocess.Popen[str]) -> bool:
    """Read the worker's output until the task has succeeded; False when it ends before."""
    assert worker.stdout is not None
    return any(SUCCEEDED.search(line) for line in worker.stdout)


def test_a_decision_goes_through_broker_and_worker_to_the_receiver(
    copied_database: dict[str, str],
) -> None:
    with http_server() as receiver:
        tenant = decide(receiver.url)
        with celery("worker", "--pool", "solo", env={**copied_database, **LOOPBACK}) as worker:
            for _ in range(2):
                send_all_webhooks(expire_seconds=60)
                assert wait_for_success(worker)
    assert is_signed_with(SECRET, receiver.only)
    with tenant:
        delivery = WebhookDelivery.objects.get()
        assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 204)


def test_a_worker_killed_while_it_sends_sends_again_under_the_same_id(
    copied_database: dict[str, str],
) -> None:
    """At least once: the receiver may have it already, and knows it by its id."""
    with http_server() as receiver:
        tenant = decide(receiver.url)
        receiver.may_answer.clear()
        with celery("worker", "--pool", "solo", env={**copied_database, **LOOPBACK}) as worker:
            send_all_webhooks(expire_seconds=60)
            assert receiver.has_arrival.wait(60)
            worker.kill()
            worker.wait()
        receiver.may_answer.set()
        with tenant:
            delivery = WebhookDelivery.objects.get()
            assert (delivery.state, delivery.attempts) == ("queued", 1)
            assert delivery.next_attempt_at is not None
            # The lease runs out.
            WebhookDelivery.objects.update(next_attempt_at=delivery.next_attempt_at - LEASE)
        tenant_connection().set_schema_to_public()
        with celery("worker", "--pool", "solo", env={**copied_database, **LOOPBACK}) as worker:
            send_all_webhooks(expire_seconds=60)
            assert wait_for_success(worker)
    first, second = receiver.arrivals
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.message_id
    assert first.body == second.body
    with tenant:
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == ("delivered", 2)
