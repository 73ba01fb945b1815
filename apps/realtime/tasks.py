"""Upkeep of realtime voice. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.realtime.sessions import close_lost
from apps.realtime.telemetry import remove_old
from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas


@shared_task(name="realtime.keep_current_tenant_up")
def keep_current_tenant_up() -> None:
    """End the calls of which nothing is heard any more, and delete old telemetry."""
    begin_request()
    now = timezone.now()
    close_lost(now)
    remove_old(now)


@shared_task(name="realtime.keep_all_up")
def keep_all_up() -> None:
    """Queue the upkeep of every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            keep_current_tenant_up.delay()
