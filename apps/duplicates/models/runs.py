"""What the matcher does and did, and how far it is."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.duplicates.enums import RunKind, RunStatus, Subject


class MatchRun(models.Model):
    """One look for duplicates: its status, its progress, what came of it."""

    kind = models.CharField(max_length=20, choices=RunKind.choices)
    subject = models.CharField(max_length=20, choices=Subject.choices)
    status = models.CharField(max_length=20, choices=RunStatus.choices, default=RunStatus.QUEUED)
    is_cancel_requested = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    stage = models.CharField(max_length=60, blank=True, help_text="What it is doing now.")
    steps_done = models.PositiveIntegerField(default=0)
    steps_total = models.PositiveIntegerField(default=0)
    queued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    records_compared = models.PositiveIntegerField(default=0)
    pairs_found = models.PositiveIntegerField(default=0)
    pairs_gone = models.PositiveIntegerField(default=0)
    message = models.TextField(blank=True, help_text="What came of it, or why nothing did.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=RunStatus.values), name="match_run_status_is_known"
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(status__in=RunStatus.unfinished_values()),
                name="one_unfinished_match_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_unfinished(self) -> bool:
        """Whether it still waits or runs."""
        return self.status in RunStatus.unfinished_values()


class MatchCursor(models.Model):
    """Up to which transaction the change log has been read for one subject."""

    subject = models.CharField(max_length=20, choices=Subject.choices, unique=True)
    transaction_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.subject} up to {self.transaction_id}"
