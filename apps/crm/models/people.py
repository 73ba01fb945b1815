"""Leads and contacts."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.crm.enums import EmailStatus, LeadStatus, RecordKind
from apps.crm.models.companies import Account
from apps.crm.models.records import MergeableRecord, Record, is_merged_into_one
from apps.crm.querysets import ContactQuerySet, LeadQuerySet, SurvivingManager


class Lead(MergeableRecord):
    """A person who might become a customer, before there is a deal."""

    kind = RecordKind.LEAD
    # One of these is filled: what nobody can call by anything, nobody finds again.
    called_by = ("first_name", "last_name", "company", "email")
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "first_name", "last_name", "company", "title", "email", "phone", "status",
        "lead_source", "estimated_value", "currency", "do_not_contact", "notes", "attributes",
        "converted_contact_id", "converted_opportunity_id", "merged_into_id",
        "merged_into_contact_id", "merged_at",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("first_name", "last_name", "company", "email")

    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    company = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=150, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    status = models.CharField(max_length=20, choices=LeadStatus.choices, default=LeadStatus.NEW)
    lead_source = models.CharField(
        max_length=60, blank=True, help_text="Web form, referral, event, …"
    )
    estimated_value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    do_not_contact = models.BooleanField(default=False)
    notes = models.TextField(blank=True)
    converted_contact = models.ForeignKey(
        "crm.Contact",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="converted_from",
    )
    converted_opportunity = models.ForeignKey(
        "crm.Opportunity",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="converted_from",
        verbose_name="converted deal",
    )
    merged_into_contact = models.ForeignKey(
        "crm.Contact",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.CASCADE,
        related_name="merged_leads",
        help_text="Instead of merged_into, for a lead who turned out to be a contact already.",
    )
    last_activity_at = models.DateTimeField(null=True, editable=False)

    objects = SurvivingManager.from_queryset(LeadQuerySet)()
    everything = LeadQuerySet.as_manager()

    class Meta(MergeableRecord.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [
            *Record.Meta.constraints,
            is_merged_into_one("merged_into", "merged_into_contact"),
        ]
        indexes = [
            # lead_inactive: open leads by the moment they fell silent.
            models.Index(
                fields=["last_activity_at"],
                condition=Q(status__in=LeadStatus.open_values(), do_not_contact=False),
                name="lead_open_by_activity",
            ),
            # lead_new: leads that nobody has taken up, by creation.
            models.Index(
                fields=["created_at"],
                condition=Q(status="new", do_not_contact=False),
                name="lead_new_by_creation",
            ),
            models.Index(fields=["owner", "-created_at"], name="lead_by_owner"),
            models.Index(fields=["-created_at", "-id"], name="lead_by_creation"),
            models.Index(Lower("email"), name="lead_by_email"),
            GinIndex(
                fields=["first_name", "last_name", "company", "email"],
                opclasses=["gin_trgm_ops"] * 4,
                name="lead_search",
            ),
        ]

    def __str__(self) -> str:
        name = f"{self.first_name} {self.last_name}".strip()
        return name or self.company or self.email or f"Lead {self.pk}"

    @property
    def merge_target(self) -> MergeableRecord | None:
        """A lead, or the contact who they turned out to be."""
        return self.merged_into or self.merged_into_contact


class Contact(MergeableRecord):
    """A person at an account."""

    kind = RecordKind.CONTACT
    # One of these is filled: what nobody can call by anything, nobody finds again.
    called_by = ("first_name", "last_name", "email")
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "account_id", "first_name", "last_name", "title", "email", "email_status", "phone",
        "do_not_contact", "notes", "attributes", "merged_into_id", "merged_at",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("first_name", "last_name", "email")

    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="contacts"
    )
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    title = models.CharField(max_length=150, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    email_status = models.CharField(
        max_length=20, choices=EmailStatus.choices, default=EmailStatus.UNKNOWN
    )
    phone = models.CharField(max_length=50, blank=True)
    do_not_contact = models.BooleanField(default=False)
    notes = models.TextField(blank=True)
    last_activity_at = models.DateTimeField(null=True, editable=False)

    objects = SurvivingManager.from_queryset(ContactQuerySet)()
    everything = ContactQuerySet.as_manager()

    class Meta(MergeableRecord.Meta):
        ordering = ["last_name", "first_name", "id"]
        indexes = [
            models.Index(fields=["last_name", "first_name", "id"], name="contact_by_name"),
            models.Index(fields=["owner"], name="contact_by_owner"),
            # contact_unresponsive and engagement_shift: who was in touch lately.
            models.Index(
                fields=["last_activity_at"],
                condition=Q(do_not_contact=False),
                name="contact_by_activity",
            ),
            models.Index(Lower("email"), name="contact_by_email"),
            GinIndex(
                fields=["first_name", "last_name", "email"],
                opclasses=["gin_trgm_ops"] * 3,
                name="contact_search",
            ),
        ]

    def __str__(self) -> str:
        name = f"{self.first_name} {self.last_name}".strip()
        return name or self.email or f"Contact {self.pk}"
