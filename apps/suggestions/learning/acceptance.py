"""How often people accept a kind of suggestion: measured, and shrunken where little has been decided.

A kind is a trigger, a tool and a segment, and what a person makes of it. Each rate is drawn towards that of
the next wider kind, so that three decisions in a corner say little and three hundred say what they say; of
the wider kind only what is not in the narrower one counts, so that no decision counts twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Self

from apps.suggestions.learning import rules
from apps.suggestions.learning.tallies import Tally, read_tallies

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What is known of one kind for one person.

    Attributes:
        estimate: the chance that the person accepts it; ranking goes by it, however little is known.
        rate: the same where enough is known for it to be shown, or None.
        decided: the decisions of the narrowest kind with enough of them; without one, those of the kind's
            trigger and tool.
    """

    estimate: float
    rate: float | None
    decided: int


class AcceptanceTable:
    """Approvals and rejections by kind and person, with the wider kinds above each."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self.tallies = tuple(tallies)
        self._accepted: dict[Key, float] = defaultdict(float)
        self._decided: dict[Key, float] = defaultdict(float)
        self._count: dict[Key, int] = defaultdict(int)
        for tally in self.tallies:
            kind = (tally.trigger, tally.tool, tally.segment)
            for key in (*_widening(*kind), *_own_kinds(tally.person_id, *kind)):
                self._accepted[key] += tally.accepted
                self._decided[key] += tally.decided
                self._count[key] += tally.count

    @classmethod
    def read(cls, now: datetime) -> Self:
        """Count all decisions so far, in one query."""
        return cls(read_tallies(now))

    def of(
        self,
        trigger: str,
        tool: str,
        segment: str,
        person_id: int | None = None,
        *,
        likelihood: float | None = None,
    ) -> Acceptance:
        """The acceptance of one kind: for a person, or for anybody.

        ``likelihood``: how probable the finding itself is. It stands in the place of what is decided about
        everything else, and is shown until enough is decided about the kind.
        """
        kinds = _widening(trigger, tool, segment)
        known = kinds if likelihood is None else kinds[1:]
        prior = rules.UNMEASURED_ACCEPTANCE if likelihood is None else likelihood
        if person_id is None:
            estimate = self._drawn(kinds[-1], None, toward=self._rate_around(known, prior))
            narrowing = kinds[:0:-1]
        else:
            leaning, cell = _own_kinds(person_id, trigger, tool, segment)
            around = self._rate_around([*known, cell], prior)
            estimate = self._drawn(
                cell, None, toward=self._as_leaning(around, kinds[2], leaning, cell)
            )
            narrowing = [cell, *kinds[:0:-1]]
        # The tenant's rate as a whole says nothing of a kind.
        counts = (self._count[kind] for kind in narrowing)
        enough = (count for count in counts if count >= rules.MINIMUM_DECISIONS)
        decided = next(enough, None)
        if decided is None:
            shown = None if likelihood is None else estimate
            return Acceptance(estimate, shown, self._count[kinds[2]])
        return Acceptance(estimate, estimate, decided)

    def _rate_around(self, kinds: Sequence[Key], prior: float) -> float:
        """What the wider kinds say of the last one, each without the next narrower one."""
        rate = prior
        for wider, narrower in pairwise(kinds):
            rate = self._drawn(wider, narrower, toward=rate)
        return rate

    def _as_leaning(self, rate: float, kind: Key, leaning: Key, cell: Key) -> float:
        """A rate as it is for a person, by what they make of the trigger and tool in other segments."""
        others = self._drawn(kind, leaning, toward=rate)
        own = self._drawn(leaning, cell, toward=others)
        return rules.leaning_to(rate, own=own, others=others)

    def _drawn(self, kind: Key, without: Key | None, *, toward: float) -> float:
        accepted, decided = self._accepted[kind], self._decided[kind]
        if without is not None:
            # Differences of sums of fractions: a hair below zero is zero.
            accepted = max(accepted - self._accepted[without], 0.0)
            decided = max(decided - self._decided[without], 0.0)
        return rules.shrunken(accepted=accepted, decided=decided, toward=toward)


def _widening(trigger: str, tool: str, segment: str) -> list[Key]:
    """Everything, and the kinds within it that are ever narrower."""
    return [(), (trigger,), (trigger, tool), (trigger, tool, segment)]


def _own_kinds(person_id: int, trigger: str, tool: str, segment: str) -> list[Key]:
    """What a person makes of the trigger and tool, and of the kind."""
    return [(person_id, trigger, tool), (person_id, trigger, tool, segment)]
