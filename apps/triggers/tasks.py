"""Scans in the background. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.ledger import close_lost_scans
from apps.triggers.models import Scan
from apps.triggers.replay.runs import close_lost_replays
from apps.triggers.replay.tasks import run_replay  # noqa: F401 - Celery looks for tasks here
from apps.triggers.schedule import jitter_s
from apps.triggers.services import look_around, run_scan, scan_now

# A round is to be over before many more are due. Past the soft limit the trigger at hand fails; past the
# hard one the worker is killed, the scan counts as lost, and the next one makes up for it.
ROUND_SOFT_TIME_LIMIT_S = 600
ROUND_TIME_LIMIT_S = 660


@shared_task(name="triggers.run_requested_scan")
def run_requested_scan(*, scan_id: int) -> None:
    """Run a scan that a person asked for; a second delivery of the message finds it no longer queued."""
    begin_request()
    scan = Scan.objects.get(pk=scan_id)
    if scan.status == ScanStatus.QUEUED:
        run_scan(scan, now=timezone.now())


def send_scan(scan: Scan) -> None:
    """Hand a queued scan to a worker once the transaction is through."""
    transaction.on_commit(lambda: run_requested_scan.delay(scan_id=scan.pk))


@shared_task(name="triggers.scan_current_tenant")
def scan_current_tenant() -> None:
    """Run the daily scan of the tenant in whose schema the task runs."""
    begin_request()
    scan_now(kind=ScanKind.FULL, now=timezone.now())


@shared_task(name="triggers.scan_all_tenants")
def scan_all_tenants() -> None:
    """Queue the daily scan of every enabled tenant, one task each, so that none waits for another."""
    schemas = enabled_schemas()
    for schema in schemas:
        with schema_context(schema):
            scan_current_tenant.apply_async(countdown=jitter_s(schema, tenants=len(schemas)))


@shared_task(
    name="triggers.look_around_current_tenant",
    soft_time_limit=ROUND_SOFT_TIME_LIMIT_S,
    time_limit=ROUND_TIME_LIMIT_S,
)
def look_around_current_tenant(*, kind: str) -> None:
    """Look at what changed or came due in the tenant in whose schema the task runs."""
    begin_request()
    look_around(ScanKind(kind), now=timezone.now())


@shared_task(name="triggers.look_around_all_tenants")
def look_around_all_tenants(*, expire_seconds: int) -> None:
    """Queue a round for every enabled tenant; one that could not start in time is left to the next."""
    schemas = enabled_schemas()
    for schema in schemas:
        with schema_context(schema):
            look_around_current_tenant.apply_async(
                kwargs={"kind": ScanKind.INCREMENTAL.value},
                countdown=jitter_s(schema, tenants=len(schemas)),
                expires=expire_seconds,
            )


@shared_task(name="triggers.close_all_lost_scans")
def close_all_lost_scans() -> None:
    """Close, in every enabled tenant, the scans and replays whose worker died: a few statements each."""
    begin_request()
    for schema in enabled_schemas():
        with schema_context(schema):
            close_lost_scans(timezone.now())
            close_lost_replays(timezone.now())
