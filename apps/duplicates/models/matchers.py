"""What a tenant's own data taught about telling duplicates."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.duplicates.enums import Subject
from apps.duplicates.querysets import MatcherQuerySet


class Matcher(models.Model):
    """The weights and the threshold of one subject, estimated on the tenant's own records.

    ``document`` is a ``matching.documents.MatcherDocument``, with the threshold that decisions led to. A key
    that more than ``most_per_key`` records have is not looked under. The one in force is marked.
    """

    subject = models.CharField(max_length=20, choices=Subject.choices)
    number = models.PositiveIntegerField()
    document = models.JSONField()
    record_count = models.PositiveIntegerField(default=0)
    most_per_key = models.PositiveIntegerField()
    is_current = models.BooleanField(default=True)
    estimated_at = models.DateTimeField(db_default=Now())

    objects = MatcherQuerySet.as_manager()

    class Meta:
        ordering = ["subject", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "number"], name="one_matcher_per_subject_and_number"
            ),
            models.UniqueConstraint(
                fields=["subject"], condition=Q(is_current=True), name="one_current_matcher"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_subject_display()} {self.number}"
