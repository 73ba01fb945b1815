"""Which kinds are quiet for whom, and which have been decided on often enough to need no trial.

Here a kind is a trigger and a segment: what is quiet is what was noticed, whatever was proposed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apps.suggestions.learning import rules
from apps.suggestions.learning.enums import QuietBecause
from apps.suggestions.learning.tallies import Tally

Kind = tuple[str, str]
# Whom the database takes for the reader of what belongs to nobody.
NOBODY = 0


@dataclass(frozen=True, slots=True)
class QuietKind:
    """A trigger and segment of which a person gets no more than trials.

    ``person_id`` is None for what belongs to nobody. ``upper_0_1`` is the bound below the floor; ``count``
    and ``approved`` are the decisions behind it, plain numbers: the person's own, or everybody's.
    """

    person_id: int | None
    trigger: str
    segment: str
    because: QuietBecause
    upper_0_1: float
    count: int
    approved: int


@dataclass(frozen=True, slots=True)
class Quieting:
    """What is quiet, and what has been decided on often enough, as ``(person, trigger, segment)``."""

    quiet: tuple[QuietKind, ...]
    proven: frozenset[tuple[int, str, str]]


NOTHING_QUIET = Quieting((), frozenset())


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was wanted of what was judged, weighed, and plain numbers beside it."""

    wanted: float = 0.0
    judged: float = 0.0
    count: int = 0
    approved: int = 0

    def plus(self, other: _Evidence) -> _Evidence:
        return _Evidence(
            self.wanted + other.wanted,
            self.judged + other.judged,
            self.count + other.count,
            self.approved + other.approved,
        )

    def less(self, other: _Evidence) -> _Evidence:
        """Without one of those that were added; a hair below zero is zero."""
        return _Evidence(
            max(self.wanted - other.wanted, 0.0),
            max(self.judged - other.judged, 0.0),
            self.count - other.count,
            self.approved - other.approved,
        )

    def at_most(self, judged: float) -> _Evidence:
        """The same, as if no more than so much had been judged."""
        scale = min(1.0, judged / self.judged) if self.judged else 0.0
        return _Evidence(self.wanted * scale, self.judged * scale, self.count, self.approved)

    def capped(self) -> _Evidence:
        """As one voice among others."""
        return self.at_most(rules.OTHERS_EACH)

    def upper_bound(self) -> float:
        return rules.upper_bound(wanted=self.wanted, judged=self.judged)


_UNTOLD = _Evidence()


def find_quiet(tallies: Iterable[Tally], people: Collection[int | None]) -> Quieting:
    """Judge each kind for each of the people (None for what belongs to nobody).

    A person's own decisions can make a kind quiet for them alone. For others they count as a few at most, and
    those of one who wants next to nothing at all do not count: they tell no kind from another, and silence
    nobody else. Where three agree, a kind is quiet for those who have not said otherwise.
    """
    own: dict[Kind, dict[int, _Evidence]] = defaultdict(dict)
    of_all: dict[int, _Evidence] = {}
    for tally in tallies:
        told = _Evidence(tally.wanted, tally.judged, tally.count, tally.approved)
        of_kind = own[tally.trigger, tally.segment]
        of_kind[tally.person_id] = of_kind.get(tally.person_id, _UNTOLD).plus(told)
        of_all[tally.person_id] = of_all.get(tally.person_id, _UNTOLD).plus(told)
    heard = {person for person, told in of_all.items() if told.upper_bound() >= rules.QUIET_BELOW}
    quiet = []
    for kind, by_person in sorted(own.items()):
        said = {person_id: by_person[person_id].capped() for person_id in heard & by_person.keys()}
        everybody = _sum_of(said.values())
        for person_id in sorted(people, key=lambda pk: pk or 0):
            mine = by_person.get(person_id, _UNTOLD) if person_id is not None else _UNTOLD
            others = everybody.less(said.get(person_id, _UNTOLD)) if person_id else everybody
            found = _judge(mine, others)
            if found is not None:
                because, upper, basis = found
                quiet.append(
                    QuietKind(person_id, *kind, because, upper, basis.count, basis.approved)
                )
    proven = frozenset(
        (person_id, *kind)
        for kind, by_person in own.items()
        for person_id, evidence in by_person.items()
        if evidence.count >= rules.PROVEN_DECISIONS
    )
    return Quieting(tuple(quiet), proven)


def _judge(mine: _Evidence, others: _Evidence) -> tuple[QuietBecause, float, _Evidence] | None:
    """Because of whom a kind is quiet, the bound, and what it rests on; None where it is not."""
    upper = mine.upper_bound()
    if upper < rules.QUIET_BELOW:
        return QuietBecause.OWN, upper, mine
    upper = others.upper_bound()
    if upper < rules.QUIET_BELOW and mine.judged:
        upper = mine.plus(others.at_most(rules.OTHERS_ALL)).upper_bound()
    if upper < rules.QUIET_BELOW:
        return QuietBecause.ALL, upper, mine.plus(others)
    return None


def _sum_of(voices: Iterable[_Evidence]) -> _Evidence:
    total = _UNTOLD
    for voice in voices:
        total = total.plus(voice)
    return total


def quiet_lists(quieting: Quieting) -> dict[str, list[int] | list[str]]:
    """What is quiet for whom, as parallel lists for SQL; nobody is person 0."""
    return {
        "people": [kind.person_id or NOBODY for kind in quieting.quiet],
        "triggers": [kind.trigger for kind in quieting.quiet],
        "segments": [kind.segment for kind in quieting.quiet],
    }
