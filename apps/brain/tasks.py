"""Upkeep of the Brain's rows. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.brain.upkeep import keep_up
from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas


@shared_task(name="brain.keep_current_tenant_up")
def keep_current_tenant_up() -> None:
    """Delete old texts and close lost reservations; a second delivery finds nothing to do."""
    begin_request()
    keep_up(timezone.now())


@shared_task(name="brain.keep_all_up")
def keep_all_up() -> None:
    """Queue the upkeep of every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            keep_current_tenant_up.delay()
