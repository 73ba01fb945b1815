"""What happened with the other side, and what is to be done."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.crm.enums import (
    ActivityKind,
    Delivery,
    Direction,
    RecordKind,
    TaskPriority,
    TaskStatus,
)
from apps.crm.models.companies import Account
from apps.crm.models.deals import Opportunity
from apps.crm.models.people import Contact, Lead
from apps.crm.models.records import Record
from apps.crm.querysets import ActivityQuerySet, TaskQuerySet


class Activity(Record):
    """A call, e-mail, meeting or note.

    It may hang on several records at once, or on none yet: mail from an unknown sender has only its
    ``counterpart_address``. ``stated_details`` holds contact fields that the mail itself states (its
    signature), as ``{"phone": …, "title": …, "email": …}``.
    """

    kind = RecordKind.ACTIVITY
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "activity_kind", "direction", "occurred_at", "subject", "body", "lead_id",
        "contact_id", "account_id", "opportunity_id", "counterpart_address", "counterpart_name",
        "delivery", "stated_details", "attributes",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("subject", "counterpart_address")

    activity_kind = models.CharField(max_length=20, choices=ActivityKind.choices)
    direction = models.CharField(max_length=10, choices=Direction.choices, default=Direction.NONE)
    occurred_at = models.DateTimeField()
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    lead = models.ForeignKey(
        Lead, null=True, blank=True, on_delete=models.CASCADE, related_name="activities"
    )
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.CASCADE, related_name="activities"
    )
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="activities"
    )
    opportunity = models.ForeignKey(
        Opportunity,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="activities",
        verbose_name="deal",
    )
    counterpart_address = models.CharField(max_length=254, blank=True)
    counterpart_name = models.CharField(max_length=200, blank=True)
    delivery = models.CharField(max_length=20, choices=Delivery.choices, default=Delivery.UNKNOWN)
    stated_details = models.JSONField(default=dict, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta(Record.Meta):
        ordering = ["-occurred_at", "-id"]
        verbose_name_plural = "activities"
        indexes = [
            # With all that triggers ask of what happened with a record: they read these alone.
            models.Index(
                fields=["lead", "-occurred_at"],
                include=["id", "activity_kind", "direction"],
                condition=Q(lead__isnull=False),
                name="activity_by_lead",
            ),
            models.Index(
                fields=["contact", "-occurred_at"],
                include=["id", "activity_kind", "direction", "opportunity", "created_at"],
                condition=Q(contact__isnull=False),
                name="activity_by_contact",
            ),
            models.Index(fields=["account", "-occurred_at"], name="activity_by_account"),
            models.Index(
                fields=["opportunity", "-occurred_at"],
                include=["id", "activity_kind", "direction", "contact", "created_at"],
                condition=Q(opportunity__isnull=False),
                name="activity_by_deal",
            ),
            models.Index(fields=["-occurred_at", "-id"], name="activity_by_time"),
            models.Index(fields=["owner", "-occurred_at"], name="activity_by_owner"),
            # followup_missing: recent meetings and calls.
            models.Index(
                fields=["occurred_at"],
                condition=Q(activity_kind__in=["meeting", "call"]),
                name="activity_talks",
            ),
            # lead_hot, deal_hot, email_unanswered and new_activity: what came in lately, and about what.
            models.Index(
                fields=["occurred_at"],
                include=["lead", "opportunity"],
                condition=Q(direction="inbound"),
                name="activity_inbound",
            ),
            # inbound_from_unknown_sender: inbound mail that hangs on no record yet.
            models.Index(
                fields=["occurred_at"],
                condition=Q(
                    direction="inbound",
                    lead__isnull=True,
                    contact__isnull=True,
                    account__isnull=True,
                    opportunity__isnull=True,
                ),
                name="activity_unmatched",
            ),
            # And the first such message of each address.
            models.Index(
                Lower("counterpart_address"),
                "occurred_at",
                "id",
                condition=Q(
                    direction="inbound",
                    lead__isnull=True,
                    contact__isnull=True,
                    account__isnull=True,
                    opportunity__isnull=True,
                ),
                name="activity_unmatched_sender",
            ),
            # contact_detail_conflict: mails that state details, and bounces.
            models.Index(
                fields=["contact", "-occurred_at"],
                condition=~Q(stated_details={}) | Q(delivery="bounced"),
                name="activity_states_details",
            ),
            GinIndex(
                fields=["subject", "counterpart_address"],
                opclasses=["gin_trgm_ops"] * 2,
                name="activity_search",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.get_activity_kind_display()


class Task(Record):
    """Something that a person means to do; ``owner`` is the one who does it."""

    kind = RecordKind.TASK
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "title", "description", "due_on", "status", "priority", "lead_id", "contact_id",
        "account_id", "opportunity_id", "completed_at", "attributes",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("title",)

    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    due_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=20, choices=TaskStatus.choices, default=TaskStatus.OPEN)
    priority = models.PositiveSmallIntegerField(
        choices=TaskPriority.choices, default=TaskPriority.NORMAL
    )
    lead = models.ForeignKey(
        Lead, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    opportunity = models.ForeignKey(
        Opportunity,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="tasks",
        verbose_name="deal",
    )
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta(Record.Meta):
        ordering = ["due_on", "-priority", "id"]
        indexes = [
            # task_overdue: open tasks by due day.
            models.Index(fields=["due_on"], condition=Q(status="open"), name="task_open_by_due"),
            models.Index(fields=["owner", "due_on"], name="task_by_owner"),
            # tasks_piling_up: each person's open tasks, the oldest first.
            models.Index(
                fields=["owner", "due_on", "id"],
                condition=Q(status="open"),
                name="task_open_by_owner",
            ),
            # Whether something is planned with a lead or a deal.
            models.Index(
                fields=["lead"],
                condition=Q(status="open", lead__isnull=False),
                name="task_open_by_lead",
            ),
            models.Index(
                fields=["opportunity"],
                condition=Q(status="open", opportunity__isnull=False),
                name="task_open_by_deal",
            ),
            GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="task_search"),
        ]

    def __str__(self) -> str:
        return self.title
