"""The vocabulary of the road from approval to write."""

from django.db import models


class Risk(models.TextChoices):
    """How much a wrong application would cost; high risk is never applied in bulk."""

    LOW = "low", "Low risk"
    HIGH = "high", "High risk"


class Verdict(models.TextChoices):
    """What policy may answer. In this phase there is one answer, whatever the settings say."""

    PERSON_MUST_DECIDE = "person_must_decide", "A person must decide"


class ExecutionStatus(models.TextChoices):
    """How one attempt to apply a change ended."""

    SUCCEEDED = "succeeded", "Applied"
    FAILED = "failed", "Failed"


class ValueChoice(models.TextChoices):
    """Whose value a field has after a merge."""

    SURVIVOR = "survivor", "The survivor's"
    DUPLICATE = "duplicate", "The duplicate's"
    BOTH = "both", "Both"
    OTHER = "other", "What a person wrote"


class ValueKind(models.TextChoices):
    """How a value of a diff is shown."""

    TEXT = "text", "Text"
    LONG_TEXT = "long_text", "Long text"
    MONEY = "money", "Money"
    DATE = "date", "Date"
    MOMENT = "moment", "Date and time"
    CHOICE = "choice", "Choice"
    REFERENCE = "reference", "Reference"
    BOOLEAN = "boolean", "Yes or no"
    NUMBER = "number", "Number"
