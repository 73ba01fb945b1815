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


class Goal(models.TextChoices):
    """What the signals of a record call for; one open suggestion per record and goal."""

    REVIVE_LEAD = "revive_lead", "Revive the lead"
    MOVE_DEAL = "move_deal", "Get the deal moving"
    CLEAR_TASK = "clear_task", "Settle the task"
    PLAN_NEXT_STEP = "plan_next_step", "Plan the next step"
    IDENTIFY_SENDER = "identify_sender", "Take in the sender"
    CORRECT_CONTACT = "correct_contact", "Correct the contact"
