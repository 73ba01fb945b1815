"""The search through the records of several kinds, behind the box in the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.crm.layouts import LAYOUTS, Layout
from apps.crm.models import Record
from apps.crm.presentation import Shown, show_field
from apps.crm.querysets import MOST_SEARCH_WORDS
from apps.crm.search import LONGEST_TEXT, SHORTEST_TEXT, find_matches
from apps.crm.services import visible_records
from apps.crm.views.access import may
from apps.users.models import User
from apps.users.services import person_of

# Of each kind; the rest is one link away.
MOST_HITS = 5


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found, with what tells it from others of its name."""

    record: Record
    gist: tuple[Shown, ...]
    badge: Shown | None


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind, and in which fields was looked for it.

    ``all_url`` leads to the list, where there is more than shown.
    """

    layout: Layout
    searched: frozenset[str]
    hits: tuple[Hit, ...]
    all_url: str


@require_safe
def search_records(request: HttpRequest) -> HttpResponse:
    """Records of every kind that mention each word of ``q``; while typing, only the results."""
    user = person_of(request)
    layouts = [layout for layout in LAYOUTS.values() if layout.gist and may(user, "view", layout)]
    if not layouts:
        raise PermissionDenied("Your role does not let you see records.")
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_TEXT]
    is_too_short = len(text) < SHORTEST_TEXT
    found = [] if is_too_short else [_find(user, layout, text) for layout in layouts]
    context = {
        "is_search": True,
        "search_text": text,
        "words": text.split()[:MOST_SEARCH_WORDS],
        "is_too_short": is_too_short,
        "groups": [group for group in found if group.hits],
    }
    is_fragment = request.headers.get("HX-Target") == "search-results"
    template = "crm/_search_results.html" if is_fragment else "crm/search.html"
    return render(request, template, context)


def _find(user: User, layout: Layout, text: str) -> Group:
    rows: Any = visible_records(user, layout.model).for_list_page()
    records = list(find_matches(rows, layout, text)[: MOST_HITS + 1])
    searched = frozenset(field.partition("__")[0] for field in layout.model.search_fields)
    hits = tuple(_show_hit(record, layout) for record in records[:MOST_HITS])
    all_url = f"{reverse(f'crm:{layout.kind.value}_list')}?{urlencode({'q': text})}"
    return Group(layout, searched, hits, all_url if len(records) > MOST_HITS else "")


def _show_hit(record: Record, layout: Layout) -> Hit:
    shown = (show_field(record, name) for name in layout.gist)
    badge = show_field(record, layout.badge) if layout.badge else None
    return Hit(record, tuple(value for value in shown if not value.is_empty), badge)
