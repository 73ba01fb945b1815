"""What the Brain is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from apps.brain.enums import Goal, Language, Provider
from apps.execution.schemas import JsonValue, RecordRef
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Fact:
    """One numbered statement about a record, as shown to the person and cited by claims.

    ``key`` names it for the built-in rules (``lead.status``), ``value`` is its raw form in JSON; ``text`` is
    data, never an instruction.
    """

    number: int
    key: str
    label: str
    text: str
    value: JsonValue = None
    occurred_at: datetime | None = None
    record: RecordRef | None = None


# The number under which the record's label is withheld; facts are numbered from 1.
LABEL = 0


@dataclass(frozen=True, slots=True)
class Withheld:
    """A text of a task that reads like instructions to an AI: a fact by its number, or the ``LABEL``.

    ``code`` says what makes it read so (``apps.brain.hostile``).
    """

    number: int
    code: str


@dataclass(frozen=True, slots=True)
class ThinkTask:
    """One question to the Brain: what would serve this goal for this record?

    ``today`` and ``next_working_day`` are days of the tenant's zone and calendar. What is ``withheld`` no
    language model is shown, and no proposal quotes it.
    """

    record: RecordRef
    record_label: str
    goal: Goal
    facts: tuple[Fact, ...]
    tools: tuple[str, ...]
    today: date
    next_working_day: date
    # Who can be given what is to be done; None when they have left.
    doer_id: int | None
    withheld: tuple[Withheld, ...] = ()

    @property
    def is_label_withheld(self) -> bool:
        """Whether the record's own name reads like instructions to an AI."""
        return any(item.number == LABEL for item in self.withheld)

    def value(self, key: str) -> JsonValue:
        """The raw value of the first fact with this key, or None."""
        fact = self.fact(key)
        return fact.value if fact else None

    def text(self, key: str) -> str:
        """The raw value of a fact as text, empty when there is none."""
        value = self.value(key)
        return "" if value is None else str(value)

    def fact(self, key: str) -> Fact | None:
        """The first fact with this key."""
        return next((fact for fact in self.facts if fact.key == key), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of the evidence and the numbers of the facts that bear it out."""

    text: str
    facts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the Brain returns for a task: a tool, its arguments, a reason and evidence."""

    tool: str
    arguments: Mapping[str, JsonValue]
    title: str
    reason: str
    claims: tuple[Claim, ...] = field(default_factory=tuple)
    provider: Provider = Provider.RULES


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks, with the facts that are at hand, numbered from 1.

    The answer is made of these facts and of what the ``asker`` may see; it is written in ``language``.
    ``today`` is the day in the tenant's zone.
    """

    text: str
    asker: User
    language: Language
    today: date
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to have proposed, in their own words, with the facts that are at hand.

    Where they were asked back, ``before`` is what they said first and ``asked_back`` what they were asked.
    ``tools`` may be used, and ``stages``, by id, are those to which a deal may be moved. ``today`` and
    ``next_working_day`` are days of the tenant's zone and calendar.
    """

    text: str
    asker: User
    language: Language
    today: date
    next_working_day: date
    tools: tuple[str, ...]
    facts: tuple[Fact, ...] = ()
    stages: Mapping[int, str] = field(default_factory=dict)
    before: str = ""
    asked_back: str = ""

    @property
    def question(self) -> Question:
        """It as far as something is to be read for it."""
        return Question(self.text, self.asker, self.language, self.today, self.facts)

    @property
    def said(self) -> Fact:
        """All that was said of it, what they were asked included: a question back may repeat its figures."""
        spoken = (self.before, self.asked_back, self.text)
        return Fact(0, "asked", "You asked", " | ".join(filter(None, spoken)))


@dataclass(frozen=True, slots=True)
class WishedChange:
    """One change that a model makes of a wish; whether it holds is asked afterwards, as of any proposal."""

    tool: str
    arguments: Mapping[str, JsonValue]
    reason: str


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What the Brain says to a question: sentences that cite facts, given ones and ones that were read.

    A sentence of the product's own, which says what cannot be told, cites none.
    """

    sentences: tuple[Claim, ...]
    cited: tuple[Fact, ...]
    provider: Provider
    call_id: int

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def fact_numbers(self) -> tuple[int, ...]:
        """The numbers of the facts that are cited, in order."""
        return tuple(fact.number for fact in self.cited)

    @property
    def records(self) -> tuple[RecordRef, ...]:
        """The records that those facts speak of, each once."""
        return tuple(dict.fromkeys(fact.record for fact in self.cited if fact.record is not None))
