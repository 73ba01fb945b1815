"""The vocabulary of triggers, signals and scans."""

from django.db import models


class Goal(models.TextChoices):
    """What the signals of a record call for; one open suggestion per record and goal."""

    REVIVE_LEAD = "revive_lead", "Revive the lead"
    MOVE_DEAL = "move_deal", "Get the deal moving"
    CLEAR_TASK = "clear_task", "Settle the task"
    PLAN_NEXT_STEP = "plan_next_step", "Plan the next step"
    IDENTIFY_SENDER = "identify_sender", "Take in the sender"
    CORRECT_CONTACT = "correct_contact", "Correct the contact"


class Severity(models.IntegerChoices):
    """How pressing a signal is; numbers, so that sorting puts the most pressing first."""

    LOW = 1, "Can wait"
    NORMAL = 2, "This week"
    HIGH = 3, "Today"


class ScanKind(models.TextChoices):
    """What started a scan."""

    FULL = "full", "Daily"
    MANUAL = "manual", "Manual"


class ScanStatus(models.TextChoices):
    """How a scan stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Finished"
    FAILED = "failed", "Finished with errors"
    SKIPPED = "skipped", "Skipped: another scan was running"
    LOST = "lost", "Stopped before its end"
