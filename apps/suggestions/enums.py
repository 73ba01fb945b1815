"""The states of a suggestion and the one table of moves between them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models

from apps.brain.enums import Goal


class State(models.TextChoices):
    """Where a suggestion stands."""

    PENDING = "pending", "Waiting"
    SNOOZED = "snoozed", "Snoozed"
    APPROVED = "approved", "Approved"
    APPLIED = "applied", "Applied"
    FAILED = "failed", "Failed"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"
    SUPERSEDED = "superseded", "Superseded"
    UNDONE = "undone", "Undone"

    @classmethod
    def open_values(cls) -> list[str]:
        """The states in which a person may still bring about the change."""
        return [*cls.barring_values(), cls.FAILED.value]

    @classmethod
    def barring_values(cls) -> list[str]:
        """The states that stand in the way of a second suggestion for the same record and goal.

        A failed one does so only while its own signals fire (``pipeline.awaiting``): afterwards it
        cannot be tried again, and must not stand in the way for ever.
        """
        return [cls.PENDING.value, cls.SNOOZED.value, cls.APPROVED.value]


class Said(models.TextChoices):
    """Whose words the first fact of what was asked for holds; the value is that fact's key.

    ``HEARD`` is what a model took the person's words for: it bears nothing out.
    """

    ASKED = "asked", "You asked"
    HEARD = "heard", "As AiSHA heard it"


# Those that nobody has decided; and those that wait for a person, of which some were approved in vain.
UNDECIDED = (State.PENDING, State.SNOOZED)
AWAITING_PERSON = (*UNDECIDED, State.FAILED)

# Those that a person reopens.
REOPENABLE = (State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.SNOOZED)

# Nothing else is allowed: services refuse, and the database knows the states.
MOVES: dict[State, frozenset[State]] = {
    State.PENDING: frozenset(
        {
            State.APPROVED,
            State.SNOOZED,
            State.REJECTED,
            State.WITHDRAWN,
            State.EXPIRED,
            State.SUPERSEDED,
        }
    ),
    State.SNOOZED: frozenset(
        {State.PENDING, State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED}
    ),
    State.APPROVED: frozenset({State.APPLIED, State.FAILED}),
    # An approval that could not be written is tried again, given up, or runs out; never forgotten.
    State.FAILED: frozenset({State.APPROVED, State.REJECTED, State.EXPIRED}),
    # Taken back at once, it waits as before.
    State.APPLIED: frozenset({State.UNDONE, State.PENDING}),
    State.REJECTED: frozenset({State.PENDING}),
    State.WITHDRAWN: frozenset({State.PENDING}),
    State.EXPIRED: frozenset({State.PENDING}),
    State.SUPERSEDED: frozenset(),
    State.UNDONE: frozenset(),
}


class RejectReason(models.TextChoices):
    """The one-tap reasons; each teaches something else."""

    NOT_NEEDED = "not_needed", "Not needed"
    ALREADY_DONE = "already_done", "Already done"
    WRONG_RECORD = "wrong_record", "Wrong person or deal"
    WRONG_CHANGE = "wrong_change", "Right idea, wrong change"
    BAD_TIMING = "bad_timing", "Bad timing"
    NOT_DUPLICATE = "not_duplicate", "Not a duplicate"

    @classmethod
    def offered_for(cls, goal: str) -> list[tuple[str, str]]:
        """The reasons that a person may give for a goal, in the order of pages: value and label."""
        if goal != Goal.MERGE_DUPLICATES:
            return [choice for choice in cls.choices if choice[0] != cls.NOT_DUPLICATE]
        # That it is the wrong record is said more exactly here.
        others = [choice for choice in cls.choices if choice[0] not in _EITHER]
        return [(cls.NOT_DUPLICATE.value, cls.NOT_DUPLICATE.label), *others]

    @classmethod
    def offered_for_all(cls, goals: Iterable[str]) -> list[tuple[str, str]]:
        """Those that may be given for each of several."""
        offered = [cls.offered_for(goal) for goal in {*goals}]
        return [choice for choice in cls.choices if all(choice in one for one in offered)]


_EITHER = frozenset({RejectReason.NOT_DUPLICATE, RejectReason.WRONG_RECORD})


class Verdict(models.TextChoices):
    """What a person decided."""

    APPROVE = "approve", "Approved"
    REJECT = "reject", "Rejected"
    SNOOZE = "snooze", "Snoozed"
    REBASE = "rebase", "Brought up to date"
    REOPEN = "reopen", "Reopened"
    EDIT = "edit", "Edited"
    UNDO = "undo", "Undone"
    REASSIGN = "reassign", "Given to somebody"

    @property
    def wish(self) -> str:
        """What a person wants to do, in words."""
        return "bring it up to date" if self == Verdict.REBASE else f"{self.value} it"


class StopScope(models.TextChoices):
    """What is not to be suggested any more, from the narrowest to the widest."""

    RECORD = "record", "anything for this record"
    TRIGGER = "trigger", "what this trigger finds"
    TENANT = "tenant", "anything to anybody"


class Segment(models.TextChoices):
    """By what is at stake, in units of the record's currency: people judge large deals in another way."""

    UNKNOWN = "unknown", "no known value"
    SMALL = "small", "under 1,000"
    MIDDLE = "middle", "1,000 to 10,000"
    LARGE = "large", "10,000 to 100,000"
    HUGE = "huge", "100,000 and more"


class HeldBack(models.TextChoices):
    """Why a suggestion waits behind the queue instead of in it."""

    NO = "", "In the queue"
    DAILY_CAP = "daily_cap", "Above the day's number for this person"
    QUIET = "quiet", "Such suggestions are hardly ever wanted"


class Outcome(models.TextChoices):
    """What became of one suggestion of a bulk approval."""

    WAITING = "waiting", "Waiting"
    APPLIED = "applied", "Applied"
    FAILED = "failed", "Not applied"
