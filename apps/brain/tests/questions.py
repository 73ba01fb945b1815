"""A question to the built-in rules for each goal and kind of record."""

from __future__ import annotations

from apps.brain.enums import Goal
from apps.brain.schemas import Fact, ThinkTask
from apps.brain.tests.factories import fact, finding, question
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef

DEAL = RecordRef(RecordKind.OPPORTUNITY, 9)

LEAD_FACTS = (
    finding("lead_inactive", "Lead gone quiet"),
    fact("status", "Working", "working"),
    fact("phone", "+1 555 0100", "+1 555 0100"),
    fact("created_at", "1 Feb 2026", "2026-02-01T09:00:00+00:00"),
    fact("last_activity", "10 Feb 2026", "2026-02-10T09:00:00+00:00"),
    fact("last_activity_subject", "Re: pricing"),
    fact("open_tasks", "none", 0),
    fact("value", "1,000 USD", "1000"),
)
DEAL_FACTS = (
    finding("deal_stalled", "Deal stalled"),
    fact("stage", "Negotiation", "negotiation"),
    fact("stage_entered_at", "2 Jan 2026", "2026-01-02T09:00:00+00:00"),
    fact("last_activity", "10 Feb 2026", "2026-02-10T09:00:00+00:00"),
    fact("open_tasks", "none", 0),
    fact("value", "4,821 USD", "4821"),
    fact("expected_close_on", "31 Mar 2026", "2026-03-31"),
)
TALK_FACTS = (
    finding("followup_missing", "No next step after a talk"),
    fact("activity_kind", "Meeting", "meeting"),
    fact("talk", "Demo", "2026-02-28T10:00:00+01:00", record=RecordRef(RecordKind.ACTIVITY, 3)),
    fact("about", "Isdom renewal", record=DEAL),
    fact("open_tasks", "none", 0),
)
TASK_FACTS = (
    finding("task_overdue", "Task overdue"),
    fact("due_on", "20 Feb 2026", "2026-02-20"),
    fact("about", "Isdom renewal", record=DEAL),
    fact("value", "4,821 USD", "4821"),
)
SENDER_FACTS = (
    fact("address", "Maria.Silva@novacorp.com", "Maria.Silva@novacorp.com"),
    fact("sender_name", "Maria Silva", "Maria Silva"),
    fact("message", "Your offer", "2026-03-01T09:00:00+01:00"),
)
CONFLICT_FACTS = (
    fact("stated_phone", "+1 555 0123", "+1 555 0123"),
    fact("on_file_phone", "+1 555 0100", "+1 555 0100"),
    fact("stating_message", "Re: pricing", "2026-03-01T09:00:00+01:00"),
)
ACCOUNT_FACTS = (
    finding("account_silent", "Account silent"),
    fact("contract", "Support 2026"),
    fact("renews_on", "1 May 2026", "2026-05-01"),
    fact("created_at", "1 Feb 2025", "2025-02-01T09:00:00+00:00"),
    fact("last_activity", "10 Jan 2026", "2026-01-10T09:00:00+00:00"),
    fact("open_tasks", "none", 0),
    fact("value", "12,000 USD", "12000"),
)
MESSAGE_FACTS = (
    finding("email_unanswered", "Mail without an answer"),
    fact("activity_kind", "E-mail", "e-mail"),
    fact("message", "Your offer", "2026-03-01T09:00:00+01:00"),
    fact("sender_name", "Maria Silva", "Maria Silva"),
    fact("about", "Isdom renewal", record=DEAL),
)
CONTACT_FACTS = (
    finding("contact_unresponsive", "Contact does not answer", outbound_count=4),
    fact("account", "Isdom"),
    fact("on_file_phone", "+1 555 0100", "+1 555 0100"),
    fact("on_file_email", "ana@isdom.com", "ana@isdom.com"),
    fact("last_activity", "2 Mar 2026", "2026-03-02T09:00:00+00:00"),
    fact("last_activity_kind", "E-mail", "email"),
)


def twin_facts(kind: RecordKind) -> tuple[Fact, ...]:
    """Another record of the kind that is probably the same."""
    return (
        fact("duplicate", "A. Lopez", record=RecordRef(kind, 77)),
        fact("alike", "the same", "the same"),
        fact("moves", "3 deals and 41 activities"),
    )


_ABOUT = {
    RecordKind.LEAD: (LEAD_FACTS, "Ana Lopez"),
    RecordKind.OPPORTUNITY: (DEAL_FACTS, "Isdom GTX Pro"),
    RecordKind.ACCOUNT: (ACCOUNT_FACTS, "Isdom"),
    RecordKind.CONTACT: (CONTACT_FACTS, "Ana Lopez"),
    RecordKind.TASK: (TASK_FACTS, "Send the offer"),
    RecordKind.ACTIVITY: (MESSAGE_FACTS, "E-mail: Isdom renewal"),
}
_OWN_FACTS = {
    Goal.PLAN_NEXT_STEP: TALK_FACTS,
    Goal.IDENTIFY_SENDER: SENDER_FACTS,
    Goal.CORRECT_CONTACT: CONFLICT_FACTS,
}


def question_of(goal: Goal, kind: RecordKind) -> ThinkTask:
    """A question that the rules have an answer to."""
    facts, label = _ABOUT[kind]
    if goal == Goal.MERGE_DUPLICATES:
        facts = twin_facts(kind)
    return question(goal, *_OWN_FACTS.get(goal, facts), kind=kind, label=label)


QUESTIONS: dict[tuple[Goal, RecordKind], ThinkTask] = {
    (goal, kind): question_of(goal, kind)
    for kind, goals in {
        RecordKind.LEAD: (
            Goal.MEET_LEAD,
            Goal.REVIVE_LEAD,
            Goal.ACT_ON_INTEREST,
            Goal.MERGE_DUPLICATES,
        ),
        RecordKind.OPPORTUNITY: (
            Goal.MOVE_DEAL,
            Goal.SETTLE_CLOSE_DATE,
            Goal.WIDEN_DEAL,
            Goal.ACT_ON_INTEREST,
        ),
        RecordKind.ACCOUNT: (
            Goal.KEEP_ACCOUNT,
            Goal.PLAN_RENEWAL,
            Goal.LOOK_INTO_CHANGE,
            Goal.MERGE_DUPLICATES,
        ),
        RecordKind.ACTIVITY: (Goal.PLAN_NEXT_STEP, Goal.ANSWER_MESSAGE, Goal.IDENTIFY_SENDER),
        RecordKind.CONTACT: (
            Goal.REACH_CONTACT,
            Goal.LOOK_INTO_CHANGE,
            Goal.CORRECT_CONTACT,
            Goal.MERGE_DUPLICATES,
        ),
        RecordKind.TASK: (Goal.CLEAR_TASK,),
    }.items()
    for goal in goals
}
