"""The score of one record on a page of its own: why it is what it is, and how it was before."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.crm.enums import RecordKind
from apps.crm.layouts import LAYOUTS
from apps.crm.views.access import read_record, require_view
from apps.predictions.cards import read_card
from apps.predictions.explanations import explain_score
from apps.predictions.views.access import viewer_of


@require_safe
def show_score(request: HttpRequest, kind: RecordKind, pk: int) -> HttpResponse:
    """The score of a record and why it is what it is; with htmx only the reasons."""
    user, layout = viewer_of(request), LAYOUTS[kind]
    require_view(user, layout)
    record, now = read_record(user, layout, pk), timezone.now()
    card = read_card(record, request.tenant, now)  # type: ignore[attr-defined]
    if card is None:
        raise Http404
    context: dict[str, Any] = {
        "nav_section": layout.nav_section,
        "layout": layout,
        "card": card,
        "why": explain_score(card.wording.prediction, pk, now) if card.score else None,
    }
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    return render(request, f"predictions/{'_why' if is_fragment else 'score'}.html", context)
