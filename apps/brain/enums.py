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

    MEET_LEAD = "meet_lead", "Make first contact"
    REVIVE_LEAD = "revive_lead", "Revive the lead"
    ACT_ON_INTEREST = "act_on_interest", "Act on the interest"
    MOVE_DEAL = "move_deal", "Get the deal moving"
    SETTLE_CLOSE_DATE = "settle_close_date", "Settle the close date"
    WIDEN_DEAL = "widen_deal", "Bring in a second contact"
    KEEP_ACCOUNT = "keep_account", "Keep the account"
    PLAN_RENEWAL = "plan_renewal", "Plan the renewal"
    ANSWER_MESSAGE = "answer_message", "Answer the message"
    REACH_CONTACT = "reach_contact", "Reach the contact another way"
    LOOK_INTO_CHANGE = "look_into_change", "Look into the change"
    CLEAR_TASK = "clear_task", "Settle the task"
    PLAN_NEXT_STEP = "plan_next_step", "Plan the next step"
    IDENTIFY_SENDER = "identify_sender", "Take in the sender"
    CORRECT_CONTACT = "correct_contact", "Correct the contact"
