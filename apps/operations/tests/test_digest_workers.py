"""The whole way of a digest: broker, worker, mail server; and a worker that is killed on it."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta

from django.utils import timezone
from pytest_django import Settings

from apps.crm.tests.factories import LeadFactory
from apps.operations.tests.programs import celery, copied_database
from apps.suggestions.digest.models import DigestSchedule, DigestSent
from apps.suggestions.digest.rules import LOST_AFTER
from apps.suggestions.digest.sending import give_up_lost
from apps.suggestions.digest.tasks import send_all_digests
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.mail_server import mail_server
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.tests.factories import UserFactory

__all__ = ["copied_database"]

SUCCEEDED = re.compile(r"Task suggestions\.send_digests_of_current_tenant\[\S+\] succeeded")


def prepare() -> Tenant:
    """Somebody at acme has something to read, and their hour has come."""
    tenant: Tenant = Tenant.objects.get(schema_name="acme")
    with tenant:
        rep = UserFactory(username="rep")
        SuggestionFactory(assignee=rep, lead=LeadFactory(owner=rep))
        now = timezone.localtime(timezone=tenant.zone)
        DigestSchedule.objects.create(
            is_on=True, working_days_only=False, send_at=now.time().replace(second=0, microsecond=0)
        )
    tenant_connection().set_schema_to_public()
    return tenant


def wait_for_success(worker: subprocess.Popen[str]) -> bool:
    """Read the worker's output until the task has succeeded; False when it ends before."""
    assert worker.stdout is not None
    return any(SUCCEEDED.search(line) for line in worker.stdout)


def test_a_digest_goes_through_broker_worker_and_mail_server(
    copied_database: dict[str, str], settings: Settings
) -> None:
    tenant = prepare()
    with mail_server(settings) as inbox:
        environment = {**copied_database, "EMAIL_URL": inbox.url}
        with celery("worker", "--pool", "solo", env=environment) as worker:
            send_all_digests(expire_seconds=600)
            assert wait_for_success(worker)
            # A second delivery of the same task sends nothing.
            send_all_digests(expire_seconds=600)
            assert wait_for_success(worker)
    assert inbox.recipients == ["rep@acme.test"]
    assert "http://acme.localhost" in inbox.part("plain")
    with tenant:
        row = DigestSent.objects.get()
        assert (row.status, row.attempts, row.is_manual) == ("sent", 1, False)


def test_a_worker_killed_while_it_hands_over_makes_no_second_mail(
    copied_database: dict[str, str], settings: Settings
) -> None:
    tenant = prepare()
    with mail_server(settings) as inbox:
        environment = {**copied_database, "EMAIL_URL": inbox.url}
        inbox.may_answer.clear()
        with celery("worker", "--pool", "solo", env=environment) as worker:
            send_all_digests(expire_seconds=600)
            assert inbox.has_taken.wait(60)
            worker.kill()
            worker.wait()
        inbox.may_answer.set()
        with celery("worker", "--pool", "solo", env=environment) as worker:
            send_all_digests(expire_seconds=600)
            assert wait_for_success(worker)
    assert inbox.recipients == ["rep@acme.test"]
    with tenant:
        assert DigestSent.objects.get().status == "sending"
        give_up_lost(timezone.now() + LOST_AFTER + timedelta(seconds=1))
        row = DigestSent.objects.get()
        assert (row.status, row.error_code, row.next_try_at) == ("unknown", "worker_lost", None)
