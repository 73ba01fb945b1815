"""Sending what is due. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.suggestions.digest.models import DigestSchedule
from apps.suggestions.digest.sending import give_up_lost, send_due
from apps.tenants.context import begin_request
from apps.tenants.services import current_tenant, enabled_schemas


@shared_task(name="suggestions.send_digests_of_current_tenant")
def send_digests_of_current_tenant() -> None:
    """Send the tenant's digests whose hour has come; run twice at once, each goes out once."""
    begin_request()
    send_due(current_tenant(), timezone.now())


@shared_task(name="suggestions.send_all_digests")
def send_all_digests(*, expire_seconds: int) -> None:
    """Queue the sending of every enabled tenant whose schedule is on, one task each."""
    begin_request()
    for schema in enabled_schemas():
        with schema_context(schema):
            # Those that people send by hand, too.
            give_up_lost(timezone.now())
            if DigestSchedule.current().is_on:
                send_digests_of_current_tenant.apply_async(expires=expire_seconds)
