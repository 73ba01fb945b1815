"""What each trigger's finding says: concrete, true whatever is known, and cited."""

from __future__ import annotations

from typing import Any

import pytest

from apps.brain import rules
from apps.brain.enums import Goal
from apps.brain.schemas import Fact, Proposal
from apps.brain.tests.factories import fact, finding, question
from apps.brain.tests.questions import QUESTIONS
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef

Key = tuple[Goal, RecordKind]
MEET: Key = (Goal.MEET_LEAD, RecordKind.LEAD)
REVIVE: Key = (Goal.REVIVE_LEAD, RecordKind.LEAD)
HOT_LEAD: Key = (Goal.ACT_ON_INTEREST, RecordKind.LEAD)
MOVE: Key = (Goal.MOVE_DEAL, RecordKind.OPPORTUNITY)
HOT_DEAL: Key = (Goal.ACT_ON_INTEREST, RecordKind.OPPORTUNITY)
DATE: Key = (Goal.SETTLE_CLOSE_DATE, RecordKind.OPPORTUNITY)
WIDEN: Key = (Goal.WIDEN_DEAL, RecordKind.OPPORTUNITY)
KEEP: Key = (Goal.KEEP_ACCOUNT, RecordKind.ACCOUNT)
RENEW: Key = (Goal.PLAN_RENEWAL, RecordKind.ACCOUNT)
ANSWER: Key = (Goal.ANSWER_MESSAGE, RecordKind.ACTIVITY)
# Two weeks against the eight before them.
SPANS = {"recent_days": 14, "past_days": 56}
REACH: Key = (Goal.REACH_CONTACT, RecordKind.CONTACT)
CHANGE: Key = (Goal.LOOK_INTO_CHANGE, RecordKind.CONTACT)


def answer(
    key: Key, *found: Fact, without: tuple[str, ...] = (), also: tuple[Fact, ...] = ()
) -> Proposal:
    """The proposal for a goal's usual facts, with these findings in the place of theirs."""
    usual = QUESTIONS[key]
    kept = [one for one in usual.facts if one.key not in {"finding", *without}]
    task = question(key[0], *found, *kept, *also, kind=key[1], label=usual.record_label)
    proposal = rules.propose(task)
    assert proposal is not None
    numbers = {one.number for one in task.facts}
    assert all(claim.facts and set(claim.facts) <= numbers for claim in proposal.claims)
    return proposal


