"""Telling what has happened. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.suggestions.webhooks.collecting import collect
from apps.suggestions.webhooks.models import WebhookEndpoint
from apps.suggestions.webhooks.sending import send_due
from apps.suggestions.webhooks.upkeep import remove_old
from apps.tenants.context import begin_request
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, enabled_schemas, is_module_on


@shared_task(name="suggestions.send_webhooks_of_current_tenant")
def send_webhooks_of_current_tenant() -> None:
    """Queue messages about what has happened, and send what is due; run twice at once, each goes out once."""
    begin_request()
    tenant = current_tenant()
    if is_module_on(tenant, Module.SUGGESTIONS):
        collect(timezone.now())
        send_due(tenant)


@shared_task(name="suggestions.send_all_webhooks")
def send_all_webhooks(*, expire_seconds: int) -> None:
    """Queue the sending of every enabled tenant that has an endpoint switched on, one task each."""
    begin_request()
    for schema in enabled_schemas():
        with schema_context(schema):
            if WebhookEndpoint.objects.listening().exists():
                send_webhooks_of_current_tenant.apply_async(expires=expire_seconds)


@shared_task(name="suggestions.remove_all_old_webhooks")
def remove_all_old_webhooks() -> None:
    """Remove old messages of every enabled tenant."""
    begin_request()
    for schema in enabled_schemas():
        with schema_context(schema):
            remove_old(timezone.now())
