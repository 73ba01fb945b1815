"""Opportunities and the stages they pass through."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.crm.enums import DealOutcome, RecordKind
from apps.crm.models.companies import Account, Product
from apps.crm.models.people import Contact
from apps.crm.models.records import Record
from apps.crm.querysets import OpportunityQuerySet, StageQuerySet


class Stage(models.Model):
    """A step of the tenant's pipeline, in order; its outcome says whether the deal is over."""

    key = models.SlugField(max_length=60, unique=True)
    label = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=10, choices=DealOutcome.choices, default=DealOutcome.OPEN)

    objects = StageQuerySet.as_manager()

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.label


class Opportunity(Record):
    """A deal. ``outcome`` follows the stage and ``stage_entered_at`` its changes, in the database."""

    kind = RecordKind.OPPORTUNITY
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "name", "account_id", "contact_id", "product_id", "stage_id", "amount", "currency",
        "opened_on", "expected_close_on", "closed_on", "next_step", "lost_reason", "notes", "attributes",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("name", "account__name")

    name = models.CharField(max_length=200)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="opportunities"
    )
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="opportunities"
    )
    product = models.ForeignKey(
        Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="opportunities"
    )
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="opportunities")
    outcome = models.CharField(
        max_length=10,
        choices=DealOutcome.choices,
        default=DealOutcome.OPEN,
        db_default=DealOutcome.OPEN.value,
        editable=False,
    )
    stage_entered_at = models.DateTimeField(db_default=Now(), editable=False)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    opened_on = models.DateField(null=True, blank=True)
    expected_close_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    next_step = models.CharField(max_length=300, blank=True)
    lost_reason = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)
    last_activity_at = models.DateTimeField(null=True, editable=False)

    objects = OpportunityQuerySet.as_manager()

    class Meta(Record.Meta):
        ordering = ["-created_at", "-id"]
        verbose_name = "deal"
        indexes = [
            # deal_stalled: open deals by the moment they entered their stage.
            models.Index(
                fields=["stage", "stage_entered_at"],
                condition=Q(outcome="open"),
                name="deal_open_by_stage",
            ),
            models.Index(
                fields=["last_activity_at"],
                condition=Q(outcome="open"),
                name="deal_open_by_activity",
            ),
            # account_silent: won deals by the moment they were won.
            models.Index(fields=["stage_entered_at"], condition=Q(outcome="won"), name="deal_won"),
            # deal_close_date_past: open deals by the day on which they should close.
            models.Index(
                fields=["expected_close_on"],
                condition=Q(outcome="open"),
                name="deal_open_by_close_date",
            ),
            # The first page: what was won and lost in a period.
            models.Index(
                fields=["closed_on"], condition=~Q(outcome="open"), name="deal_closed_by_day"
            ),
            models.Index(fields=["owner", "-created_at"], name="deal_by_owner"),
            models.Index(fields=["-created_at", "-id"], name="deal_by_creation"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="deal_search"),
        ]

    def __str__(self) -> str:
        return self.name
