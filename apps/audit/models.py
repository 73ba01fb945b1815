"""The append-only log of decisions: who, what, when, why, ids; never values, secrets or prompt text."""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.exceptions import AppendOnlyError
from apps.audit.querysets import AuditEntryQuerySet, AuditSealQuerySet
from apps.tenants.transactions import CURRENT_TRANSACTION


class AuditEntry(models.Model):
    """One thing that happened. The database refuses UPDATE, DELETE and TRUNCATE (migration 0002).

    ``transaction_id`` is the transaction that wrote it, 0 for entries older than the chain: seals follow
    transactions, so that a slow one is sealed late and never missed.
    """

    occurred_at = models.DateTimeField(db_default=Now())
    event = models.CharField(max_length=40, choices=Event.choices)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=200)
    origin = models.CharField(max_length=20, choices=Origin.choices)
    request_id = models.CharField(max_length=64, blank=True)
    record_kind = models.CharField(max_length=30, blank=True)
    record_id = models.BigIntegerField(null=True)
    suggestion_id = models.BigIntegerField(null=True)
    execution_id = models.BigIntegerField(null=True)
    details = models.JSONField(default=dict)
    transaction_id = models.BigIntegerField(db_default=CURRENT_TRANSACTION, editable=False)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["suggestion_id"], name="audit_by_suggestion"),
            models.Index(fields=["record_kind", "record_id"], name="audit_by_record"),
            models.Index(fields=["event", "-id"], name="audit_by_event"),
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
            # In which the log is sealed, and the feed of suggestions read.
            models.Index(fields=["transaction_id", "id"], name="audit_in_order"),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.occurred_at):%Y-%m-%d %H:%M:%S} {self.event}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: ``services.record`` is the only way in, so that every entry has its actor."""
        raise AppendOnlyError()

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: nothing leaves the log."""
        raise AppendOnlyError()


class AuditSeal(models.Model):
    """One link of the chain: the hash of some entries, of where they begin and end, and of the seal before.

    It covers the entries above ``after_entry`` whose (transaction, id) lies from ``from_…`` on and below
    ``to_…``. ``after_entry`` rises when the log goes on in another database cluster, where transactions are
    counted anew (``apps.audit.sealing``). ``entry_digests`` are 32 bytes for each of ``entry_ids``.
    The database refuses UPDATE, DELETE and TRUNCATE.
    """

    number = models.BigIntegerField(primary_key=True)
    format = models.PositiveSmallIntegerField()
    cluster = models.BigIntegerField(help_text="PostgreSQL's system identifier.")
    after_entry = models.BigIntegerField()
    from_transaction = models.BigIntegerField()
    from_entry = models.BigIntegerField()
    to_transaction = models.BigIntegerField()
    to_entry = models.BigIntegerField()
    highest_entry = models.BigIntegerField(help_text="The highest id in this seal or one before.")
    entry_ids = ArrayField(models.BigIntegerField())
    entry_digests = models.BinaryField()
    sealed_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = AuditSealQuerySet.as_manager()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: nothing leaves the chain."""
        raise AppendOnlyError()
