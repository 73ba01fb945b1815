"""The page of what was discovered."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.suggestions.discoveries.forms import DiscoveryFilterForm, SeenForm
from apps.suggestions.discoveries.looking import mark_seen, note_look
from apps.suggestions.discoveries.presentation import address_of, tiles_of
from apps.suggestions.discoveries.reading import DiscoveredRecords, summarise
from apps.suggestions.services import may_view
from apps.tenants.pagination import FURTHEST_ROW, CappedPaginator
from apps.triggers.enums import VIEW_SIGNALS
from apps.triggers.last_looks import read_last_looks
from apps.users.models import User
from apps.users.services import person_with

RECORDS_PER_PAGE = 25


@require_safe
def show_discoveries(request: HttpRequest) -> HttpResponse:
    """The six kinds with their numbers, and the records, each with all that was found about it.

    Reading it changes nothing: that a person looks is noted by what the page sends (``note_looked``).
    """
    user, now = _viewer_of(request), timezone.now()
    filters = DiscoveryFilterForm(request.GET, viewer=user)
    asked = filters.asked(now)
    summary = summarise(asked)
    pages = CappedPaginator(
        DiscoveredRecords(asked),
        RECORDS_PER_PAGE,
        request.GET.get("page"),
        count_limit=FURTHEST_ROW,
    )
    pages.take_count(summary.fitting)
    context = {
        "nav_section": "discovered",
        "filters": filters,
        "asked": asked,
        "is_look": filters.shows_all(),
        "summary": summary,
        "all_kinds_address": address_of(asked, None),
        "tiles": tiles_of(summary, asked, sees_suggestions=may_view(user)),
        "page": pages.asked_page(),
        "looks": read_last_looks(now),
    }
    return render(request, "discoveries/discovered.html", context)


@require_POST
def mark_as_seen(request: HttpRequest) -> HttpResponse:
    """Take all that was found until the page was read for seen."""
    user, now = _viewer_of(request), timezone.now()
    form = SeenForm(request.POST)
    if form.is_valid():
        mark_seen(user, form.cleaned_data["until"], now)
        messages.success(request, "Marked as seen. What is found from now on is new.")
    else:
        messages.error(request, "Nothing was marked: open the page again, and mark it there.")
    return redirect("discoveries:discovered")


@require_POST
def note_looked(request: HttpRequest) -> HttpResponse:
    """Note a look at the page as it was read; sent again, it changes nothing."""
    user, now = _viewer_of(request), timezone.now()
    form = SeenForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=HTTPStatus.UNPROCESSABLE_ENTITY)
    note_look(user, form.cleaned_data["until"], now)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may look at what triggers find.

    Raises:
        PermissionDenied: their role does not include it.
    """
    return person_with(request, VIEW_SIGNALS, "Your role does not let you see what was discovered.")
