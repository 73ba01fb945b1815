"""The sentences of a good proposal, made from the record's label and the numbered facts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from stubs.openai_server.schemas import Fact, Question

MOST_NAME_CHARACTERS = 80
MOST_QUOTED_CHARACTERS = 160
# A proposal rests on so many facts, and its reason tells so many.
MOST_CLAIMS, TOLD = 3, 2

# What each goal calls for: the task, and why now. ``{name}`` is the record.
GOALS: Mapping[str, tuple[str, str]] = {
    "meet_lead": (
        "Introduce yourself to {name}",
        "A first word is worth most while the enquiry is fresh.",
    ),
    "revive_lead": (
        "Pick up the conversation with {name}",
        "A short, friendly question is the easiest way back into the conversation.",
    ),
    "act_on_interest": (
        "Ask {name} for a meeting",
        "The interest is there now, so this is the moment to ask for a meeting.",
    ),
    "move_deal": (
        "Agree on the next step for {name}",
        "A concrete next step would show whether the deal is still alive.",
    ),
    "settle_close_date": (
        "Settle the close date of {name}",
        "The forecast rests on a date that can no longer be right, so ask for a new one.",
    ),
    "widen_deal": (
        "Bring a second contact into {name}",
        "A deal that hangs on one person is lost when that person leaves.",
    ),
    "keep_account": (
        "Check in with {name}",
        "A call now tells whether something is wrong while it can still be put right.",
    ),
    "plan_renewal": (
        "Prepare the renewal with {name}",
        "Starting early leaves time to talk about what should change.",
    ),
    "answer_message": (
        "Answer the message: {name}",
        "Somebody is waiting, and a short answer today is better than a long one next week.",
    ),
    "reach_contact": (
        "Try another way to reach {name}",
        "The way that was tried so far does not work, so it is time for another.",
    ),
    "look_into_change": (
        "Find out what has changed at {name}",
        "One question now tells whether this is a chance or a risk.",
    ),
    "clear_task": (
        "Settle the task “{name}”",
        "An open task that nobody means to do hides the ones that matter.",
    ),
    "plan_next_step": (
        "Plan the next step: {name}",
        "The talk led to nothing that is written down, so agree on what comes next.",
    ),
    "identify_sender": (
        "Take in the sender: {name}",
        "On file, the next message finds its owner by itself.",
    ),
    "correct_contact": (
        "Correct the details of {name}",
        "The next person who reaches out will then use what is right.",
    ),
}
_OTHER_GOAL = ("Take {name} further", "A small step now keeps the matter moving.")

# The title where the change itself, not the goal, says what will be done.
_TITLES = {
    "update_contact": "Update the details of {name}",
    "update_lead": "Bring the lead {name} up to date",
    "update_account": "Bring the account {name} up to date",
    "update_opportunity": "Note the next step on {name}",
    "update_task": "Move “{name}” to {day}",
    "create_lead": "Add the sender as a lead: {name}",
    "draft_email": "Write to {name}",
    "log_activity": "Put on record what is known about {name}",
}

# What a fact says as a sentence, by its label.
_SENTENCES = {
    "last contact": "The last contact was on {text}",
    "status": "The status is “{text}”",
    "stage": "The deal stands in “{text}”",
    "stage before": "Before that it stood in “{text}”",
    "in this stage since": "It has been in this stage since {text}",
    "expected close": "It was expected to close on {text}",
    "renews on": "The contract comes up for renewal on {text}",
    "due": "It was due on {text}",
    "about": "It is about {text}",
    "value": "{text} is at stake",
    "also at the account": "{text} works at the same account",
    "company": "The company is {text}",
    "lead source": "It came in by way of {text}",
}
# Which facts speak first, by label; those of the findings before all others.
_TELLING = (
    "last contact", "open tasks", "in this stage since", "expected close", "renews on", "due",
    "stage", "status", "about", "also at the account", "value",
)  # fmt: skip
_NOTICED = "noticed"
_TALKS = frozenset({"call", "meeting", "email", "e-mail", "message"})
_CLOSED = re.compile("the (?:deal|lead) is ")
_DATED = re.compile(r"^(?P<what>[\w -]+) (?P<when>(?:on|of) \d{1,2} \w{3} \d{4})$")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence without its full stop, and the number of the fact that bears it out."""

    text: str
    fact: int


