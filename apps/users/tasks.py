"""Upkeep of kept answers. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas
from apps.users.idempotency import remove_old_answers


@shared_task(name="users.remove_old_answers_of_current_tenant")
def remove_old_answers_of_current_tenant() -> None:
    """Delete what is kept no longer; a second delivery finds nothing to do."""
    begin_request()
    remove_old_answers(timezone.now())


@shared_task(name="users.remove_all_old_answers")
def remove_all_old_answers() -> None:
    """Queue the removal for every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            remove_old_answers_of_current_tenant.delay()
