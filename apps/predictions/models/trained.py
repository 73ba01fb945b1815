"""Models that were learned from a tenant's own outcomes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from apps.predictions.documents import ModelDocument
from apps.predictions.enums import ModelState, Prediction, Rung
from apps.predictions.querysets import TrainedModelQuerySet


class TrainedModel(models.Model):
    """One model: the document that scores, its card, and whether it is in service.

    ``document`` is a compressed ``documents.ModelDocument``, held against ``digest`` (SHA-256) before it is
    read. ``card`` is a ``schemas.ModelCard``, ``drift`` a ``schemas.Drift``. ``is_pinned``: a manager put it
    into service, and it stays there until they let go of it. ``outcomes`` counts records whose outcome was
    known.
    """

    prediction = models.CharField(max_length=30, choices=Prediction.choices)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=20, choices=ModelState.choices)
    state_reason = models.TextField(blank=True)
    is_pinned = models.BooleanField(default=False)
    pinned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    rung = models.CharField(max_length=20, choices=Rung.choices)
    outcomes = models.PositiveIntegerField()
    base_rate_0_1 = models.FloatField()
    trained_at = models.DateTimeField(db_default=Now())
    served_from = models.DateTimeField(null=True)
    served_until = models.DateTimeField(null=True)
    card = models.JSONField()
    drift = models.JSONField(null=True)
    document = models.BinaryField()
    digest = models.CharField(max_length=64)

    objects = TrainedModelQuerySet.as_manager()

    class Meta:
        ordering = ["prediction", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["prediction", "number"], name="one_model_per_number"),
            models.UniqueConstraint(
                fields=["prediction"],
                condition=Q(state=ModelState.SERVING),
                name="one_model_serves_each_prediction",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ModelState.values), name="model_state_is_known"
            ),
            models.CheckConstraint(condition=Q(rung__in=Rung.values), name="model_rung_is_known"),
            models.CheckConstraint(
                condition=Q(is_pinned=False) | Q(state=ModelState.SERVING),
                name="a_pinned_model_serves",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_prediction_display()} {self.number}"

    def get_absolute_url(self) -> str:
        """The page of the prediction's models."""
        return reverse("predictions:model_detail", args=[self.prediction, self.number])

    def read_document(self) -> ModelDocument:
        """What scores.

        Raises:
            DocumentRefusedError: it is not what was stored, or not what this version reads.
        """
        return ModelDocument.from_bytes(bytes(self.document), self.digest)

    @property
    def version(self) -> str:
        """The name that its scores carry."""
        return f"{self.prediction}-{self.number}"
