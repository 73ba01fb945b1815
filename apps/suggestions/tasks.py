"""Bulk approvals, and upkeep between scans. The tenant travels in the task's header."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context
from kombu.exceptions import OperationalError as BrokerError

from apps.suggestions import services
from apps.suggestions.digest.tasks import send_all_digests  # noqa: F401 - Celery looks for tasks here
from apps.suggestions.learning.outcomes import follow_outcomes
from apps.suggestions.models import BulkApproval
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.webhooks.tasks import send_all_webhooks  # noqa: F401 - the same
from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas

log = logging.getLogger(__name__)


@shared_task(name="suggestions.run_bulk")
def run_bulk(*, bulk_id: int) -> None:
    """Apply what waits of a bulk approval; a second delivery finds another at it, or nothing to do."""
    begin_request()
    services.run_bulk(bulk_id=bulk_id, now=timezone.now())


def send_bulk(bulk: BulkApproval) -> None:
    """Hand a bulk approval to a worker once the transaction is through."""
    transaction.on_commit(lambda: _enqueue(bulk.pk))


def _enqueue(bulk_id: int) -> None:
    try:
        run_bulk.delay(bulk_id=bulk_id)
    except BrokerError:
        # It is in the database: the next upkeep sends it again.
        log.exception("a bulk approval could not be queued", extra={"bulk_id": bulk_id})


@shared_task(name="suggestions.keep_current_tenant_true")
def keep_current_tenant_true() -> None:
    """Wake what was snoozed, expire what is old, fill the queues, and take up lost bulk approvals."""
    begin_request()
    keep_true(timezone.now())
    for bulk in BulkApproval.objects.unfinished().order_by("id"):
        send_bulk(bulk)


@shared_task(name="suggestions.follow_current_tenant")
def follow_current_tenant() -> None:
    """Look at what has come of decisions whose days are over."""
    begin_request()
    follow_outcomes(timezone.now())


@shared_task(name="suggestions.follow_all")
def follow_all() -> None:
    """Queue the look at outcomes of every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            follow_current_tenant.delay()


@shared_task(name="suggestions.keep_all_true")
def keep_all_true() -> None:
    """Queue the upkeep of every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            keep_current_tenant_true.delay()
