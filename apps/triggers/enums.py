"""The vocabulary of triggers, signals and scans."""

from django.db import models

# What a role needs to see signals.
VIEW_SIGNALS = "triggers.view_signal"


class Severity(models.IntegerChoices):
    """How pressing a signal is; numbers, so that sorting puts the most pressing first."""

    LOW = 1, "Can wait"
    NORMAL = 2, "This week"
    HIGH = 3, "Today"


class Discovery(models.TextChoices):
    """The six kinds of things that are found without anybody having asked, in the order of pages."""

    HOT_LEAD = "hot_lead", "Hot lead"
    MISSING_FOLLOWUP = "missing_followup", "Missing follow-up"
    STALLED_DEAL = "stalled_deal", "Stalled deal"
    CHURN_SIGNAL = "churn_signal", "Churn signal"
    BEHAVIOUR_CHANGE = "behaviour_change", "Changed behaviour"
    DUPLICATE = "duplicate", "Duplicate"


class ScanKind(models.TextChoices):
    """What started a scan."""

    FULL = "full", "Daily"
    INCREMENTAL = "incremental", "What changed or came due"
    REALTIME = "realtime", "As it happened"
    MANUAL = "manual", "Manual"


class ScanStatus(models.TextChoices):
    """How a scan stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Finished"
    FAILED = "failed", "Finished with errors"
    SKIPPED = "skipped", "Skipped: another scan was running"
    CANCELLED = "cancelled", "Stopped by a person"
    LOST = "lost", "Stopped before its end"
