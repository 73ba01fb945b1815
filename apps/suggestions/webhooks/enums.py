"""What is told to other systems, and what can become of telling it."""

from __future__ import annotations

from django.db import models


class EventKind(models.TextChoices):
    """What an endpoint may listen to; the value goes out as the message's ``type``."""

    SUGGESTION_CREATED = "suggestion.created", "Suggestion created"
    SUGGESTION_APPROVED = "suggestion.approved", "Suggestion approved"
    SUGGESTION_REJECTED = "suggestion.rejected", "Suggestion rejected"
    SUGGESTION_SNOOZED = "suggestion.snoozed", "Suggestion snoozed"
    SUGGESTION_WOKEN = "suggestion.woken", "Suggestion back from snooze"
    SUGGESTION_WITHDRAWN = "suggestion.withdrawn", "Suggestion withdrawn"
    SUGGESTION_EXPIRED = "suggestion.expired", "Suggestion expired"
    SUGGESTION_SUPERSEDED = "suggestion.superseded", "Suggestion superseded"
    SUGGESTION_REOPENED = "suggestion.reopened", "Suggestion reopened"
    SUGGESTION_APPLIED = "suggestion.applied", "Suggestion applied"
    SUGGESTION_FAILED = "suggestion.failed", "Suggestion not applied"
    SUGGESTION_UNDONE = "suggestion.undone", "Suggestion undone"
    EXECUTION_SUCCEEDED = "execution.succeeded", "Change applied"
    EXECUTION_FAILED = "execution.failed", "Change not applied"
    EXECUTION_UNDONE = "execution.undone", "Change undone"


# The kind of the message that a person sends to try an endpoint.
TEST = "test"


class DeliveryState(models.TextChoices):
    """Where one message to one endpoint stands."""

    QUEUED = "queued", "Waiting"
    DELIVERED = "delivered", "Delivered"
    DEAD = "dead", "Not delivered"


class OffBecause(models.TextChoices):
    """Why an endpoint gets nothing."""

    NO = "", "On"
    PERSON = "person", "Switched off"
    GONE = "gone", "It answered that it is gone (410)"
    FAILING = "failing", "Nothing was taken for days"
