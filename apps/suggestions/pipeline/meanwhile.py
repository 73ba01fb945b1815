"""What people did while a model was being asked, which may have taken minutes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.triggers.models import Silence


def barred_meanwhile(batch: Collection[Awaiting], now: datetime) -> set[Awaiting]:
    """Those for which no new suggestion may be made any more: one is open again, or it was silenced.

    Two queries. What is only to be refreshed is looked at, and locked, when it is written.
    """
    fresh = [awaiting for awaiting in batch if awaiting.suggestion_id is None]
    ids = {awaiting.record.id for awaiting in fresh}
    barring = Suggestion.objects.filter(state__in=State.barring_values(), record_id__in=ids)
    is_open = set(barring.order_by().values_list("record_kind", "record_id", "goal"))
    silences = list(
        Silence.objects.in_force(now).filter(Q(record_id__in=ids) | Q(record_id=None), tool="")
    )
    return {
        awaiting
        for awaiting in fresh
        if (awaiting.record.kind, awaiting.record.id, awaiting.goal) in is_open
        or any(_covers(silence, awaiting) for silence in silences)
    }


def _covers(silence: Silence, awaiting: Awaiting) -> bool:
    """Of several signals the strongest one's trigger counts."""
    return silence.covers(
        record_kind=awaiting.record.kind,
        record_id=awaiting.record.id,
        goal=awaiting.goal,
        trigger=awaiting.trigger,
    )
