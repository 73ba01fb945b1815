"""Approving several at once: choosing, looking at what they come to, saying yes, and what became of each."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.execution.exceptions import ExecutionError
from apps.suggestions import services
from apps.suggestions.bulk_pages import (
    best_of,
    read_tokens,
    show_choice,
    show_confirmation,
    show_results,
)
from apps.suggestions.exceptions import DecisionPermissionError, SuggestionError
from apps.suggestions.models import BulkApproval
from apps.suggestions.tasks import send_bulk
from apps.suggestions.views.access import viewer_of
from apps.users.models import User
from apps.users.services import person_of


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """The person's waiting suggestions of one tool, each with what it would change on one line."""
    user = _decider(request)
    choice = show_choice(user, request.GET.get("tool", ""), request.GET.get("page"))
    context = {"nav_section": "suggestions", "choice": choice}
    return render(request, "suggestions/bulk.html", context)


@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """What the chosen come to together; nothing is decided yet."""
    user, tool = _decider(request), request.POST.get("tool", "")
    is_all = "all" in request.POST
    try:
        items = best_of(user, tool) if is_all else read_tokens(request.POST.getlist("items"))
        confirmation = show_confirmation(user, items)
    except SuggestionError as error:
        messages.error(request, error.message)
        return redirect("suggestions:bulk")
    context = {"nav_section": "suggestions", "confirmation": confirmation}
    return render(request, "suggestions/bulk_confirm.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """The yes: each is applied by a worker, one after the other."""
    user = person_of(request)
    services.require_decider(user)
    try:
        bulk = services.request_bulk(
            user=user,
            items=read_tokens(request.POST.getlist("items")),
            now=timezone.now(),
        )
    except (SuggestionError, ExecutionError) as error:
        messages.error(request, error.message)
        return redirect("suggestions:bulk")
    send_bulk(bulk)
    return redirect(bulk)


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, and what became of each; asked again by htmx while it runs."""
    user = viewer_of(request)
    context = {
        "nav_section": "suggestions",
        "results": show_results(_find(user, pk), user, request.GET.get("page")),
    }
    template = "_bulk_results" if request.htmx else "bulk_results"  # type: ignore[attr-defined]
    return render(request, f"suggestions/{template}.html", context)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try what failed again, as this page showed it."""
    try:
        again = services.retry_bulk(
            user=person_of(request),
            bulk_id=pk,
            items=read_tokens(request.POST.getlist("items")),
            now=timezone.now(),
        )
    except (SuggestionError, ExecutionError) as error:
        messages.error(request, error.message)
    else:
        send_bulk(again)
    return redirect(_find(viewer_of(request), pk))


def _decider(request: HttpRequest) -> User:
    user = viewer_of(request)
    if not services.may_decide(user):
        raise DecisionPermissionError()
    return user


def _find(user: User, pk: int) -> BulkApproval:
    bulks = BulkApproval.objects.visible_to(user).select_related("requested_by")
    return get_object_or_404(bulks, pk=pk)
