"""What triggers noticed, as sentences: the reason for a proposal is what its strongest findings say.

A fact with the key ``finding`` stands for each firing signal, the strongest first. Its raw value holds the
trigger's key, the moments, days and numbers that it saw, and the parameters that it went by, under its names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from apps.brain.rules.wording import counted, day_text
from apps.brain.schemas import Fact, ThinkTask
from apps.execution.schemas import JsonValue


@dataclass(frozen=True, slots=True)
class Finding:
    """What one trigger noticed about the record of a task."""

    task: ThinkTask
    fact: Fact
    trigger: str
    saw: Mapping[str, JsonValue]
    went_by: Mapping[str, JsonValue]

    def number(self, name: str) -> int | float | None:
        """A number that the trigger saw."""
        return _number(self.saw.get(name))

    def day(self, name: str) -> str:
        """A day or the day of a moment that it saw, as people write it; empty when it saw none."""
        value = self.saw.get(name)
        return day_text(value) if isinstance(value, str) else ""

    def percent(self, name: str) -> str:
        """A score in whole percent, never 0 or 100, which no prediction means; empty when it saw none."""
        value = self.number(name)
        return "" if value is None else f"{min(0.99, max(0.01, value)):.0%}"

    def since(self, parameter: str) -> str:
        """The day that lies so many days back as a parameter says; empty when there is none."""
        days = _number(self.went_by.get(parameter))
        if days is None:
            return ""
        return day_text((self.task.today - timedelta(days=days)).isoformat())

    @property
    def is_rise(self) -> bool:
        """Whether it counted contacts at a higher rate of late than before."""
        rates = (self._rate("recent_count", "recent_days"), self._rate("former_count", "past_days"))
        return rates[0] > rates[1]

    @property
    def comparison(self) -> str:
        """How many contacts there were of late and before; empty when it did not count them."""
        recent, former = self.number("recent_count"), self.number("former_count")
        if recent is None or former is None:
            return ""
        since = self.day("changed_on") or self.since("recent_days")
        past = self._span("past_days")
        if not since or past is None:
            return f"{counted(recent, 'contact')} of late, {former:g} before"
        return f"{counted(recent, 'contact')} since {since}, {former:g} in the {past:g} days before"

    def _rate(self, count: str, days: str) -> float:
        return (self.number(count) or 0) / (self._span(days) or 1)

    def _span(self, name: str) -> int | float | None:
        """So many days as it saw, else as its parameters say."""
        seen = self.number(name)
        return seen if seen is not None else _number(self.went_by.get(name))

    def says(self, text: str, *facts: Fact | None) -> Statement:
        """A statement that the finding bears out, with the other facts that do."""
        return Statement(text, tuple(fact for fact in facts if fact is not None) or (self.fact,))


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence without its full stop, and the facts that bear it out."""

    text: str
    facts: tuple[Fact, ...]


Phrase = Callable[[Finding], Statement]


def findings_of(task: ThinkTask) -> list[Finding]:
    """What triggers noticed, the strongest first."""
    return [
        Finding(
            task,
            fact,
            trigger=str(fact.value.get("trigger")),
            saw=fact.value.get("saw") or {},
            went_by=fact.value.get("went_by") or {},
        )
        for fact in task.facts
        if fact.key == "finding" and isinstance(fact.value, dict)
    ]


def statements_of(task: ThinkTask, phrases: Mapping[str, Phrase]) -> list[Statement]:
    """What the findings of a task say; one whose trigger has no phrase says its own text."""
    return [phrases.get(finding.trigger, _own_text)(finding) for finding in findings_of(task)]


def _own_text(finding: Finding) -> Statement:
    return finding.says(finding.fact.text)


def _number(value: JsonValue) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value
