"""The score of one record, for its own page and wherever else it is spoken of."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone

from apps.crm.models import Record
from apps.predictions.cards import read_card
from apps.predictions.views.access import VIEW_PERMISSION
from apps.predictions.wording import WORDINGS
from apps.users.services import person_of

register = template.Library()


@register.inclusion_tag("predictions/_record_card.html", takes_context=True)
def record_prediction(context: Context, record: Record) -> dict[str, Any]:
    """Show the score of ``record``, which the reader may see, or why there is none."""
    request = context["request"]
    if not person_of(request).has_perm(VIEW_PERMISSION):
        return {"card": None}
    return {"card": read_card(record, request.tenant, timezone.now()), "why": None}


@register.simple_tag
def score_url(record_kind: str, record_id: int) -> str:
    """The page that tells a record's score and why; empty for kinds of which nothing is predicted."""
    if record_kind not in {wording.record_kind for wording in WORDINGS.values()}:
        return ""
    return reverse(f"predictions:{record_kind}_score", args=[record_id])
