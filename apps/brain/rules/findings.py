"""What triggers noticed, as sentences: the reason for a proposal is what its strongest findings say.

A fact with the key ``finding`` stands for each firing signal, the strongest first. Its raw value holds the
trigger's key and the moments, days and numbers that the trigger saw and went by, under the trigger's names.
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
    saw: Mapping[str, JsonValue]

    def number(self, name: str) -> int | float | None:
        """A number that the trigger saw or went by."""
        value = self.saw.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value

    def day(self, name: str) -> str:
        """A day or the day of a moment that it saw, as people write it; empty when it saw none."""
        value = self.saw.get(name)
        return day_text(value) if isinstance(value, str) else ""

    def percent(self, name: str) -> str:
        """A share from 0 to 1 in per cent; empty when it saw none."""
        value = self.number(name)
        return "" if value is None else f"{value:.0%}"

    @property
    def window_begin(self) -> str:
        """The day on which the window that it counted in began; empty when it counted in none."""
        days = self.number("window_days")
        if days is None:
            return ""
        return day_text((self.task.today - timedelta(days=days)).isoformat())

    @property
    def is_rise(self) -> bool:
        """Whether it counted more contacts of late than before."""
        recent, former = self.number("recent_count"), self.number("former_count")
        return recent is not None and former is not None and recent > former

    @property
    def comparison(self) -> str:
        """How many contacts there were of late and before; empty when it did not count them."""
        recent, former = self.number("recent_count"), self.number("former_count")
        if recent is None or former is None:
            return ""
        days = self.number("window_days")
        if days is None:
            return f"{counted(recent, 'contact')} of late, {former:g} before"
        before = f"in the {days:g} days before"
        return f"{counted(recent, 'contact')} since {self.window_begin}, {former:g} {before}"

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
        Finding(task, fact, fact.value)
        for fact in task.facts
        if fact.key == "finding" and isinstance(fact.value, dict)
    ]


def statements_of(task: ThinkTask, phrases: Mapping[str, Phrase]) -> list[Statement]:
    """What the findings of a task say; one whose trigger has no phrase says its own text."""
    return [
        phrases.get(str(finding.saw.get("trigger")), _own_text)(finding)
        for finding in findings_of(task)
    ]


def _own_text(finding: Finding) -> Statement:
    return finding.says(finding.fact.text)
