"""Removing messages that nobody asks for any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from apps.suggestions.webhooks.enums import DeliveryState
from apps.suggestions.webhooks.models import WebhookDelivery

# What was given up waits so long for somebody to send it again.
_DEAD_KEPT_FOR = timedelta(days=90)


def remove_old(now: datetime) -> int:
    """Remove what was delivered, or given up, long ago; return how many messages."""
    removed = 0
    for state, kept_for in (
        (DeliveryState.DELIVERED, timedelta(days=settings.WEBHOOK_KEEP_DAYS)),
        (DeliveryState.DEAD, _DEAD_KEPT_FOR),
    ):
        count, _ = WebhookDelivery.objects.finished_before(state, now - kept_for).delete()
        removed += count
    return removed
