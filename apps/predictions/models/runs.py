"""What the engine does and did, and how far it is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from apps.predictions.enums import Prediction, RunKind
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.models import Work


class PredictionRun(Work):
    """One training, scoring or forecast of a tenant. ``prediction`` is empty for a forecast."""

    kind = models.CharField(max_length=20, choices=RunKind.choices)
    prediction = models.CharField(max_length=30, choices=Prediction.choices, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WorkStatus.values), name="prediction_run_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=RunKind.values), name="prediction_run_kind_is_known"
            ),
            models.UniqueConstraint(
                fields=["kind", "prediction"],
                condition=Q(status__in=WorkStatus.unfinished_values()),
                name="one_unfinished_run_per_prediction",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "prediction", "-id"], name="prediction_run_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        """The run's page."""
        return reverse("predictions:run_detail", args=[self.pk])


class Trial(Work):
    """A table of somebody's own on which the estimators were tried.

    ``question`` is an ``estimation.questions.Question``; ``result`` what ``evaluate_model --json`` prints.
    ``stored_path`` names the upload until it is removed.
    """

    file_name = models.CharField(max_length=200)
    stored_path = models.CharField(max_length=300, blank=True)
    question = models.JSONField(default=dict)
    result = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WorkStatus.values), name="trial_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        """The trial's page."""
        return reverse("predictions:trial_detail", args=[self.pk])


class ScoringCursor(models.Model):
    """Up to where the change log has been read for scoring: one row a tenant.

    What transactions before ``transaction_id`` wrote has been looked at.
    """

    transaction_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"before transaction {self.transaction_id}"
