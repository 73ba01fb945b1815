"""The sentences of a good proposal, made from the record's label and the numbered facts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from stubs.openai_server.schemas import Fact, Question

MOST_NAME_CHARACTERS = 80
MOST_QUOTED_CHARACTERS = 160
MOST_CLAIMS = 3


# What facts are, by their labels; (talk) and (stated) for those whose labels hold a day.
_NOTICED, _LAST_CONTACT, _OPEN_TASKS = "noticed", "last contact", "open tasks"
_TALK, _STATED = "(talk)", "(stated)"
_NOTHING_PLANNED = "none"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a goal calls for.

    In the texts ``{name}`` is the record, ``{person}`` who is meant and ``{subject}`` what was last talked
    about, if anything. ``rests_on`` is the label of the fact that tells most.
    """

    task: str
    finding: str
    advice: str
    rests_on: str = ""


# How a person would be told the goals.
IN_WORDS = {
    "make first contact": "meet_lead",
    "revive the lead": "revive_lead",
    "act on the interest": "act_on_interest",
    "get the deal moving": "move_deal",
    "settle the close date": "settle_close_date",
    "bring in a second contact": "widen_deal",
    "keep the account": "keep_account",
    "plan the renewal": "plan_renewal",
    "answer the message": "answer_message",
    "reach the contact another way": "reach_contact",
    "look into the change": "look_into_change",
    "settle the task": "clear_task",
    "plan the next step": "plan_next_step",
    "take in the sender": "identify_sender",
    "correct the contact": "correct_contact",
    "merge the duplicates": "merge_duplicates",
}

GOALS: Mapping[str, Pattern] = {
    "meet_lead": Pattern(
        "Introduce yourself to {name}",
        "{name} has just become a lead",
        "A first word is worth most while the enquiry is fresh.",
    ),
    "revive_lead": Pattern(
        "Pick up the conversation with {name}",
        "{name} is about to slip away",
        "A short, friendly question is the easiest way back into the conversation.",
    ),
    "act_on_interest": Pattern(
        "Ask for a meeting: {name}",
        "{name} shows interest",
        "This is the moment to ask for a meeting.",
    ),
    "move_deal": Pattern(
        "Agree on the next step for {name}",
        "{name} has stopped moving",
        "A concrete next step would show whether the deal is still alive.",
        "in this stage since",
    ),
    "settle_close_date": Pattern(
        "Settle the close date of {name}",
        "The close date of {name} no longer holds",
        "The forecast rests on it, so ask them for a date that they believe in.",
        "expected close",
    ),
    "widen_deal": Pattern(
        "Bring a second contact into {name}",
        "{name} hangs on one person",
        "A second contact keeps it alive if that person leaves.",
        "also at the account",
    ),
    "keep_account": Pattern(
        "Check in with {name}",
        "{name} needs attention",
        "A call now tells whether something is wrong while it can still be put right.",
    ),
    "plan_renewal": Pattern(
        "Prepare the renewal with {name}",
        "The contract with {name} comes up for renewal",
        "Starting early leaves time to talk about what should change.",
        "renews on",
    ),
    "answer_message": Pattern(
        "Answer {person}{subject}",
        "{person} is waiting for an answer",
        "A short answer today is better than a long one next week.",
        _TALK,
    ),
    "reach_contact": Pattern(
        "Try another way to reach {name}",
        "{name} does not answer",
        "Another way, or somebody else there, may bring an answer.",
    ),
    "look_into_change": Pattern(
        "Find out what has changed for {name}",
        "Contact with {name} is not what it was",
        "One question now tells whether this is a chance or a risk.",
    ),
    "clear_task": Pattern(
        "Settle the task “{name}”",
        "“{name}” is still open",
        "An open task that nobody means to do hides the ones that matter.",
        "due",
    ),
    "plan_next_step": Pattern(
        "Agree on the next step with {person}{subject}",
        "Nothing has followed from the talk with {person}",
        "Settle who does what next, and by when.",
        _TALK,
    ),
    "identify_sender": Pattern(
        "Add {person} as a lead",
        "{person} is not on file",
        "As a lead, their next message finds its owner by itself.",
        _TALK,
    ),
    "correct_contact": Pattern(
        "Correct the details of {name}",
        "What is on file about {name} is out of date",
        "With this, the next message or call arrives.",
        _STATED,
    ),
    "merge_duplicates": Pattern(
        "Merge {name} with its double",
        "{name} is on file twice",
        "One record keeps everybody's notes and next steps together.",
    ),
}
_OTHER_GOAL = Pattern(
    "Take {name} further", "{name} needs attention", "A small step now keeps the matter moving."
)

