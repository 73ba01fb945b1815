"""Upkeep of realtime voice. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.realtime.bridge import forget_answers
from apps.realtime.ending import end_what_is_over, hang_up_what_has_ended, is_anything_to_watch
from apps.realtime.sessions import close_lost
from apps.realtime.telemetry import remove_old
from apps.realtime.upkeep import remove_old_calls
from apps.tenants.context import begin_request
from apps.tenants.services import enabled_schemas


@shared_task(name="realtime.keep_current_tenant_up")
def keep_current_tenant_up() -> None:
    """Delete old telemetry and old calls, and forget what tools have answered."""
    begin_request()
    now = timezone.now()
    remove_old(now)
    forget_answers(now)
    remove_old_calls(now)


@shared_task(name="realtime.watch_current_tenant")
def watch_current_tenant() -> None:
    """End the calls that are over a limit or no longer allowed, and hang up what has ended."""
    begin_request()
    now = timezone.now()
    close_lost(now)
    end_what_is_over(now)
    hang_up_what_has_ended(now)


@shared_task(name="realtime.watch_all")
def watch_all(*, expire_seconds: float) -> None:
    """Queue a look at the calls of every enabled tenant in which there are any, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            if is_anything_to_watch():
                watch_current_tenant.apply_async(expires=expire_seconds)


@shared_task(name="realtime.keep_all_up")
def keep_all_up() -> None:
    """Queue the upkeep of every enabled tenant, one task each."""
    for schema in enabled_schemas():
        with schema_context(schema):
            keep_current_tenant_up.delay()
