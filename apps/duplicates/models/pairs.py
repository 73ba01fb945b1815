"""Two records that may be the same."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from apps.crm.enums import RecordKind
from apps.duplicates.enums import FoundBy, PairState, Subject
from apps.duplicates.querysets import PairQuerySet
from apps.execution.schemas import RecordRef
from apps.tenants.transactions import CURRENT_TRANSACTION


def key_of(one: RecordRef, other: RecordRef) -> str:
    """What two records are stored under, in whichever order they are named: "contact:12|lead:7"."""
    first, second = sorted((one, other), key=lambda ref: (ref.kind.value, ref.id))
    return f"{first}|{second}"


class Pair(models.Model):
    """Two records that may be the same person or company; the survivor is the one to keep.

    ``probability`` is 0 to 1. ``weights`` are what each field says for (positive) and against, in bits, by
    the name of the field, without any value of the records. ``cluster`` is the smallest id among the pairs of
    one cluster. ``follows`` is the pair whose “not a duplicate” was carried over, because one of its records
    lives on in one of these; the pair itself once a person has taken such a word back. ``transaction_id``
    orders rows by transaction, for readers that must not miss a slow one.
    """

    subject = models.CharField(max_length=20, choices=Subject.choices)
    survivor_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    survivor_id = models.BigIntegerField()
    duplicate_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    duplicate_id = models.BigIntegerField()
    # The same two, in an order that does not depend on who survives: "contact:12|lead:7".
    key = models.CharField(max_length=80, unique=True)
    probability = models.FloatField()
    is_likely = models.BooleanField(
        default=False,
        help_text="At or above the matcher's threshold, and nothing stands against it.",
    )
    has_conflict = models.BooleanField(
        default=False,
        help_text="Both were answered from addresses of their own within the last year.",
    )
    weights = models.JSONField(default=dict)
    matcher = models.ForeignKey(
        "duplicates.Matcher", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    cluster = models.BigIntegerField(null=True)
    state = models.CharField(max_length=20, choices=PairState.choices, default=PairState.OPEN.value)
    found_by = models.CharField(max_length=20, choices=FoundBy.choices)
    found_at = models.DateTimeField()
    compared_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    follows = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    transaction_id = models.BigIntegerField(db_default=CURRENT_TRANSACTION, editable=False)

    objects = PairQuerySet.as_manager()

    class Meta:
        ordering = ["-probability", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(probability__gte=0, probability__lte=1),
                name="pair_probability_is_between_0_and_1",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PairState.values), name="pair_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(survivor_kind=F("duplicate_kind"), survivor_id=F("duplicate_id")),
                name="pair_is_of_two_records",
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject", "-probability", "id"],
                condition=Q(state="open"),
                name="pair_open_by_probability",
            ),
            # As the page lists them, people and companies together.
            models.Index(
                fields=["-is_likely", "-probability", "id"],
                condition=Q(state="open"),
                name="pair_open_by_sureness",
            ),
            models.Index(fields=["survivor_kind", "survivor_id"], name="pair_by_survivor"),
            models.Index(fields=["duplicate_kind", "duplicate_id"], name="pair_by_duplicate"),
            models.Index(
                fields=["subject"],
                condition=Q(state="not_duplicate"),
                name="pair_not_duplicate",
            ),
            models.Index(fields=["cluster"], name="pair_by_cluster"),
            models.Index(fields=["transaction_id"], name="pair_by_transaction"),
        ]

    def __str__(self) -> str:
        return self.key

    def get_absolute_url(self) -> str:
        """The pair's page."""
        return reverse("duplicates:pair_detail", args=[self.pk])

    @property
    def survivor(self) -> RecordRef:
        """The record to keep."""
        return RecordRef(RecordKind(self.survivor_kind), self.survivor_id)

    @property
    def duplicate(self) -> RecordRef:
        """The record that would be merged into it."""
        return RecordRef(RecordKind(self.duplicate_kind), self.duplicate_id)
