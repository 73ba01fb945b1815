"""From when on decisions count, and what came of them afterwards."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.suggestions.learning.enums import FollowedDays, ResetScope


class LearningReset(models.Model):
    """From this moment on it is learned anew what a scope has taught; decisions before it stay on record.

    ``key`` is the trigger or the tool of such a scope, ``person`` the person of theirs.
    """

    scope = models.CharField(max_length=10, choices=ResetScope.choices)
    key = models.CharField(max_length=60, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reset_at = models.DateTimeField()
    reset_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(scope="tenant", key="", person=None)
                | (Q(scope__in=["trigger", "tool"], person=None) & ~Q(key=""))
                | Q(scope="person", key="", person__isnull=False),
                name="learning_reset_names_its_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.key or self.person_id or ''}".rstrip()


class FollowedOutcome(models.Model):
    """What was to be seen so many days after a suggestion was applied or rejected; never changed.

    ``answered``: the record's customer was in touch; ``moved``: the deal went forward or was won, the lead
    towards a deal; ``done``: the task that it is about, or that was made, was done. None where the record has
    no such thing.
    """

    suggestion = models.ForeignKey(
        "suggestions.Suggestion", on_delete=models.CASCADE, related_name="outcomes"
    )
    days = models.PositiveSmallIntegerField(choices=FollowedDays.choices)
    decided_at = models.DateTimeField(help_text="When the decision was made that is followed.")
    is_applied = models.BooleanField(help_text="Applied; otherwise rejected, for comparison.")
    answered = models.BooleanField(null=True)
    moved = models.BooleanField(null=True)
    done = models.BooleanField(null=True)
    looked_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["suggestion", "days", "decided_at"],
                name="one_outcome_per_decision_and_days",
            ),
        ]

    def __str__(self) -> str:
        return f"suggestion {self.suggestion_id} after {self.days} days"
