"""What the system did since yesterday began."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from apps.audit.enums import Event
from apps.audit.querysets import AuditEntryQuerySet
from apps.audit.reading import entries_since
from apps.dashboard.asked import Asked, start_of
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import Suggestion
from apps.suggestions.querysets import SuggestionQuerySet
from apps.triggers.enums import ScanStatus
from apps.triggers.models import Scan
from apps.triggers.rules import registry


@dataclass(frozen=True, slots=True)
class TriggerNews:
    """What one trigger led to: suggestions made, those of them held back now, and those withdrawn."""

    label: str
    found: int
    held_back: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class News:
    """Suggestions for the people asked for, since yesterday began.

    ``withdrawn`` counts those closed because their reason no longer held, ``expired`` those that nobody
    decided in time, ``applied`` those written after a person's yes and not taken back since. A trigger stands
    in ``triggers`` where it made or withdrew any, the busiest first; what no trigger made stands there as
    “Other”.
    """

    since: datetime
    applied: int
    expired: int
    triggers: tuple[TriggerNews, ...]
    last_scan: Scan | None

    @property
    def found(self) -> int:
        """Suggestions made."""
        return sum(row.found for row in self.triggers)

    @property
    def held_back(self) -> int:
        """Of those made, how many are held back now."""
        return sum(row.held_back for row in self.triggers)

    @property
    def withdrawn(self) -> int:
        """Suggestions withdrawn."""
        return sum(row.withdrawn for row in self.triggers)


def read_news(asked: Asked, *, sees_scans: bool) -> News:
    """Read it in five queries, six with the last scan."""
    since = start_of(asked.today - timedelta(days=1))
    entries = entries_since(since)
    own = Suggestion.objects.visible_to(asked.person).filter(asked.is_of("assignee"))
    is_held_back = Q(state=State.PENDING) & ~Q(held_back=HeldBack.NO)
    found = _by_trigger(own, entries, Event.SUGGESTION_CREATED, is_held_back)
    withdrawn = _by_trigger(own, entries, Event.SUGGESTION_WITHDRAWN, is_held_back)
    rows = [
        TriggerNews(registry.label(key) if key else "Other", *found[key], withdrawn[key][0])
        for key in {*found, *withdrawn}
    ]
    rows.sort(key=lambda row: (-row.found, -row.withdrawn, row.label))
    return News(
        since=since,
        applied=_of(own.filter(state=State.APPLIED), entries, Event.EXECUTION_SUCCEEDED).count(),
        expired=_of(own, entries, Event.SUGGESTION_EXPIRED).count(),
        triggers=tuple(rows),
        last_scan=_last_scan() if sees_scans else None,
    )


def _of(own: SuggestionQuerySet, entries: AuditEntryQuerySet, event: Event) -> SuggestionQuerySet:
    """Suggestions to which this happened."""
    named = entries.filter(event=event, suggestion_id__isnull=False)
    return own.filter(pk__in=named.order_by().values("suggestion_id")).order_by()


def _by_trigger(
    own: SuggestionQuerySet, entries: AuditEntryQuerySet, event: Event, part: Q
) -> Mapping[str, tuple[int, int]]:
    """All and those of a part, by the trigger that noticed it first of all."""
    rows = (
        _of(own, entries, event)
        .values_list("trigger")
        .annotate(count=Count("pk"), inside=Count("pk", filter=part))
    )
    return defaultdict(lambda: (0, 0), {key: (count, inside) for key, count, inside in rows})


def _last_scan() -> Scan | None:
    return Scan.objects.filter(status=ScanStatus.SUCCEEDED).order_by("-id").first()