@pytest.mark.parametrize(
    ("key", "found", "title", "reason"),
    [
        (
            REVIVE,
            finding("lead_score_drop", former_score_0_1=0.62, score_0_1=0.309),
            "Call Ana Lopez",
            "The chance that this lead converts fell from 62% to 31%. "
            "Try a call while the lead is still warm.",
        ),
        (
            HOT_LEAD,
            finding("lead_hot", inbound_count=3, score_0_1=0.8, went_by={"window_days": 14}),
            "Call Ana Lopez while the interest is there",
            "3 messages and calls from them since 20 Feb 2026 and a chance of success of 80%. "
            "Ask for a meeting, or for what they need to decide.",
        ),
        (
            HOT_LEAD,
            finding("lead_hot", inbound_count=1, former_score_0_1=0.31, score_0_1=0.62),
            "Call Ana Lopez while the interest is there",
            "1 message or call from them and a chance of success that rose from 31% to 62%. "
            "Ask for a meeting, or for what they need to decide.",
        ),
        (
            HOT_DEAL,
            finding("deal_hot", inbound_count=1),
            "Take the next step on Isdom GTX Pro while the interest is there",
            "1 message or call from them. Propose the next step, or ask for the decision.",
        ),
        (
            MOVE,
            finding("deal_decaying", recent_count=1, former_count=5, went_by=SPANS),
            "Follow up on Isdom GTX Pro",
            "Contact is thinning out: 1 contact since 20 Feb 2026, 5 in the 56 days before. "
            "Agree on a next step or close it.",
        ),
        (
            DATE,
            finding("deal_close_date_past"),
            "Settle a new close date for Isdom GTX Pro",
            "It was to close on 31 Mar 2026 and is still open. "
            "Ask what has to happen first, then set a date that holds, or close it.",
        ),
        (
            DATE,
            finding("deal_close_date_pushed", push_count=3, former_close_on="2025-11-30"),
            "Settle a new close date for Isdom GTX Pro",
            "Its close date was put off 3 times, from 30 Nov 2025 to 31 Mar 2026. "
            "Ask what has to happen first, then set a date that holds, or close it.",
        ),
        (
            WIDEN,
            finding("deal_single_threaded"),
            "Bring a second contact into Isdom GTX Pro",
            "At most one person of theirs is in the talks. "
            "One person’s leave or new job would end the talks.",
        ),
        (
            KEEP,
            finding("account_silent"),
            "Check in with Isdom",
            "No contact since 10 Jan 2026 and nothing is planned. "
            "Ask how things are going before they look elsewhere.",
        ),
        (
            KEEP,
            finding(
                "account_at_risk",
                recent_count=0,
                former_count=6,
                went_by=SPANS,
                unanswered_at="2026-02-20T23:30:00+01:00",
            ),
            "Check in with Isdom",
            "Contact is thinning out (0 contacts since 20 Feb 2026, 6 in the 56 days before), "
            "their mail of 20 Feb 2026 has no answer, the contract renews on 1 May 2026. "
            "Ask how things are going before they look elsewhere.",
        ),
        (
            KEEP,
            finding(
                "account_at_risk",
                last_activity_at="2026-01-20T10:00:00+01:00",
                outbound_count=2,
                leaving_at=None,
            ),
            "Check in with Isdom",
            "There was no contact since 20 Jan 2026, they have answered none of 2 attempts, "
            "the contract renews on 1 May 2026. "
            "Ask how things are going before they look elsewhere.",
        ),
        (
            KEEP,
            finding("account_at_risk", score_0_1=0.64),
            "Check in with Isdom",
            "The chance that they do not renew is put at 64%, the contract renews on 1 May 2026. "
            "Ask how things are going before they look elsewhere.",
        ),
        (
            RENEW,
            finding("renewal_approaching"),
            "Plan the renewal with Isdom",
            "The contract renews on 1 May 2026 and nothing is planned. "
            "Agree on the terms while there is time to change them.",
        ),
        (
            ANSWER,
            finding("email_unanswered"),
            "Answer Maria Silva: Your offer",
            "Maria Silva wrote on 1 Mar 2026 and has had no answer. "
            "A short word now is better than a long one late.",
        ),
        (
            ANSWER,
            finding("new_activity", former_activity_at="2025-09-01T10:00:00+02:00"),
            "Answer Maria Silva: Your offer",
            "Maria Silva wrote on 1 Mar 2026, the first contact since 1 Sep 2025. "
            "A short word now is better than a long one late.",
        ),
        (
            REACH,
            finding("contact_unresponsive", outbound_count=4, last_inbound_at="2026-01-05T09:00:00+01:00"),
            "Call Ana Lopez at Isdom",
            "4 attempts to reach them and no answer since 5 Jan 2026. Try a call instead.",
        ),
        (
            CHANGE,
            finding("engagement_shift", recent_count=2, former_count=9, went_by=SPANS),
            "Find out why Ana Lopez at Isdom has gone quieter",
            "Less contact than before: 2 contacts since 20 Feb 2026, 9 in the 56 days before. "
            "A question now tells whether it is a chance or a risk.",
        ),
        (
            CHANGE,
            finding("engagement_shift", recent_count=9, former_count=1),
            "Ask Ana Lopez at Isdom what has come up",
            "More contact than before: 9 contacts of late, 1 before. "
            "A question now tells whether it is a chance or a risk.",
        ),
    ],
)  # fmt: skip
def test_what_is_said(key: Key, found: Fact, title: str, reason: str) -> None:
    proposal = answer(key, found)
    assert (proposal.title, proposal.reason) == (title, reason)


def test_fault_25_no_chance_is_told_as_certain() -> None:
    proposal = answer(REVIVE, finding("lead_score_drop", former_score_0_1=1.0, score_0_1=0.0))
    assert proposal.reason.startswith("The chance that this lead converts fell from 99% to 1%.")


def test_a_new_lead_was_met_by_nobody() -> None:
    source = fact("lead_source", "Web form")
    proposal = answer(
        MEET,
        finding("lead_new"),
        without=("last_activity", "last_activity_subject"),
        also=(source,),
    )
    assert proposal.title == "Introduce yourself to Ana Lopez"
    assert proposal.reason == (
        "Came in on 1 Feb 2026 (Web form), and nobody has been in touch. "
        "Get in touch while an answer is still expected."
    )
    assert answer(MEET, finding("lead_new")).reason.startswith("Came in on 1 Feb 2026. Get in")


def test_a_step_back_names_both_stages() -> None:
    former = fact("former_stage", "Proposal", "proposal")
    moved = finding("deal_regressed", moved_at="2026-01-02T09:00:00+01:00")
    proposal = answer(MOVE, moved, also=(former,))
    assert proposal.reason == (
        "It went back from Proposal to Negotiation on 2 Jan 2026. Agree on a next step or close it."
    )


def test_what_is_usual_for_a_stage_is_told_when_it_is_known() -> None:
    stalled = finding("deal_stalled", own_limit_days=30, went_by={"percentile": 80})
    assert answer(MOVE, stalled).reason.startswith(
        "In Negotiation since 2 Jan 2026 (80% of such deals stay 30 days at most), no contact since "
    )


def test_rates_are_compared_rather_than_counts() -> None:
    more_often = finding("engagement_shift", recent_count=4, former_count=6, went_by=SPANS)
    assert answer(CHANGE, more_often).reason.startswith(
        "More contact than before: 4 contacts since"
    )


