"""The change log: what changed, when and by whom. Database triggers write it; nobody else can."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.crm.enums import Operation, RecordKind
from apps.crm.querysets import ChangeLogQuerySet


def _is_change_of_deal(column: str) -> Q:
    return Q(record_kind="opportunity", operation="changed", changes__has_key=column)


class ChangeLog(models.Model):
    """One change of one record.

    ``changes`` is ``{field: [before, after]}`` and holds changed fields only; the row of a new record
    holds none. ``transaction_id`` orders rows by transaction, for readers that must not miss a slow one.
    """

    transaction_id = models.BigIntegerField()
    changed_at = models.DateTimeField(db_default=Now())
    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    record_id = models.BigIntegerField()
    operation = models.CharField(max_length=10, choices=Operation.choices)
    changes = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=200, blank=True)
    origin = models.CharField(max_length=20, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    backfilled = models.BooleanField(default=False)

    objects = ChangeLogQuerySet.as_manager()

    class Meta:
        ordering = ["-changed_at", "-id"]
        indexes = [
            models.Index(
                fields=["record_kind", "record_id", "-changed_at"], name="change_by_record"
            ),
            models.Index(fields=["transaction_id", "id"], name="change_by_transaction"),
            # deal_regressed: the latest change of a deal's stage, and those that grow old.
            models.Index(
                fields=["record_id", "changed_at"],
                condition=_is_change_of_deal("stage_id"),
                name="change_of_stage",
            ),
            models.Index(
                fields=["changed_at"],
                include=["record_id"],
                condition=_is_change_of_deal("stage_id"),
                name="change_of_stage_by_time",
            ),
            # deal_close_date_pushed: the same for the day on which a deal should close.
            models.Index(
                fields=["record_id", "changed_at"],
                condition=_is_change_of_deal("expected_close_on"),
                name="change_of_close_date",
            ),
            models.Index(
                fields=["changed_at"],
                include=["record_id"],
                condition=_is_change_of_deal("expected_close_on"),
                name="change_of_close_date_by_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.record_kind} {self.record_id} {self.operation}"
