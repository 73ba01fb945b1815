"""The built-in rules: deterministic, useful wording, evidence that cites facts, arguments that fit."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.brain import rules
from apps.brain.enums import Goal, Mode, Provider
from apps.brain.models import BrainCall
from apps.brain.rules.contacts import FREE_MAIL_DOMAINS
from apps.brain.rules.wording import day_text, shortened
from apps.brain.schemas import Fact, Proposal, ThinkTask
from apps.brain.services import think
from apps.brain.tests.factories import NOW, PIPELINE, fact, question
from apps.brain.tests.questions import (
    CONFLICT_FACTS,
    LEAD_FACTS,
    QUESTIONS,
    SENDER_FACTS,
    TALK_FACTS,
    TASK_FACTS,
)
from apps.crm.enums import RecordKind
from apps.execution.tools import registry
from apps.tenants.models import Tenant

Key = tuple[Goal, RecordKind]


def proposal_for(task: ThinkTask) -> Proposal:
    proposal = rules.propose(task)
    assert proposal is not None
    return proposal


def test_every_goal_has_a_writer_and_a_question() -> None:
    assert {goal for goal, _ in rules.WRITERS} == set(Goal.of_signals())
    assert set(rules.WRITERS) == set(QUESTIONS)
    assert set(rules.SERVED_BY) == set(Goal.of_signals())


@pytest.mark.parametrize("key", list(QUESTIONS))
def test_fault_02_arguments_fit_the_tool_and_name_the_record(key: Key) -> None:
    task = QUESTIONS[key]
    proposal = proposal_for(task)
    assert proposal.tool == rules.SERVED_BY[key[0]]
    tool = registry.get(proposal.tool)
    assert tool.subject(tool.parse(proposal.arguments)) == task.record


@pytest.mark.parametrize("key", list(QUESTIONS))
def test_the_same_question_has_the_same_answer(key: Key) -> None:
    assert rules.propose(QUESTIONS[key]) == rules.propose(QUESTIONS[key])


@pytest.mark.parametrize("key", list(QUESTIONS))
def test_every_claim_cites_facts_that_were_given(key: Key) -> None:
    task = QUESTIONS[key]
    proposal = proposal_for(task)
    numbers = {one.number for one in task.facts}
    assert len(proposal.claims) >= 2
    for claim in proposal.claims:
        assert claim.text.strip()
        assert claim.facts
        assert set(claim.facts) <= numbers


@pytest.mark.parametrize(
    ("key", "title", "reason"),
    [
        (
            (Goal.REVIVE_LEAD, RecordKind.LEAD),
            "Call Ana Lopez",
            "No contact since 10 Feb 2026 and nothing is planned. Try a call while the lead is still warm.",
        ),
        (
            (Goal.MOVE_DEAL, RecordKind.OPPORTUNITY),
            "Follow up on Isdom GTX Pro",
            "In Negotiation since 2 Jan 2026, no contact since 10 Feb 2026, and nothing is planned. "
            "Agree on a next step or close it.",
        ),
        (
            (Goal.PLAN_NEXT_STEP, RecordKind.ACTIVITY),
            "Plan a next step after the meeting: Isdom renewal",
            "The meeting on 28 Feb 2026 is the last thing that happened, and nothing is planned after it. "
            "Settle who does what next, and by when.",
        ),
        (
            (Goal.CLEAR_TASK, RecordKind.TASK),
            "Move “Send the offer” to 9 Mar 2026",
            "It was due on 20 Feb 2026 and is still open for Isdom renewal. "
            "A day that can be kept is better than one that has passed.",
        ),
        (
            (Goal.IDENTIFY_SENDER, RecordKind.ACTIVITY),
            "Add Maria Silva of Novacorp as a lead",
            "Maria Silva wrote on 1 Mar 2026 from maria.silva@novacorp.com, an address that no lead "
            "and no contact has.",
        ),
        (
            (Goal.CORRECT_CONTACT, RecordKind.CONTACT),
            "Update Ana Lopez’s phone number",
            "Ana Lopez’s message of 1 Mar 2026 is signed with a phone number that differs from what "
            "is on file.",
        ),
    ],
)  # fmt: skip
def test_wording(key: Key, title: str, reason: str) -> None:
    proposal = proposal_for(QUESTIONS[key])
    assert (proposal.title, proposal.reason) == (title, reason)


def test_without_a_phone_one_writes() -> None:
    facts = [one for one in LEAD_FACTS if one.key != "phone"]
    proposal = proposal_for(question(Goal.REVIVE_LEAD, *facts))
    assert proposal.title == "Write to Ana Lopez"
    assert proposal.arguments["title"] == "Write to Ana Lopez"
    assert proposal.arguments["description"] == "Last: Re: pricing"


@pytest.mark.parametrize(
    ("company", "title"),
    [("Isdom", "Call Ana Lopez of Isdom"), ("Ana Lopez", "Call Ana Lopez")],
)
def test_the_company_helps_to_recognise_a_lead(company: str, title: str) -> None:
    facts = [*LEAD_FACTS, fact("company", company)]
    assert proposal_for(question(Goal.REVIVE_LEAD, *facts)).title == title


def test_without_any_contact_the_creation_counts() -> None:
    facts = [one for one in LEAD_FACTS if not one.key.startswith("last_activity")]
    proposal = proposal_for(question(Goal.REVIVE_LEAD, *facts))
    assert proposal.reason.startswith("Nobody has been in touch since 1 Feb 2026 and nothing")
    assert "description" not in proposal.arguments


@pytest.mark.parametrize("goal", [Goal.REVIVE_LEAD, Goal.MEET_LEAD])
def test_a_followup_is_due_on_the_next_working_day(goal: Goal) -> None:
    thursday = question(goal, *LEAD_FACTS, next_working_day=date(2026, 3, 12))
    assert proposal_for(thursday).arguments["due_on"] == "2026-03-12"


def test_an_overdue_task_moves_to_the_next_working_day() -> None:
    thursday = question(
        Goal.CLEAR_TASK, *TASK_FACTS, kind=RecordKind.TASK, next_working_day=date(2026, 3, 12)
    )
    assert proposal_for(thursday).arguments["due_on"] == "2026-03-12"


def test_the_assignee_gets_the_task() -> None:
    assert proposal_for(QUESTIONS[Goal.REVIVE_LEAD, RecordKind.LEAD]).arguments["owner_id"] == 7
    nobody = question(Goal.REVIVE_LEAD, *LEAD_FACTS, doer_id=None)
    assert proposal_for(nobody).arguments["owner_id"] is None


def test_a_deal_is_more_pressing_than_a_lead() -> None:
    assert (
        proposal_for(QUESTIONS[Goal.MOVE_DEAL, RecordKind.OPPORTUNITY]).arguments["priority"] == 3
    )
    assert proposal_for(QUESTIONS[Goal.REVIVE_LEAD, RecordKind.LEAD]).arguments["priority"] == 2


def test_a_followup_of_a_talk_hangs_on_what_it_was_about() -> None:
    arguments = proposal_for(QUESTIONS[Goal.PLAN_NEXT_STEP, RecordKind.ACTIVITY]).arguments
    assert (arguments["subject_kind"], arguments["subject_id"]) == ("activity", 3)
    assert (arguments["about_kind"], arguments["about_id"]) == ("opportunity", 9)


@pytest.mark.parametrize("missing", ["about", "talk"])
def test_without_subject_or_talk_there_is_no_next_step(missing: str) -> None:
    facts = [one for one in TALK_FACTS if one.key != missing]
    assert rules.propose(question(Goal.PLAN_NEXT_STEP, *facts, kind=RecordKind.ACTIVITY)) is None


def test_a_task_of_something_closed_is_cancelled() -> None:
    closed = fact("subject_closed", "the deal is won", "won")
    task = question(
        Goal.CLEAR_TASK, *TASK_FACTS, closed, kind=RecordKind.TASK, label="Send the offer"
    )
    proposal = proposal_for(task)
    assert proposal.arguments == {"task_id": 3, "status": "cancelled"}
    assert proposal.title == "Cancel “Send the offer”: the deal is won"


def test_a_task_without_a_due_day_is_left_alone() -> None:
    assert rules.propose(question(Goal.CLEAR_TASK, kind=RecordKind.TASK)) is None


@pytest.mark.parametrize(
    ("address", "name", "expected"),
    [
        ("Maria.Silva@novacorp.com", "Maria Silva", ("Maria", "Silva", "Novacorp")),
        ("maria.silva@novacorp.com", "", ("Maria", "Silva", "Novacorp")),
        ("m_de_la_cruz7@nova-corp.co.uk", "", ("M", "De La Cruz", "Nova Corp")),
        ("info@novacorp.com", "", ("", "", "Novacorp")),
        ("ana@gmail.com", "Ana", ("Ana", "", "")),
        ("ana@isdom.com", "Lopez, Ana Maria", ("Ana", "Maria Lopez", "Isdom")),
        ("ana@isdom.com", '"Ana" <Lopez>', ("Ana", "Lopez", "Isdom")),
        ("ana@localhost", "Ana", ("Ana", "", "")),
        ("it@bank.example", '=HYPERLINK("http://urgent.example")', ("", "", "Bank")),
        ("ana.lopez@isdom.com", "http://urgent.example now", ("Ana", "Lopez", "Isdom")),
        ("ana.lopez@isdom.com", "www.urgent.example", ("Ana", "Lopez", "Isdom")),
        ("ana.lopez@isdom.com", "boss@isdom.com", ("Ana", "Lopez", "Isdom")),
        ("ana.lopez@isdom.com", "+1 cmd", ("Ana", "Lopez", "Isdom")),
        ("ana.lopez@isdom.com", "Ana\x07 Boss", ("Ana", "Lopez", "Isdom")),
        ("ana.lopez@isdom.com", "\u202eAna Boss", ("Ana", "Lopez", "Isdom")),
        ("ana.lopez@isdom.com", "Please pay this bill by noon today", ("Ana", "Lopez", "Isdom")),
        (
            "x@isdom.com",
            "María José O’Neill-de la Cruz",
            ("María", "José O’Neill-de la Cruz", "Isdom"),
        ),
    ],
)
def test_names_and_companies_from_addresses(
    address: str, name: str, expected: tuple[str, str, str]
) -> None:
    facts = [fact("address", address, address), fact("message", "Hello", "2026-03-01")]
    if name:
        facts.append(fact("sender_name", name, name))
    proposal = proposal_for(question(Goal.IDENTIFY_SENDER, *facts, kind=RecordKind.ACTIVITY))
    found = tuple(proposal.arguments.get(key, "") for key in ("first_name", "last_name", "company"))
    assert found == expected
    assert proposal.arguments["email"] == address.lower()


def test_a_sender_without_a_usable_name_is_called_by_the_address() -> None:
    name = '=HYPERLINK("http://urgent.example")'
    facts = [
        fact("address", "it@gmail.com", "it@gmail.com"),
        fact("message", "Hello", "2026-03-01"),
        fact("sender_name", name, name),
    ]
    proposal = proposal_for(question(Goal.IDENTIFY_SENDER, *facts, kind=RecordKind.ACTIVITY))
    assert proposal.title == "Add it@gmail.com as a lead"
    assert [claim.text for claim in proposal.claims] == [
        "Wrote on 1 Mar 2026: Hello", "it@gmail.com is not on file",
    ]  # fmt: skip
    assert proposal.arguments == {"activity_id": 3, "email": "it@gmail.com", "owner_id": 7}


def test_what_the_message_states_goes_before_guessing() -> None:
    facts = [
        *SENDER_FACTS,
        fact("stated_company", "Nova Corporation", "Nova Corporation"),
        fact("stated_phone", "+1 555 0100", "+1 555 0100"),
        fact("stated_title", "CEO", "CEO"),
    ]
    arguments = proposal_for(
        question(Goal.IDENTIFY_SENDER, *facts, kind=RecordKind.ACTIVITY)
    ).arguments
    assert (arguments["company"], arguments["phone"], arguments["title"]) == (
        "Nova Corporation", "+1 555 0100", "CEO",
    )  # fmt: skip
    assert "gmail.com" in FREE_MAIL_DOMAINS


def test_several_details_are_listed() -> None:
    facts: list[Fact] = [
        *CONFLICT_FACTS,
        fact("stated_title", "Head of buying", "Head of buying"),
        fact("stated_email", "ana@isdom.org", "ana@isdom.org"),
    ]
    proposal = proposal_for(question(Goal.CORRECT_CONTACT, *facts, kind=RecordKind.CONTACT))
    assert proposal.title == "Update Ana Lopez’s phone number, job title and e-mail address"
    assert proposal.arguments == {
        "contact_id": 3,
        "phone": "+1 555 0123",
        "title": "Head of buying",
        "email": "ana@isdom.org",
    }


def test_a_bounce_marks_the_address() -> None:
    bounce = fact("bounce", "Offer", "2026-03-01T09:00:00+01:00")
    proposal = proposal_for(question(Goal.CORRECT_CONTACT, bounce, kind=RecordKind.CONTACT))
    assert proposal.arguments == {"contact_id": 3, "email_status": "bounced"}
    assert proposal.title == "Mark Ana Lopez’s e-mail address as not working"


def test_a_bounce_beside_a_new_address_is_settled_by_it() -> None:
    facts = [
        fact("stated_email", "ana@isdom.org", "ana@isdom.org"),
        fact("bounce", "Offer", "2026-03-01T09:00:00+01:00"),
    ]
    proposal = proposal_for(question(Goal.CORRECT_CONTACT, *facts, kind=RecordKind.CONTACT))
    assert proposal.arguments == {"contact_id": 3, "email": "ana@isdom.org"}


def test_nothing_to_correct_is_no_proposal() -> None:
    on_file = fact("on_file_phone", "+1", "+1")
    assert rules.propose(question(Goal.CORRECT_CONTACT, on_file, kind=RecordKind.CONTACT)) is None


@pytest.mark.parametrize("key", list(QUESTIONS))
def test_long_names_are_cut_to_what_the_columns_hold(key: Key) -> None:
    original = QUESTIONS[key]
    long = [
        Fact(one.number, one.key, one.label, one.text * 60, one.value, None, one.record)
        for one in original.facts
    ]
    task = question(original.goal, *long, kind=original.record.kind, label="Very long name " * 60)
    proposal = proposal_for(task)
    assert len(proposal.title) <= 200
    assert len(proposal.reason) <= 500
    registry.get(proposal.tool).parse(proposal.arguments)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-03", "3 Nov 2026"),
        ("2026-11-03T23:30:00+01:00", "3 Nov 2026"),
        ("2026-11-03 23:30:00+00:00", "3 Nov 2026"),
    ],
)
def test_days_in_words(value: str, expected: str) -> None:
    assert day_text(value) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("  many   spaces\n here ", 20, "many spaces here"),
        ("one two three", 10, "one two…"),
        ("one two, three", 10, "one two…"),
        ("unbreakable", 6, "unbre…"),
        ("\x07bell \x1b[31mred", 20, "bell [31mred"),
        ("\u202etxt.exe\u202c \u2066a\u2069\u200f", 20, "txt.exe a"),
        ("tab\tand\x0bline\x85feed", 20, "tab and line feed"),
        ("🏳️‍🌈 می‌خواهم", 20, "🏳️‍🌈 می‌خواهم"),
    ],
)
def test_shortening(text: str, limit: int, expected: str) -> None:
    assert shortened(text, limit) == expected


def test_the_call_is_counted_without_its_prompt(acme: Tenant) -> None:
    tasks = [
        QUESTIONS[Goal.REVIVE_LEAD, RecordKind.LEAD],
        question(Goal.CLEAR_TASK, kind=RecordKind.TASK),
    ]
    answers = think(tasks, Mode.PROPOSE_ACTIONS, actor=PIPELINE, now=NOW)
    assert [answer.proposal is not None for answer in answers] == [True, False]
    assert answers[0].call is answers[1].call
    call = BrainCall.objects.get()
    assert (call.provider, call.mode, call.tasks_count, call.proposals_count, call.outcome) == (
        Provider.RULES, Mode.PROPOSE_ACTIONS, 2, 1, "answered",
    )  # fmt: skip
    held: dict[str, Any] = vars(call)
    assert "Ana Lopez" not in str(held)
