"""What the Brain is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from apps.brain.enums import Goal, Provider
from apps.execution.schemas import JsonValue, RecordRef


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


@dataclass(frozen=True, slots=True)
class ThinkTask:
    """One question to the Brain: what would serve this goal for this record?

    ``today`` and ``next_working_day`` are days of the tenant's zone and calendar.
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
