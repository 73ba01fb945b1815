"""The suggestions of one record or one call of the Brain, for their own pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from apps.brain.models import BrainCall
from apps.crm.models import Record
from apps.suggestions.cards import cards_of
from apps.suggestions.models import Suggestion
from apps.suggestions.services import may_view
from apps.users.services import person_of

register = template.Library()

SHOWN = 5
SHOWN_OF_CALL = 50


@register.inclusion_tag("suggestions/_record_feed.html", takes_context=True)
def record_suggestions(context: Context, record: Record) -> dict[str, Any]:
    """Show what waits for a decision about ``record``, as far as the reader may see it."""
    viewer = person_of(context["request"])
    if not may_view(viewer):
        return {"cards": []}
    suggestions = (
        Suggestion.objects.visible_to(viewer)
        .needing_decision()
        .filter(record_kind=record.kind, record_id=record.pk)
        .for_queue_page()
        .order_by("-rank", "-id")[:SHOWN]
    )
    return {"cards": cards_of(suggestions, viewer)}


@register.inclusion_tag("suggestions/_of_call.html", takes_context=True)
def suggestions_of_call(context: Context, call: BrainCall) -> dict[str, Any]:
    """Show what a call wrote, as far as the reader may see it."""
    viewer = person_of(context["request"])
    if not may_view(viewer):
        return {"cards": []}
    suggestions = (
        Suggestion.objects.visible_to(viewer)
        .filter(brain_call=call)
        .for_queue_page()
        .order_by("-rank", "-id")[: SHOWN_OF_CALL + 1]
    )
    cards = cards_of(suggestions, viewer)
    more = f"The first {SHOWN_OF_CALL} are shown." if len(cards) > SHOWN_OF_CALL else ""
    return {"cards": cards[:SHOWN_OF_CALL], "more": more}