def test_somebody_on_file_is_brought_in_by_name() -> None:
    other = fact(
        "other_contact", "Maria Silva, CFO", "Maria Silva", record=RecordRef(RecordKind.CONTACT, 8)
    )
    contact = fact("contact", "Ana Lopez")
    proposal = answer(WIDEN, finding("deal_single_threaded"), also=(contact, other))
    assert proposal.title == "Bring Maria Silva into Isdom GTX Pro"
    assert proposal.reason.startswith("Contact is only with Ana Lopez. ")
    assert "Also at the account: Maria Silva, CFO" in [claim.text for claim in proposal.claims]


@pytest.mark.parametrize(
    ("last", "without", "title"),
    [
        ("call", (), "Write to Ana Lopez at Isdom"),
        ("email", ("on_file_phone",), "Find another way to reach Ana Lopez at Isdom"),
        ("meeting", ("on_file_phone",), "Write to Ana Lopez at Isdom"),
    ],
)
def test_a_contact_is_tried_the_other_way(last: str, without: tuple[str, ...], title: str) -> None:
    proposal = answer(
        REACH,
        finding("contact_unresponsive", outbound_count=4),
        without=(*without, "last_activity_kind"),
        also=(fact("last_activity_kind", last, last),),
    )
    assert proposal.title == title
    assert proposal.reason.startswith("4 attempts to reach them and no answer. ")


def test_who_called_is_called_back() -> None:
    call = fact("activity_kind", "Call", "call")
    proposal = answer(ANSWER, finding("email_unanswered"), without=("activity_kind",), also=(call,))
    assert proposal.title == "Call Maria Silva back: Your offer"
    assert proposal.reason.startswith("Maria Silva called on 1 Mar 2026 and has had no answer.")
    assert proposal.arguments["about_kind"] == "opportunity"


@pytest.mark.parametrize("missing", ["about", "message"])
def test_without_a_message_or_its_subject_there_is_no_answer(missing: str) -> None:
    facts = [one for one in QUESTIONS[ANSWER].facts if one.key != missing]
    assert rules.propose(question(ANSWER[0], *facts, kind=ANSWER[1])) is None


def test_the_strongest_finding_comes_first_and_one_more_is_told() -> None:
    proposal = answer(
        MOVE,
        finding("deal_regressed"),
        finding("deal_decaying", recent_count=1, former_count=5),
        finding("deal_stalled"),
    )
    assert proposal.reason == (
        "The deal went back a stage. Contact is thinning out: 1 contact of late, 5 before. "
        "Agree on a next step or close it."
    )
    assert "In Negotiation since 2 Jan 2026" in " ".join(claim.text for claim in proposal.claims)


def test_a_pile_of_overdue_tasks_is_told_beside_the_day() -> None:
    proposal = answer(
        (Goal.CLEAR_TASK, RecordKind.TASK),
        finding("tasks_piling_up", overdue_count=12),
        finding("task_overdue"),
    )
    assert proposal.reason == (
        "It was due on 20 Feb 2026 and is still open for Isdom renewal. "
        "12 tasks of the same person are overdue. "
        "A day that can be kept is better than one that has passed."
    )


def test_a_task_that_is_not_due_yet_is_left_alone() -> None:
    due = fact("due_on", "6 Mar 2026", "2026-03-06")
    task = question(Goal.CLEAR_TASK, finding("tasks_piling_up"), due, kind=RecordKind.TASK)
    assert rules.propose(task) is None


def test_a_trigger_without_a_phrase_is_told_by_its_label() -> None:
    proposal = answer(MOVE, finding("deal_odd", "Deal looks odd"))
    assert proposal.reason == "Deal looks odd. Agree on a next step or close it."


@pytest.mark.parametrize("key", [REVIVE, MOVE, KEEP, ANSWER, REACH])
def test_without_a_finding_there_is_nothing_to_say(key: Key) -> None:
    facts = [one for one in QUESTIONS[key].facts if one.key != "finding"]
    assert rules.propose(question(key[0], *facts, kind=key[1])) is None


@pytest.mark.parametrize("trigger", sorted(rules.PHRASES))
@pytest.mark.parametrize("saw", [{}, {"recent_count": True, "score_0_1": None, "moved_at": 3}])
def test_a_finding_that_saw_nothing_still_makes_a_sentence(
    trigger: str, saw: dict[str, Any]
) -> None:
    keys = [key for key in QUESTIONS if key[0] not in {Goal.IDENTIFY_SENDER, Goal.CORRECT_CONTACT}]
    bare = [finding(trigger, "A label", **saw)]
    for goal, kind in keys:
        proposal = rules.propose(question(goal, *bare, kind=kind))
        if proposal is not None:
            assert proposal.reason.strip()
            assert proposal.claims[0].facts == (1,)
