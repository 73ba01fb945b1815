"""Where people disagree: the same kind of suggestion, accepted by one and rejected by another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from apps.execution.tools import registry as tools
from apps.suggestions.enums import Verdict
from apps.suggestions.models import Decision
from apps.triggers.rules import registry as triggers

# A judgement: of fewer decisions a share moves by more than twenty points with each.
LEAST_DECISIONS = 5
KINDS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Tally:
    """One person's decisions on one kind, which is a trigger and a tool."""

    person_id: int
    trigger: str
    tool: str
    decided: int
    approved: int

    @property
    def accepted_0_1(self) -> float:
        """The share that was approved."""
        return self.approved / self.decided


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A kind on which at least two people decided often enough, and who stands farthest apart."""

    kind: str
    decided: int
    people: int
    most: Tally
    least: Tally

    @property
    def points(self) -> int:
        """How far apart they are, in percentage points."""
        return round(100 * (self.most.accepted_0_1 - self.least.accepted_0_1))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a person accepted, and what colleagues accept of the same kinds in the same mixture.

    Only kinds count on which colleagues decided ``LEAST_DECISIONS`` times or more; ``decided`` are the
    person's decisions on those.
    """

    decided: int
    accepted_0_1: float
    colleagues_0_1: float

    @property
    def points(self) -> int:
        """By how many percentage points the person accepts more."""
        return round(100 * (self.accepted_0_1 - self.colleagues_0_1))


def read_tallies(since: datetime, now: datetime) -> list[Tally]:
    """Approvals and rejections since, by person and kind; one query."""
    rows = (
        Decision.objects.filter(
            decided_at__gte=since,
            decided_at__lte=now,
            verdict__in=[Verdict.APPROVE, Verdict.REJECT],
        )
        .order_by("decided_by_id", "trigger", "tool")
        .values_list("decided_by_id", "trigger", "tool")
        .annotate(decided=Count("pk"), approved=Count("pk", filter=Q(verdict=Verdict.APPROVE)))
    )
    return [Tally(*row) for row in rows]


def disagreements(tallies: Iterable[Tally]) -> tuple[Disagreement, ...]:
    """The kinds with people farthest apart."""
    found = []
    for (trigger, tool), of_kind in _by_kind(tallies).items():
        often = [tally for tally in of_kind if tally.decided >= LEAST_DECISIONS]
        if len(often) < 2:
            continue
        ranked = sorted(often, key=lambda tally: (tally.accepted_0_1, tally.person_id))
        found.append(
            Disagreement(
                kind=kind_label(trigger, tool),
                decided=sum(tally.decided for tally in of_kind),
                people=len(often),
                most=ranked[-1],
                least=ranked[0],
            )
        )
    found.sort(key=lambda row: (-row.points, -row.decided, row.kind))
    return tuple(row for row in found if row.points)[:KINDS_SHOWN]


def comparisons(tallies: Sequence[Tally]) -> dict[int, Comparison]:
    """Each person against colleagues who decided on the same kinds (indirect standardisation).

    Who decides on easy kinds accepts more for that reason alone: colleagues' shares are weighted by the
    person's own mixture of kinds.
    """
    kinds = {kind: _sums(of_kind) for kind, of_kind in _by_kind(tallies).items()}
    own: defaultdict[int, list[float]] = defaultdict(lambda: [0, 0, 0])
    for tally in tallies:
        decided, approved = kinds[tally.trigger, tally.tool]
        others = decided - tally.decided
        if others < LEAST_DECISIONS:
            continue
        sums = own[tally.person_id]
        sums[0] += tally.decided
        sums[1] += tally.approved
        sums[2] += tally.decided * (approved - tally.approved) / others
    return {
        person: Comparison(round(decided), approved / decided, expected / decided)
        for person, (decided, approved, expected) in own.items()
        if decided >= LEAST_DECISIONS
    }


def kind_label(trigger: str, tool: str) -> str:
    """A kind in words; what no trigger noticed is called by its tool alone."""
    change = tools.label(tool) if tool in tools else tool.replace("_", " ")
    return f"{triggers.label(trigger)}: {change}" if trigger else change


def _by_kind(tallies: Iterable[Tally]) -> Mapping[tuple[str, str], list[Tally]]:
    found: defaultdict[tuple[str, str], list[Tally]] = defaultdict(list)
    for tally in tallies:
        found[tally.trigger, tally.tool].append(tally)
    return found


def _sums(tallies: Iterable[Tally]) -> tuple[int, int]:
    decided = approved = 0
    for tally in tallies:
        decided += tally.decided
        approved += tally.approved
    return decided, approved
