"""Deals that moved: from one stage to another, by the change log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from apps.crm.enums import DealOutcome
from apps.crm.models import ChangeLog, Opportunity, Stage
from apps.crm.querysets import OpportunityQuerySet
from apps.dashboard.asked import Asked
from apps.dashboard.enums import Direction
from apps.triggers.rules.deals.changes import is_change_of, reference

MOVES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a deal's stage; a stage that is gone is None, and ``who`` is empty where unknown."""

    deal: Opportunity
    direction: Direction
    before: Stage | None
    after: Stage | None
    moved_at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class Movement:
    """The latest moves of the period, and how many there were in each direction."""

    latest: tuple[Move, ...]
    forward: int
    back: int
    won: int
    lost: int

    @property
    def total(self) -> int:
        """All moves."""
        return self.forward + self.back + self.won + self.lost


def read_movement(deals: OpportunityQuerySet, asked: Asked, stages: Sequence[Stage]) -> Movement:
    """Read the moves of the period in three queries. A deal that moved twice counts twice."""
    by_id = {stage.pk: stage for stage in stages}
    moves = (
        ChangeLog.objects.filter(
            is_change_of("stage_id"), changed_at__gte=asked.since, changed_at__lte=asked.now
        )
        .filter(record_id__in=deals.order_by().values("pk"))
        .annotate(before=reference("stage_id", 0), after=reference("stage_id", 1))
    )
    counts: Counter[Direction] = Counter()
    for before, after, count in (
        moves.order_by().values_list("before", "after").annotate(Count("pk"))
    ):
        counts[direction_of(by_id.get(before), by_id.get(after))] += count
    newest = moves.order_by("-changed_at", "-pk").values_list(
        "record_id", "before", "after", "changed_at", "actor_name"
    )
    return Movement(
        latest=tuple(_latest(list(newest[:MOVES_SHOWN]), deals, by_id)),
        forward=counts[Direction.FORWARD],
        back=counts[Direction.BACK],
        won=counts[Direction.WON],
        lost=counts[Direction.LOST],
    )


def direction_of(before: Stage | None, after: Stage | None) -> Direction:
    """Which way a change of stage led, by the stages as they are now; out of a closed one it led back."""
    if after is not None and after.outcome != DealOutcome.OPEN:
        return Direction.WON if after.outcome == DealOutcome.WON else Direction.LOST
    if before is None or after is None:
        return Direction.FORWARD
    if before.outcome != DealOutcome.OPEN or after.position < before.position:
        return Direction.BACK
    return Direction.FORWARD


def _latest(
    rows: Sequence[tuple[int, int, int, datetime, str]],
    deals: OpportunityQuerySet,
    stages: Mapping[int, Stage],
) -> list[Move]:
    found = deals.for_list_page().in_bulk([record for record, *_ in rows])
    return [
        Move(
            deal=found[record],
            direction=direction_of(stages.get(before), stages.get(after)),
            before=stages.get(before),
            after=stages.get(after),
            moved_at=moved_at,
            who=who,
        )
        for record, before, after, moved_at, who in rows
        if record in found
    ]
