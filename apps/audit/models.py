"""The append-only log of decisions: who, what, when, why, ids; never values, secrets or prompt text."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models.functions import Now

from apps.audit.enums import Event, Origin
from apps.audit.exceptions import AppendOnlyError
from apps.audit.querysets import AuditEntryQuerySet


class AuditEntry(models.Model):
    """One thing that happened. The database refuses UPDATE, DELETE and TRUNCATE (migration 0002)."""

    occurred_at = models.DateTimeField(db_default=Now())
    event = models.CharField(max_length=40, choices=Event.choices)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=200)
    origin = models.CharField(max_length=20, choices=Origin.choices)
    request_id = models.CharField(max_length=64, blank=True)
    record_kind = models.CharField(max_length=30, blank=True)
    record_id = models.BigIntegerField(null=True)
    suggestion_id = models.BigIntegerField(null=True)
    execution_id = models.BigIntegerField(null=True)
    details = models.JSONField(default=dict)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["suggestion_id"], name="audit_by_suggestion"),
            models.Index(fields=["record_kind", "record_id"], name="audit_by_record"),
            models.Index(fields=["event", "-id"], name="audit_by_event"),
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M:%S} {self.event}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: ``services.record`` is the only way in, so that every entry has its actor."""
        raise AppendOnlyError()

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: nothing leaves the log."""
        raise AppendOnlyError()
