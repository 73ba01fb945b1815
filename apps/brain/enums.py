"""What the Brain may do and who answers for it."""

from __future__ import annotations

from django.db import models


class Mode(models.TextChoices):
    """The only two modes there are."""

    READ_ONLY = "read_only", "Read only"
    PROPOSE_ACTIONS = "propose_actions", "Propose actions"


class Provider(models.TextChoices):
    """Who writes the proposal."""

    RULES = "rules", "Built-in rules"
    OPENAI = "openai", "Language model"


class CallOutcome(models.TextChoices):
    """How a call to a provider ended."""

    ANSWERED = "answered", "Answered"
    REFUSED = "refused", "Refused"
    UNUSABLE = "unusable", "Unusable answer"
    FAILED = "failed", "Failed"


class FallBack(models.TextChoices):
    """Why the built-in rules answered in the language model's place, in words for a person."""

    NO_KEY = "no_key", "no key is set for the language model"
    NO_MODEL = "no_model", "no language model is named in the settings"
    NO_PRICE = (
        "no_price",
        "the price of the language model is not known, so its cost cannot be kept to",
    )
    ADDRESS_REFUSED = (
        "address_refused",
        "the address of the language model is unknown or not allowed",
    )
    BUDGET_SPENT = "budget_spent", "this month's budget is spent"
    RESTING = "resting", "the language model has failed several times and is left alone for a while"
    BUSY = "busy", "too many other questions were being asked"
    CALL_FAILED = "call_failed", "the language model did not answer"
    REFUSED = "refused", "the language model refused to answer"
    UNUSABLE = "unusable", "the language model's answer could not be used"
    DID_NOT_HOLD = "did_not_hold", "the language model's proposal did not hold against the facts"
    LABEL_WITHHELD = "label_withheld", "the record's name reads like instructions to an AI"
    NO_END = "no_end", "the language model read on and on and came to no answer"

    @property
    def is_of_provider(self) -> bool:
        """Whether it says that the language model is out of reach, not that one answer was bad."""
        return self not in {
            FallBack.REFUSED,
            FallBack.UNUSABLE,
            FallBack.DID_NOT_HOLD,
            FallBack.LABEL_WITHHELD,
            FallBack.NO_END,
        }


class Tone(models.TextChoices):
    """How texts for people are to sound."""

    PLAIN = "plain", "Plain"
    FRIENDLY = "friendly", "Friendly"
    FORMAL = "formal", "Formal"


class Language(models.TextChoices):
    """The language in which texts for people are written."""

    ENGLISH = "English", "English"
    FRENCH = "French", "French"
    GERMAN = "German", "German"
    ITALIAN = "Italian", "Italian"
    PORTUGUESE = "Portuguese", "Portuguese"
    SPANISH = "Spanish", "Spanish"


class Goal(models.TextChoices):
    """What the signals of a record call for; one open suggestion per record and goal.

    ``AS_ASKED`` is what a person asked for: no signal calls for it, nobody is asked what would serve it, and
    there is one open suggestion per record, tool and person.
    """

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
    MERGE_DUPLICATES = "merge_duplicates", "Merge the duplicates"
    AS_ASKED = "as_asked", "As asked"

    @classmethod
    def of_signals(cls) -> list[Goal]:
        """Those that signals call for."""
        return [goal for goal in cls if goal != cls.AS_ASKED]