def one_line(text: str, limit: int) -> str:
    """The text on one line without unseen characters, cut at a word."""
    seen = "".join(" " if sign.isspace() else sign for sign in text if _is_seen(sign))
    line = " ".join(seen.split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _is_seen(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def day_text(iso: str) -> str:
    """A day as people write it: ``3 Nov 2026``."""
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%b %Y}"


def name_of(question: Question) -> str:
    """The record as it is spoken of."""
    return one_line(question.record.label, MOST_NAME_CHARACTERS) or f"this {question.record.kind}"


def task_title(question: Question) -> str:
    """What is to be done."""
    return _goal(question)[0].format(name=name_of(question))


def title(question: Question, tool: str, arguments: Mapping[str, JsonValue]) -> str:
    """The proposal in one line."""
    pattern = _TITLES.get(tool, _goal(question)[0])
    if arguments.get("status") == "cancelled":
        pattern = "Cancel “{name}”"
    elif arguments.get("email_status") == "bounced":
        pattern = "Mark the e-mail address of {name} as not working"
    return pattern.format(name=name_of(question), day=day_text(question.next_working_day))


def is_subject_closed(question: Question) -> bool:
    """Whether what a task is about is over."""
    return any(_CLOSED.match(fact.text) for fact in question.facts)


def goal_key(question: Question) -> str:
    """The goal as a key, whether it was given as one or in words."""
    return "_".join(question.goal.casefold().split())


def statements(question: Question) -> list[Statement]:
    """What the most telling facts say, the strongest first."""
    ranked = sorted(question.facts, key=_rank)
    return [Statement(sentence(fact), fact.number) for fact in ranked[:MOST_CLAIMS]]


def reason(question: Question) -> str:
    """Why it should be done now."""
    told = [f"{one.text}." for one in statements(question)[:TOLD]]
    return " ".join([*told, _goal(question)[1]])


def description(question: Question) -> str:
    """What whoever does it should know."""
    last = _last_word(question)
    begin = f"Where things were left: {last}." if last else f"{sentence_of_first(question)}."
    return f"{begin} {_goal(question)[1]}"


def sentence_of_first(question: Question) -> str:
    """The strongest sentence, or one that says nothing wrong."""
    told = statements(question)
    return told[0].text if told else f"Nothing more is on record about {name_of(question)}"


def email_subject(question: Question) -> str:
    """The subject line of a draft."""
    return f"A short question, {first_name(question)}"


def email_body(question: Question) -> str:
    """The text of a draft."""
    last = _last_word(question)
    about = f" We last spoke about {last}." if last else ""
    return (
        f"Hello {first_name(question)},\n\n"
        f"I would like to pick up where we left off.{about} "
        "Would a short call this week suit you, or should I come back to it later?\n\n"
        "Kind regards"
    )


def first_name(question: Question) -> str:
    """How a person is addressed."""
    return name_of(question).split()[0]


def sentence(fact: Fact) -> str:
    """What a fact says, as a sentence without its full stop."""
    label = one_line(fact.label, MOST_NAME_CHARACTERS)
    text = one_line(fact.text, MOST_QUOTED_CHARACTERS).rstrip(".")
    key = label.casefold()
    if key == _NOTICED:
        what, _, details = text.partition(": ")
        return f"{what} ({details})" if details else what
    if key == "open tasks":
        return "Nothing is planned" if text == "none" else f"Open tasks: {text}"
    if dated := _DATED.match(label):
        return f"{dated['what']} {dated['when']}: “{text}”"
    return _SENTENCES.get(key, "{label}: {text}").format(label=label, text=text)


def _rank(fact: Fact) -> tuple[int, int]:
    key = fact.label.casefold()
    if key == _NOTICED:
        return 0, fact.number
    if key in _TELLING:
        return 1 + _TELLING.index(key), fact.number
    return 1 + len(_TELLING), fact.number


def _last_word(question: Question) -> str:
    """What the newest talk or message says, quoted, with its day."""
    dated: Sequence[tuple[Fact, re.Match[str]]] = [
        (fact, match)
        for fact in question.facts
        if (match := _DATED.match(fact.label)) and match["what"].casefold() in _TALKS
    ]
    if not dated:
        return ""
    fact, match = dated[0]
    text = one_line(fact.text, MOST_QUOTED_CHARACTERS).rstrip(".")
    return f"“{text}” ({match['what'].lower()} {match['when']})"


def _goal(question: Question) -> tuple[str, str]:
    return GOALS.get(goal_key(question), _OTHER_GOAL)
