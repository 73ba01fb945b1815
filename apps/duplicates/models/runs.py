"""What the matcher does and did, and how far it is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from apps.duplicates.enums import RunKind, Subject
from apps.duplicates.matching.keys import EDITION
from apps.duplicates.querysets import MatchCursorQuerySet
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.models import Work


class MatchRun(Work):
    """One look for duplicates: its status, its progress, what came of it."""

    kind = models.CharField(max_length=20, choices=RunKind.choices)
    subject = models.CharField(max_length=20, choices=Subject.choices)
    stage = models.CharField(max_length=60, blank=True, help_text="What it is doing now.")
    records_compared = models.PositiveIntegerField(default=0)
    pairs_found = models.PositiveIntegerField(default=0)
    pairs_gone = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WorkStatus.values), name="match_run_status_is_known"
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(status__in=WorkStatus.unfinished_values()),
                name="one_unfinished_match_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        """The run's page."""
        return reverse("duplicates:run_detail", args=[self.pk])


class MatchCursor(models.Model):
    """Up to which transaction the change log has been read for one subject."""

    subject = models.CharField(max_length=20, choices=Subject.choices, unique=True)
    transaction_id = models.BigIntegerField()
    keys_edition = models.PositiveSmallIntegerField(
        default=EDITION,
        db_default=1,
        help_text="With which edition of keys all records were looked at.",
    )

    objects = MatchCursorQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.subject} up to {self.transaction_id}"
