"""The scores of records, with their history."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.querysets import ScoreQuerySet
from apps.tenants.transactions import CURRENT_TRANSACTION


class Score(models.Model):
    """One prediction for one record at one moment, 0 to 1; the latest of each is marked.

    ``withdrawn_at`` is when a latest score went without another in its place: nothing is known since.
    ``transaction_id`` orders rows by transaction, for readers that must not miss a slow one.
    """

    prediction = models.CharField(max_length=30, choices=Prediction.choices)
    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    record_id = models.BigIntegerField()
    score_0_1 = models.FloatField()
    model_version = models.CharField(max_length=60)
    scored_at = models.DateTimeField()
    is_latest = models.BooleanField(default=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    transaction_id = models.BigIntegerField(db_default=CURRENT_TRANSACTION, editable=False)

    objects = ScoreQuerySet.as_manager()

    class Meta:
        ordering = ["-scored_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["prediction", "record_id"],
                condition=Q(is_latest=True),
                name="one_latest_score_per_prediction_and_record",
            ),
            models.CheckConstraint(
                condition=Q(score_0_1__gte=0, score_0_1__lte=1), name="score_is_between_0_and_1"
            ),
            models.CheckConstraint(
                condition=Q(is_latest=False) | Q(withdrawn_at=None),
                name="withdrawn_score_is_not_the_latest",
            ),
            models.CheckConstraint(
                condition=Q(prediction__in=Prediction.values), name="score_prediction_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["prediction", "score_0_1"], condition=Q(is_latest=True), name="score_latest"
            ),
            models.Index(fields=["prediction", "record_id", "-scored_at"], name="score_by_record"),
            models.Index(fields=["prediction", "scored_at"], name="score_by_time"),
            models.Index(fields=["transaction_id"], name="score_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.prediction} of {self.record_kind} {self.record_id}: {self.score_0_1:.2f}"
