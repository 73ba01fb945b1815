"""The built-in rules: deterministic, offline proposals, one writer per goal and kind of record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from apps.brain.enums import Goal
from apps.brain.rules import accounts, activities, contacts, deals, duplicates, leads, tasks
from apps.brain.rules.findings import Phrase
from apps.brain.rules.quoting import quotable
from apps.brain.schemas import Proposal, ThinkTask
from apps.crm.enums import RecordKind

Writer = Callable[[ThinkTask], Proposal | None]

# Raised when the wording or the choice of a writer changes, so that decisions can be told apart.
RULES_VERSION = "rules-5"

WRITERS: Mapping[tuple[Goal, RecordKind], Writer] = {
    (Goal.MEET_LEAD, RecordKind.LEAD): leads.meet_lead,
    (Goal.REVIVE_LEAD, RecordKind.LEAD): leads.revive_lead,
    (Goal.ACT_ON_INTEREST, RecordKind.LEAD): leads.act_on_lead,
    (Goal.ACT_ON_INTEREST, RecordKind.OPPORTUNITY): deals.act_on_deal,
    (Goal.MOVE_DEAL, RecordKind.OPPORTUNITY): deals.move_deal,
    (Goal.SETTLE_CLOSE_DATE, RecordKind.OPPORTUNITY): deals.settle_close_date,
    (Goal.WIDEN_DEAL, RecordKind.OPPORTUNITY): deals.widen_deal,
    (Goal.KEEP_ACCOUNT, RecordKind.ACCOUNT): accounts.keep_account,
    (Goal.PLAN_RENEWAL, RecordKind.ACCOUNT): accounts.plan_renewal,
    (Goal.ANSWER_MESSAGE, RecordKind.ACTIVITY): activities.answer_message,
    (Goal.PLAN_NEXT_STEP, RecordKind.ACTIVITY): activities.plan_next_step,
    (Goal.IDENTIFY_SENDER, RecordKind.ACTIVITY): contacts.identify_sender,
    (Goal.REACH_CONTACT, RecordKind.CONTACT): contacts.reach_contact,
    (Goal.LOOK_INTO_CHANGE, RecordKind.CONTACT): contacts.look_into_change,
    (Goal.LOOK_INTO_CHANGE, RecordKind.ACCOUNT): contacts.look_into_change,
    (Goal.CORRECT_CONTACT, RecordKind.CONTACT): contacts.correct_contact,
    (Goal.CLEAR_TASK, RecordKind.TASK): tasks.clear_task,
    (Goal.MERGE_DUPLICATES, RecordKind.LEAD): duplicates.merge_duplicates,
    (Goal.MERGE_DUPLICATES, RecordKind.CONTACT): duplicates.merge_duplicates,
    (Goal.MERGE_DUPLICATES, RecordKind.ACCOUNT): duplicates.merge_duplicates,
}

# The tool that the proposals of each goal work with.
SERVED_BY: Mapping[Goal, str] = {
    Goal.MEET_LEAD: "create_followup",
    Goal.REVIVE_LEAD: "create_followup",
    Goal.ACT_ON_INTEREST: "create_followup",
    Goal.MOVE_DEAL: "create_followup",
    Goal.SETTLE_CLOSE_DATE: "create_followup",
    Goal.WIDEN_DEAL: "create_followup",
    Goal.KEEP_ACCOUNT: "create_followup",
    Goal.PLAN_RENEWAL: "create_followup",
    Goal.ANSWER_MESSAGE: "create_followup",
    Goal.PLAN_NEXT_STEP: "create_followup",
    Goal.IDENTIFY_SENDER: "create_lead",
    Goal.REACH_CONTACT: "create_followup",
    Goal.LOOK_INTO_CHANGE: "create_followup",
    Goal.CORRECT_CONTACT: "update_contact",
    Goal.CLEAR_TASK: "update_task",
    Goal.MERGE_DUPLICATES: "merge_duplicates",
}

# What each trigger's finding says, by the trigger's key.
PHRASES: Mapping[str, Phrase] = {
    **leads.PHRASES,
    **deals.PHRASES,
    **accounts.PHRASES,
    **activities.PHRASES,
    **contacts.PHRASES,
    **tasks.PHRASES,
    **duplicates.PHRASES,
}


def propose(task: ThinkTask) -> Proposal | None:
    """Return the rules' proposal for a task, or None when they have nothing useful to say."""
    return WRITERS[task.goal, task.record.kind](quotable(task))
