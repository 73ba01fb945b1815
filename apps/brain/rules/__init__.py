"""The built-in rules: deterministic, offline proposals, one writer per goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from apps.brain.enums import Goal
from apps.brain.rules.contacts import correct_contact, identify_sender
from apps.brain.rules.followups import move_deal, plan_next_step, revive_lead
from apps.brain.rules.tasks import clear_task
from apps.brain.schemas import Proposal, ThinkTask

Writer = Callable[[ThinkTask], Proposal | None]

# Raised when the wording or the choice of a writer changes, so that decisions can be told apart.
RULES_VERSION = "rules-1"

WRITERS: Mapping[Goal, Writer] = {
    Goal.REVIVE_LEAD: revive_lead,
    Goal.MOVE_DEAL: move_deal,
    Goal.PLAN_NEXT_STEP: plan_next_step,
    Goal.CLEAR_TASK: clear_task,
    Goal.IDENTIFY_SENDER: identify_sender,
    Goal.CORRECT_CONTACT: correct_contact,
}


def propose(task: ThinkTask) -> Proposal | None:
    """Return the rules' proposal for a task, or None when they have nothing useful to say."""
    return WRITERS[task.goal](task)
