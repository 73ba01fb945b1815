"""Who listens, what they are told and what became of it, and how far the audit log was read."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from apps.suggestions.webhooks.enums import TEST, DeliveryState, EventKind, OffBecause
from apps.suggestions.webhooks.querysets import WebhookDeliveryQuerySet, WebhookEndpointQuerySet

# The cursor's table has one row, or none before the first endpoint.
ONLY_ROW = 1
LONGEST_URL = 500


class WebhookEndpoint(models.Model):
    """An address of another system, and what it listens to.

    ``failing_since`` is the first failure after the last message that was taken. Entries of the log from
    before ``listens_since`` are not told.
    """

    name = models.CharField(max_length=100)
    url = models.CharField(max_length=LONGEST_URL, verbose_name="Address")
    events = ArrayField(models.CharField(max_length=40, choices=EventKind.choices))
    sealed_secret = models.TextField(editable=False)
    sealed_former_secret = models.TextField(blank=True, editable=False)
    former_secret_until = models.DateTimeField(null=True, editable=False)
    is_enabled = models.BooleanField(default=True, verbose_name="On")
    off_because = models.CharField(max_length=10, choices=OffBecause.choices, blank=True)
    off_at = models.DateTimeField(null=True)
    listens_since = models.DateTimeField()
    failing_since = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True, verbose_name="Last delivered")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    revision = models.PositiveIntegerField(default=0)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(
                condition=Q(is_enabled=True, off_because="", off_at=None)
                | (Q(is_enabled=False, off_at__isnull=False) & ~Q(off_because="")),
                name="webhook_is_on_or_says_why_not",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The endpoint's own page."""
        return reverse("webhooks:endpoint_detail", args=[self.pk])

    @property
    def event_labels(self) -> list[str]:
        """What it listens to, in words."""
        return [EventKind(event).label for event in self.events]


class WebhookDelivery(models.Model):
    """One message to one endpoint. What is not delivered has a next attempt, or is dead.

    ``next_attempt_at`` of a message that a worker is sending lies behind its deadline: if the worker dies,
    the message is due again then.
    """

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    entry_id = models.BigIntegerField(
        null=True, help_text="The entry of the audit log; none for a test."
    )
    kind = models.CharField(max_length=40, choices=[*EventKind.choices, (TEST, "Test")])
    suggestion_id = models.BigIntegerField(null=True)
    execution_id = models.BigIntegerField(null=True)
    record_kind = models.CharField(max_length=30, blank=True)
    record_id = models.BigIntegerField(null=True)
    tool = models.CharField(max_length=60, blank=True)
    occurred_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True, verbose_name="Last answer")
    error_code = models.CharField(max_length=40, blank=True)
    finished_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name_plural = "webhook deliveries"
        constraints = [
            # Each event once, however often the log is read.
            models.UniqueConstraint(
                fields=["endpoint", "entry_id", "kind"], name="one_delivery_per_endpoint_and_event"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="queued", next_attempt_at__isnull=False, finished_at=None)
                | (~Q(state="queued") & Q(next_attempt_at=None, finished_at__isnull=False)),
                name="delivery_is_queued_or_finished",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at", "id"],
                condition=Q(state="queued"),
                name="delivery_due",
            ),
            models.Index(
                fields=["endpoint", "-id"], condition=Q(state="dead"), name="delivery_dead"
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=False),
                name="delivery_finished",
            ),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def message_id(self) -> str:
        """What the receiver knows the message by; the same at every attempt."""
        if self.entry_id is None:
            return f"evt_test_{self.pk}"
        return f"evt_{self.entry_id}_{self.kind.replace('.', '_')}"


class WebhookCursor(models.Model):
    """How far the audit log was read: entries of this transaction and later ones may be news.

    Entries up to ``after_entry`` came with a restored database and are told to nobody.
    """

    transaction_id = models.BigIntegerField()
    after_entry = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(id=ONLY_ROW), name="one_webhook_cursor"),
        ]

    def __str__(self) -> str:
        return f"read up to transaction {self.transaction_id}"
