"""What was found beside what is really so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from apps.crm.enums import RecordKind

BY_ORACLE = "behaviour change, by an oracle"
# A record by its kind and the simulation's key.
Subject = tuple[RecordKind, str]


class Finding(StrEnum):
    """What discovery is to find."""

    MISSING_FOLLOWUP = "missing follow-up"
    STALLED_DEAL = "stalled deal"
    HOT_LEAD = "hot lead"
    BEHAVIOUR_CHANGE = "behaviour change"
    CHURN = "churn"
    DUPLICATE = "duplicate"


class Doubt(StrEnum):
    """Why it can be said neither way whether contact has changed; the first reason that applies."""

    YOUNG = "too young"
    OLD = "too old"
    BEGUN = "hardly any contact before"
    SMALL = "neither much nor little"
    FAINT = "neither clear nor nothing"


@dataclass(frozen=True, slots=True)
class Truth:
    """The records of which something is really so, and those of which it can be said neither way.

    ``unsettled`` are records at which the cause has just set in, or lies long back: finding them is no
    mistake, and not finding them is none.
    """

    holds: frozenset[Subject] = frozenset()
    unsettled: frozenset[Subject] = frozenset()


@dataclass(slots=True)
class Tally:
    """Counts over all worlds: found rightly, wrongly, or where it can be said neither way; and missed."""

    right: int = 0
    wrong: int = 0
    unsettled: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """The share of what was found and can be judged that is really so; 0 when nothing was."""
        return self.right / (self.right + self.wrong) if self.right else 0.0

    @property
    def precision_at_worst(self) -> float:
        """The precision if all that can be said neither way were wrong; 0 when nothing was right."""
        found = self.right + self.wrong + self.unsettled
        return self.right / found if self.right else 0.0

    @property
    def recall(self) -> float:
        """The share of what is really so that was found; 0 when there is nothing to find."""
        return self.right / (self.right + self.missed) if self.right else 0.0


@dataclass(slots=True)
class Comparison:
    """A tally per kind of finding; ``by_oracle`` is that of changed behaviour for one who knows the rates.

    ``doubts`` counts why what was found as changed behaviour can be said neither way.
    """

    tallies: dict[Finding, Tally] = field(
        default_factory=lambda: {finding: Tally() for finding in Finding}
    )
    by_oracle: Tally = field(default_factory=Tally)
    doubts: Counter[Doubt] = field(default_factory=Counter)

    def rows(self) -> dict[str, Tally]:
        """All tallies by what they are called."""
        named = {finding.value: tally for finding, tally in self.tallies.items()}
        return named | {BY_ORACLE: self.by_oracle}

    def add(
        self, found: Mapping[Finding, Iterable[Subject]], truths: Mapping[Finding, Truth]
    ) -> None:
        """Count one world."""
        for finding, tally in self.tallies.items():
            _count(tally, set(found.get(finding, ())), truths[finding])

    def add_oracle(self, seen: Iterable[Subject], truth: Truth) -> None:
        """Count what one who knows the rates would see in one world."""
        _count(self.by_oracle, set(seen), truth)

    def add_doubts(self, found: Iterable[Subject], doubts: Mapping[Subject, Doubt]) -> None:
        """Count why what was found as changed behaviour in one world can be said neither way."""
        self.doubts.update(doubts[subject] for subject in set(found) if subject in doubts)


def _count(tally: Tally, subjects: set[Subject], truth: Truth) -> None:
    tally.right += len(subjects & truth.holds)
    tally.wrong += len(subjects - truth.holds - truth.unsettled)
    tally.unsettled += len(subjects & truth.unsettled)
    tally.missed += len(truth.holds - subjects)
