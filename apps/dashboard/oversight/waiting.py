"""How long undecided suggestions have waited in the queues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, DateTimeField, DurationField, F, Min, Q, Value

from apps.dashboard.deals import Median
from apps.suggestions.models import Suggestion

# Since one working day, half a week, a week, and as long as a suggestion is kept by default.
_BANDS_DAYS = (1, 3, 7, 14)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one person, by ``queued_at``; ``person_id`` is None for what nobody was given."""

    person_id: int | None
    count: int
    median_age: timedelta | None
    oldest_at: datetime | None

    @property
    def median_days(self) -> float | None:
        """The median age in days."""
        return self.median_age / timedelta(days=1) if self.median_age is not None else None


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Suggestions that have waited for some time: from ``from_days`` on, and less than ``to_days``."""

    from_days: int
    to_days: int | None
    count: int

    @property
    def label(self) -> str:
        """In words."""
        if self.to_days is None:
            return f"{self.from_days} days and more"
        if not self.from_days:
            return "less than a day"
        return f"{self.from_days} to {self.to_days} days"


def read_waiting(now: datetime) -> list[Waiting]:
    """What waits in each queue, the fullest first; one query."""
    age = Value(now, DateTimeField()) - F("queued_at")
    rows = (
        Suggestion.objects.in_queue()
        .order_by()
        .values_list("assignee_id")
        .annotate(
            count=Count("pk"),
            median=Median(age, output_field=DurationField()),
            oldest=Min("queued_at"),
        )
    )
    return sorted((Waiting(*row) for row in rows), key=lambda row: (-row.count, row.person_id or 0))


def read_age_bands(now: datetime) -> tuple[AgeBand, ...]:
    """All that waits, by how long it has; one query."""
    bounds = [0, *_BANDS_DAYS]
    spans = list(zip(bounds, [*bounds[1:], None], strict=True))
    counts = Suggestion.objects.in_queue().aggregate(
        **{
            f"from_{first}": Count("pk", filter=_has_waited(now, first, last))
            for first, last in spans
        }
    )
    return tuple(AgeBand(first, last, counts[f"from_{first}"]) for first, last in spans)


def _has_waited(now: datetime, from_days: int, to_days: int | None) -> Q:
    condition = Q(queued_at__lte=now - timedelta(days=from_days)) if from_days else Q()
    if to_days is not None:
        condition &= Q(queued_at__gt=now - timedelta(days=to_days))
    return condition
