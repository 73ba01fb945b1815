"""Modules that a tenant may have on or off, and the database roles."""

from django.db import models


class Module(models.TextChoices):
    """A part of the product with a gate of its own per tenant."""

    TRIGGERS = "triggers", "Triggers"
    SUGGESTIONS = "suggestions", "Suggestions"
    PREDICTIONS = "predictions", "Predictions"
    DUPLICATES = "duplicates", "Duplicates"
    ASSISTANT = "assistant", "Assistant"
    REALTIME = "realtime", "Realtime voice"


class Role(models.TextChoices):
    """A least-power PostgreSQL role that code takes for the length of a block."""

    AI = "aisha_ai", "reads records; writes signals, suggestions, Brain and audit rows"
    APPLY = "aisha_apply", "inserts and updates CRM records; no delete, no DDL"
