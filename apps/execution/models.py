"""Attempts to apply approved changes, and the policy decisions that they need."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.crm.enums import RecordKind
from apps.execution.enums import ExecutionStatus, Verdict


class PolicyDecision(models.Model):
    """What policy said about one change. Every execution needs one."""

    decided_at = models.DateTimeField()
    tool = models.CharField(max_length=60)
    verdict = models.CharField(max_length=40, choices=Verdict.choices)
    policy_version = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="policy_verdict_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool}: {self.get_verdict_display()}"


class Execution(models.Model):
    """One attempt to apply one approved change. Rows are never removed."""

    tool = models.CharField(max_length=60)
    arguments = models.JSONField()
    # The record that was changed or, for a creation, the record that was made (null when it failed).
    record_kind = models.CharField(max_length=20, choices=RecordKind.choices)
    record_id = models.BigIntegerField(null=True)
    before_values = models.JSONField(default=dict)
    after_values = models.JSONField(default=dict)
    status = models.CharField(max_length=20, choices=ExecutionStatus.choices)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    policy_decision = models.OneToOneField(PolicyDecision, on_delete=models.PROTECT)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="executions"
    )
    approved_at = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=120)
    # What the tool noted of its side effects, so that an undo can take them back.
    note = models.JSONField(null=True)
    # An undo: the execution whose values it put back, and what it left as people made it since: fields, and
    # records as ``kind:id``.
    undoes = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="undo_attempts"
    )
    left_alone = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["record_kind", "record_id"], name="execution_by_record"),
            models.Index(fields=["-finished_at"], name="execution_by_time"),
        ]
        constraints = [
            # Once: a change may fail as often as it likes, and succeed a single time.
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=Q(status="succeeded"),
                name="one_success_per_idempotency_key",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ExecutionStatus.values), name="execution_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} on {self.record_kind} {self.record_id}: {self.get_status_display()}"
