"""How often people accept a kind of suggestion: measured, and shrunken where little has been decided.

A kind is a trigger, a tool and a segment. Each rate is drawn towards that of the next wider kind, so that
three decisions in a corner say little and three hundred say what they say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.db.models import Count, Q

from apps.suggestions import rules
from apps.suggestions.enums import Segment, Verdict
from apps.suggestions.models import Decision


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What is known of one kind.

    Attributes:
        estimate: the shrunken rate of the kind itself; ranking goes by it, however little is known.
        rate: the shrunken rate of the narrowest kind with enough decisions to be shown, or None.
        decided: the decisions behind ``rate``; without one, those of the kind's trigger and tool.
    """

    estimate: float
    rate: float | None
    decided: int


class AcceptanceTable:
    """Approvals and rejections by kind, with the wider kinds above each."""

    def __init__(self, rows: Iterable[tuple[str, str, str, int, int]]) -> None:
        self._accepted: Counter[tuple[str, ...]] = Counter()
        self._decided: Counter[tuple[str, ...]] = Counter()
        for trigger, tool, segment, accepted, decided in rows:
            for kind in _widening(trigger, tool, segment):
                self._accepted[kind] += accepted
                self._decided[kind] += decided

    @classmethod
    def read(cls) -> Self:
        """Count all decisions so far, in one query."""
        rows = (
            Decision.objects.filter(verdict__in=[Verdict.APPROVE, Verdict.REJECT])
            .values_list("trigger", "tool", "segment")
            .annotate(accepted=Count("pk", filter=Q(verdict=Verdict.APPROVE)), decided=Count("pk"))
            .order_by()
        )
        return cls(rows)

    def of(self, trigger: str, tool: str, segment: Segment) -> Acceptance:
        """The acceptance of one kind."""
        narrowing = _widening(trigger, tool, segment)[::-1]
        estimate = rules.UNMEASURED_ACCEPTANCE
        rate, decided = None, self._decided[trigger, tool]
        for kind in narrowing:
            count = self._decided[kind]
            estimate = rules.shrunken(accepted=self._accepted[kind], decided=count, toward=estimate)
            # The tenant's rate as a whole says nothing of a kind.
            if kind and count >= rules.MINIMUM_DECISIONS:
                rate, decided = estimate, count
        return Acceptance(estimate, rate, decided)


def _widening(trigger: str, tool: str, segment: str) -> list[tuple[str, ...]]:
    """The kind and the wider ones that it belongs to, up to everything."""
    return [(trigger, tool, segment), (trigger, tool), (trigger,), ()]
