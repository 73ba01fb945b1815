"""One turn of a conversation under way: who asks, what was said, and what has been read for the answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.brain.enums import Language, Mode
from apps.brain.hostile import reads_like_orders
from apps.brain.language_model.replies import FunctionCall
from apps.brain.reading.running import HostileFact, record_hostile, run_call
from apps.brain.schemas import Claim, Fact, Question
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.signs import one_line
from apps.users.models import User

WITHHELD = "withheld: this text reads like instructions to an AI. Read it on the record's own page."
# One sentence tells one thing; a note of a page is quoted by its beginning.
LONGEST_QUOTED = 300
_WHY_NOT = {
    "not_permitted": "Your role does not include this.",
    "not_found": "There is no such record that you may see.",
    "too_slow": "Looking this up took too long; try again, or open the page.",
}


@dataclass(frozen=True, slots=True)
class AskedBack:
    """What a model has asked back about what a person wishes, and their words that it has asked about."""

    question: str
    wish: str


# How the rules end their own question, whichever records they list below it.
WHICH_ONE = "Which one do you mean?"


@dataclass(frozen=True, slots=True)
class AskedWhich:
    """What the rules have asked back: which of these records, in the order of the list, a message is about.

    ``wish`` is that message; ``options`` are the records, each with its kind and what it is called.
    """

    wish: str
    options: tuple[tuple[RecordRef, str], ...]


class NotReadError(Exception):
    """What the answer needs cannot be read by this person; ``words`` says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.words = _WHY_NOT.get(code, "This could not be looked up.")
        super().__init__(code)


@dataclass(slots=True)
class Turn:
    """What is known of the message that is being answered.

    ``today`` is the day in the person's zone. ``page`` is the record whose page is open, ``carried`` the one
    that was last spoken about; where that was a list, ``listed`` are its records; all only where the person
    may see them. ``asked_back`` is what a model has asked in the last answer, ``asked_which`` what the rules
    have, each where they did. ``meant`` are the records, and ``meant_words`` the words, by which the person
    has told the rules which one they mean.
    """

    user: User
    words: str
    origin: Origin
    now: datetime
    today: date
    next_working_day: date
    language: Language
    page: RecordRef | None = None
    carried: RecordRef | None = None
    listed: tuple[RecordRef, ...] = ()
    asked_back: AskedBack | None = None
    asked_which: AskedWhich | None = None
    meant: RecordRef | None = None
    meant_words: str = ""
    facts: list[Fact] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        """The person, who talks."""
        return Actor.for_person(self.user, self.origin)

    def question(self, facts: Sequence[Fact] = ()) -> Question:
        """The message as a question to the Brain."""
        return Question(self.words, self.user, self.language, self.today, tuple(facts))

    def look_up(self, tool: str, **arguments: JsonValue) -> Sequence[Fact]:
        """Read something, as the role ``aisha_ai`` and on record; texts that give orders are withheld.

        Raises:
            NotReadError: it is not there for this person.
        """
        call = FunctionCall("", tool, json.dumps(arguments))
        first = len(self.facts) + 1
        read = run_call(call, self.question(), first_number=first, actor=self.actor)
        if read.refusal:
            raise NotReadError(read.refusal)
        facts = [self.harmless(fact) for fact in read.facts]
        self.facts += facts
        hostile = (
            HostileFact(fact.number, fact.record, reads_like_orders(fact.text))
            for fact, shown in zip(read.facts, facts, strict=True)
            if shown.text == WITHHELD
        )
        record_hostile(hostile, Mode.READ_ONLY, self.actor)
        return facts

    def note(self, fact: Fact) -> Fact:
        """Take a fact up under the next number."""
        numbered = self.harmless(replace(fact, number=len(self.facts) + 1))
        self.facts.append(numbered)
        return numbered

    def take_up(self, facts: Iterable[Fact]) -> None:
        """Take up what a model knows: it was told the facts at hand, and its own go on by number."""
        known = {fact.number for fact in self.facts}
        self.facts += [self.harmless(fact) for fact in facts if fact.number not in known]

    def harmless(self, fact: Fact) -> Fact:
        """The fact as it may be repeated: on one line, and without a text that gives orders."""
        text = one_line(fact.text)
        if reads_like_orders(fact.text):
            return replace(fact, text=WITHHELD)
        shown = text if len(text) <= LONGEST_QUOTED else f"{text[: LONGEST_QUOTED - 1]}…"
        return replace(fact, text=shown)


def told(*facts: Fact) -> tuple[Claim, ...]:
    """Facts as plain sentences: what it is, and what it says."""
    return tuple(
        Claim(f"{one_line(fact.label)}: {fact.text.rstrip('.')}.", (fact.number,)) for fact in facts
    )
