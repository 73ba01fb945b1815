"""The score of one record, for the record's own page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils import timezone

from apps.crm.models import Record
from apps.predictions.cards import read_card
from apps.predictions.views.access import VIEW_PERMISSION
from apps.users.services import person_of

register = template.Library()


@register.inclusion_tag("predictions/_record_card.html", takes_context=True)
def record_prediction(context: Context, record: Record) -> dict[str, Any]:
    """Show the score of ``record``, which the reader may see, or why there is none."""
    request = context["request"]
    if not person_of(request).has_perm(VIEW_PERMISSION):
        return {"card": None}
    return {"card": read_card(record, request.tenant, timezone.now()), "why": None}