# The title where the change itself, not the goal, says what will be done.
_TITLES = {
    "update_contact": "Update the details of {name}",
    "update_lead": "Bring the lead {name} up to date",
    "update_account": "Bring the account {name} up to date",
    "update_opportunity": "Note the next step on {name}",
    "update_task": "Move “{name}” to {day}",
    "create_lead": "Add {person} as a lead",
    "draft_email": "Write to {name}",
    "log_activity": "Put on record what is known about {name}",
}
_CANCEL = "Cancel “{name}”"
_BOUNCED = "Mark the e-mail address of {name} as not working"

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
# Which facts speak first, behind the findings and what the goal rests on. The rest follows as it stands.
_TELLING = (
    _STATED, _LAST_CONTACT, _OPEN_TASKS, "in this stage since", "expected close", "renews on", "due",
    _TALK, "stage", "about", "also at the account", "value", "status",
)  # fmt: skip
_CLOSED = re.compile("the (?:deal|lead) is ")
_DATED = re.compile(r"^(?P<what>[\w -]+) (?P<when>(?:on|of) \d{1,2} \w{3} \d{4})$")
_IN_SIGNATURE = " in the signature"
_TALKS = frozenset({"call", "meeting", "email", "e-mail", "message"})
# What the label of a message or talk begins with, before its own name.
_KIND_BEFORE = re.compile(
    r"(?:(?:call|meeting|e-mail|email|note|message): |message from )", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence without its full stop, and the numbers of the facts that bear it out."""

    text: str
    facts: tuple[int, ...]


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
    label = one_line(question.record.label, MOST_NAME_CHARACTERS)
    if question.record.kind == "activity":
        label = _KIND_BEFORE.sub("", label, count=1)
    return label or f"this {question.record.kind}"


def task_title(question: Question) -> str:
    """What is to be done."""
    return _filled(_pattern(question).task, question)


def title(question: Question, tool: str, arguments: Mapping[str, JsonValue]) -> str:
    """The proposal in one line."""
    pattern = _TITLES.get(tool, _pattern(question).task)
    if arguments.get("status") == "cancelled":
        pattern = _CANCEL
    elif arguments.get("email_status") == "bounced":
        pattern = _BOUNCED
    return _filled(pattern, question)


def _filled(pattern: str, question: Question) -> str:
    talk = next(_talks(question), None)
    return pattern.format(
        name=name_of(question),
        person=_text_of(question, "from") or _text_of(question, "name") or name_of(question),
        subject=f": “{one_line(talk.text, MOST_NAME_CHARACTERS)}”" if talk else "",
        day=day_text(question.next_working_day),
    )


def is_subject_closed(question: Question) -> bool:
    """Whether what a task is about is over."""
    return any(_CLOSED.match(fact.text) for fact in question.facts)


def goal_key(question: Question) -> str:
    """The goal as a key, whether it was given as one or in words."""
    words = " ".join(question.goal.casefold().split())
    return IN_WORDS.get(words, words.replace(" ", "_"))


def statements(question: Question) -> list[Statement]:
    """What the most telling facts say, the strongest first."""
    first = _pattern(question).rests_on
    idle = _idle(question)
    told = [
        (_rank(fact, first), Statement(sentence(fact), (fact.number,)))
        for fact in question.facts
        if fact not in idle
    ]
    if idle:
        together = " and ".join([sentence(idle[0]), _small(sentence(idle[1]))])
        numbers = tuple(fact.number for fact in idle)
        told.append((_rank(idle[0], first), Statement(together, numbers)))
    told.sort(key=lambda ranked: ranked[0])
    return [statement for _, statement in told[:MOST_CLAIMS]]


def _idle(question: Question) -> list[Fact]:
    """The facts that tell of silence with nothing planned: two that belong into one sentence."""
    last = [fact for fact in question.facts if _key(fact) == _LAST_CONTACT]
    tasks = [fact for fact in question.facts if _key(fact) == _OPEN_TASKS]
    is_idle = bool(last) and bool(tasks) and tasks[0].text == _NOTHING_PLANNED
    return [last[0], tasks[0]] if is_idle else []


def reason(question: Question) -> str:
    """Why it should be done now."""
    pattern = _pattern(question)
    finding = _filled(pattern.finding, question)
    noticed = {fact.number for fact in question.facts if _key(fact) == _NOTICED}
    borne_out = [one.text for one in statements(question) if not noticed & set(one.facts)]
    return " ".join([f"{finding}.", *(f"{text}." for text in borne_out[:1]), pattern.advice])


def description(question: Question) -> str:
    """What whoever does it should know: where things were left, else why it should be done."""
    talks = [
        f"“{one_line(fact.text, MOST_QUOTED_CHARACTERS).rstrip('.')}” ({_small(fact.label)})"
        for fact in _talks(question)
    ]
    if not talks:
        return reason(question)
    before = f" Before that: {talks[1]}." if len(talks) > 1 else ""
    return f"Where things were left: {talks[0]}.{before}"


def email_subject(question: Question) -> str:
    """The subject line of a draft."""
    return f"A short question, {first_name(question)}"


def email_body(question: Question) -> str:
    """The text of a draft."""
    talk = next(_talks(question), None)
    what = f"“{one_line(talk.text, MOST_QUOTED_CHARACTERS).rstrip('.')}”" if talk else ""
    about = f" We last spoke about {what}." if what else ""
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
    key = _key(fact)
    if key == _NOTICED:
        what, _, details = text.partition(": ")
        return f"{what} ({details})" if details else what
    if key == _OPEN_TASKS:
        return "Nothing is planned" if text == _NOTHING_PLANNED else f"Open tasks: {text}"
    if key == _TALK and (talk := _DATED.match(label)):
        return f"The {_small(talk['what'])} {talk['when']} was about “{text}”"
    if dated := _DATED.match(label):
        return f"{dated['what']} {dated['when']}: “{text}”"
    return _SENTENCES.get(key, "{label}: {text}").format(label=label, text=text)


def _small(text: str) -> str:
    """The text as it stands inside a sentence."""
    return text[:1].lower() + text[1:]


def _key(fact: Fact) -> str:
    """The label that tells what sort of fact it is."""
    dated = _DATED.match(fact.label)
    what = dated["what"].casefold() if dated else ""
    if what in _TALKS:
        return _TALK
    return _STATED if what.endswith(_IN_SIGNATURE) else fact.label.casefold()


def _rank(fact: Fact, first: str) -> tuple[int, int]:
    order = (_NOTICED, first, *_TELLING)
    key = _key(fact)
    return (order.index(key) if key in order else len(order)), fact.number


def _talks(question: Question) -> Iterator[Fact]:
    """The talks and messages, the newest first."""
    return (fact for fact in question.facts if _key(fact) == _TALK)


def _text_of(question: Question, label: str) -> str:
    """What the first fact with a label says."""
    texts = (fact.text for fact in question.facts if fact.label.casefold() == label)
    return one_line(next(texts, ""), MOST_NAME_CHARACTERS)


def _pattern(question: Question) -> Pattern:
    return GOALS.get(goal_key(question), _OTHER_GOAL)
