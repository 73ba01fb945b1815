"""The menu of the views that a person keeps of a list of records: ``{% load kept_views %}``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.urls import reverse

from apps.crm.enums import RecordKind
from apps.suggestions.models import SavedView
from apps.suggestions.services import may_view
from apps.triggers.scopes import SCANNED
from apps.users.services import person_of

register = template.Library()


@register.inclusion_tag("suggestions/_kept_lists.html", takes_context=True)
def kept_views(context: Context, kind: RecordKind) -> dict[str, Any]:
    """The menu of one list; nothing for who may not keep views."""
    request = context["request"]
    asked = request.GET.copy()
    asked.pop("page", None)
    return {
        "kind": kind,
        "is_shown": may_view(person_of(request)),
        "query": asked.urlencode(),
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_tag(takes_context=True)
def scannable_views(context: Context) -> list[tuple[SavedView, str]]:
    """The person's kept lists of records, each with where one asks for a scan of it."""
    user = person_of(context["request"])
    views = SavedView.objects.filter(user=user, record_kind__in=SCANNED)
    return [(view, _scan_url(view)) for view in views]


def _scan_url(view: SavedView) -> str:
    scope = {"record_kind": view.record_kind, "query": view.query, "name": view.name}
    return f"{reverse('triggers:scan_ask')}?{urlencode(scope)}"
