"""The log of calls to the Brain: counts and costs, never prompt text."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models.functions import Now

from apps.brain.enums import CallOutcome, Mode, Provider


class BrainCall(models.Model):
    """One call: who answered, in which mode, how long it took, what came of it."""

    called_at = models.DateTimeField(db_default=Now())
    provider = models.CharField(max_length=20, choices=Provider.choices)
    mode = models.CharField(max_length=20, choices=Mode.choices)
    prompt_version = models.CharField(max_length=40)
    prompt_hash = models.CharField(max_length=64)
    tasks_count = models.PositiveIntegerField()
    proposals_count = models.PositiveIntegerField()
    latency_ms = models.PositiveIntegerField()
    # The built-in rules are no model: no tokens, no cost.
    model = models.CharField(max_length=60, blank=True, help_text="Empty for the built-in rules.")
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    outcome = models.CharField(max_length=20, choices=CallOutcome.choices)
    error_code = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.provider} {self.mode} {self.called_at:%Y-%m-%d %H:%M}"
