"""The vocabularies of records."""

from __future__ import annotations

from django.db import models


class RecordKind(models.TextChoices):
    """The kinds of record; the value is used in URLs, payloads and the change log."""

    LEAD = "lead", "Lead"
    CONTACT = "contact", "Contact"
    ACCOUNT = "account", "Account"
    OPPORTUNITY = "opportunity", "Deal"
    ACTIVITY = "activity", "Activity"
    TASK = "task", "Task"
    CONTRACT = "contract", "Contract"
    PRODUCT = "product", "Product"
    DRAFT = "draft", "E-mail draft"


class LeadStatus(models.TextChoices):
    """How far a lead has come."""

    NEW = "new", "New"
    WORKING = "working", "Working"
    QUALIFIED = "qualified", "Qualified"
    UNQUALIFIED = "unqualified", "Unqualified"
    CONVERTED = "converted", "Converted"

    @classmethod
    def open_values(cls) -> list[str]:
        """The statuses in which somebody should still be working on the lead."""
        return [cls.NEW.value, cls.WORKING.value, cls.QUALIFIED.value]


class DealOutcome(models.TextChoices):
    """What a stage means for the deal; the database copies it from the stage to the deal."""

    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"


class ActivityKind(models.TextChoices):
    """What happened with the other side."""

    EMAIL = "email", "E-mail"
    CALL = "call", "Call"
    MEETING = "meeting", "Meeting"
    NOTE = "note", "Note"


class Direction(models.TextChoices):
    """Who started it; a note has no direction."""

    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"
    NONE = "none", "—"


class Delivery(models.TextChoices):
    """Whether an outbound mail arrived, as far as is known."""

    UNKNOWN = "unknown", "Unknown"
    DELIVERED = "delivered", "Delivered"
    BOUNCED = "bounced", "Bounced"


class EmailStatus(models.TextChoices):
    """Whether a contact's address works."""

    UNKNOWN = "unknown", "Not checked"
    VALID = "valid", "Works"
    BOUNCED = "bounced", "Bounced"


class TaskStatus(models.TextChoices):
    """Whether a task still waits."""

    OPEN = "open", "Open"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class TaskPriority(models.IntegerChoices):
    """Numbers, so that sorting puts urgent first."""

    LOW = 1, "Low"
    NORMAL = 2, "Normal"
    HIGH = 3, "High"
    URGENT = 4, "Urgent"


class DraftStatus(models.TextChoices):
    """Whether an e-mail draft still waits for a person to send it."""

    DRAFT = "draft", "Draft"
    SENT = "sent", "Sent"
    DISCARDED = "discarded", "Discarded"


class ContractOutcome(models.TextChoices):
    """How a contract's term ended."""

    OPEN = "open", "Open"
    RENEWED = "renewed", "Renewed"
    CHURNED = "churned", "Churned"


class FieldType(models.TextChoices):
    """The types of custom fields."""

    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    DATE = "date", "Date"
    BOOLEAN = "boolean", "Yes or no"
    CHOICE = "choice", "Choice"


class Operation(models.TextChoices):
    """What a row of the change log says."""

    CREATED = "created", "Created"
    CHANGED = "changed", "Changed"
    DELETED = "deleted", "Deleted"
