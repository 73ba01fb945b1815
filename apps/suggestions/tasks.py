"""Upkeep between scans. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.suggestions.pipeline.run import keep_true
from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas


@shared_task(name="suggestions.keep_current_tenant_true")
def keep_current_tenant_true() -> None:
    """Wake what was snoozed, expire what is old, and fill the queues of one tenant."""
    begin_request()
    keep_true(timezone.now())


@shared_task(name="suggestions.keep_all_true")
def keep_all_true() -> None:
    """Queue the upkeep of every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            keep_current_tenant_true.delay()
