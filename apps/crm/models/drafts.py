"""E-mails that were written here and are sent by a person, from their own mail program."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from apps.crm.enums import DraftStatus, RecordKind
from apps.crm.models.companies import Account
from apps.crm.models.deals import Opportunity
from apps.crm.models.people import Contact, Lead
from apps.crm.models.records import Record
from apps.crm.querysets import DraftQuerySet


class Draft(Record):
    """An e-mail to one address; ``owner`` is the one who is to send it.

    Nothing here sends. ``sent_at`` is when the person said that they had.
    """

    kind = RecordKind.DRAFT
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "to_address", "subject", "body", "status", "sent_at", "lead_id", "contact_id",
        "account_id", "opportunity_id", "attributes",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("subject", "to_address")

    to_address = models.EmailField("to", max_length=254)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    status = models.CharField(max_length=20, choices=DraftStatus.choices, default=DraftStatus.DRAFT)
    sent_at = models.DateTimeField(null=True, blank=True)
    lead = models.ForeignKey(
        Lead, null=True, blank=True, on_delete=models.CASCADE, related_name="drafts"
    )
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.CASCADE, related_name="drafts"
    )
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="drafts"
    )
    opportunity = models.ForeignKey(
        Opportunity,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="drafts",
        verbose_name="deal",
    )

    objects = DraftQuerySet.as_manager()

    class Meta(Record.Meta):
        ordering = ["-created_at", "-id"]
        verbose_name = "e-mail draft"
        constraints = [
            *Record.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status__in=DraftStatus.values), name="draft_status_is_known"
            ),
            # Never empty: an e-mail that says nothing is a fault of whoever wrote it.
            models.CheckConstraint(
                condition=Q(to_address__regex=r"\S", subject__regex=r"\S", body__regex=r"\S"),
                name="draft_says_something",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="draft_by_owner"),
            models.Index(fields=["-created_at", "-id"], name="draft_by_creation"),
            GinIndex(
                fields=["subject", "to_address"],
                opclasses=["gin_trgm_ops"] * 2,
                name="draft_search",
            ),
        ]

    def __str__(self) -> str:
        return self.subject
