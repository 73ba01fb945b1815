"""What the Brain may do and who answers for it."""

from django.db import models


class Mode(models.TextChoices):
    """The only two modes there are."""

    READ_ONLY = "read_only", "Read only"
    PROPOSE_ACTIONS = "propose_actions", "Propose actions"


class Provider(models.TextChoices):
    """Who writes the proposal."""

    RULES = "rules", "Built-in rules"


class CallOutcome(models.TextChoices):
    """How a call to a provider ended."""

    ANSWERED = "answered", "Answered"
    FAILED = "failed", "Failed"
