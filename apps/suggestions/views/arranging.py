"""Narrowing the queue: the choices with their numbers, and views that a person keeps."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.crm.enums import RecordKind
from apps.suggestions.exceptions import TooManyViewsError
from apps.suggestions.facets import count_facets
from apps.suggestions.forms import QueueFilterForm, SavedViewForm, draw_filter_fields
from apps.suggestions.queue import default_view, in_view, view_labels
from apps.suggestions.saved_views import forget_view, save_view, saved_views
from apps.suggestions.views.access import viewer_of


@require_safe
def show_facets(request: HttpRequest) -> HttpResponse:
    """The fields of the filter form, each choice with how many suggestions it would leave."""
    user, now = viewer_of(request), timezone.now()
    asked = QueueFilterForm(request.GET)
    view = request.GET.get("view", "")
    rows = in_view(user, view if view in dict(view_labels(user)) else default_view(user))
    text = request.GET.get("q", "").strip()
    counted = count_facets(rows.search(text) if text else rows, asked.chosen(), now)
    return HttpResponse(draw_filter_fields(QueueFilterForm(request.GET, counted=counted)))


@require_http_methods(["GET", "HEAD", "POST"])
def views(request: HttpRequest) -> HttpResponse:
    """The views that the person keeps; a POST keeps what a list shows under a name, and shows it."""
    user = viewer_of(request)
    if request.method != "POST":
        kind = _kind_of(request.GET.get("record_kind", ""))
        context = {"nav_section": "suggestions", "saved_views": saved_views(user, kind)}
        template = "_saved_views" if request.htmx else "saved_views"  # type: ignore[attr-defined]
        return render(request, f"suggestions/{template}.html", context)
    kind = _kind_of(request.POST.get("record_kind", ""))
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give the view a name of up to 40 characters.")
        return redirect(_list_of(kind))
    try:
        view = save_view(user, form.cleaned_data["name"], form.cleaned_data["query"], kind)
    except TooManyViewsError as error:
        messages.error(request, error.message)
        return redirect(_list_of(kind))
    messages.success(request, f"Saved as “{view.name}”.")
    return redirect(view)


def _kind_of(text: str) -> RecordKind | None:
    """The kind of the records of a list; None for the queue."""
    return RecordKind(text) if text in RecordKind.values else None


def _list_of(kind: RecordKind | None) -> str:
    """The route of the list of a kind, or of the queue."""
    return f"crm:{kind.value}_list" if kind else "suggestions:queue"


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop a saved view of one's own."""
    view = forget_view(viewer_of(request), pk)
    if view is None:
        raise Http404
    messages.success(request, f"“{view.name}” is no longer kept.")
    return redirect(_list_of(_kind_of(view.record_kind)))
