"""Signals as the triggers would have fired them."""

from __future__ import annotations

from datetime import datetime

from apps.crm.models import Record
from apps.triggers.models import Signal
from apps.triggers.rules import registry


def fire(key: str, record: Record, at: datetime, **facts: object) -> Signal:
    """Let a trigger's signal fire for a record."""
    trigger = registry.get(key)
    return Signal.objects.create(
        trigger=key,
        goal=trigger.goal,
        record_kind=record.kind,
        record_id=record.pk,
        severity=trigger.severity,
        facts=facts,
        fired_at=at,
        refreshed_at=at,
    )
