"""Editing what a suggestion would change, before the decision."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.audit.enums import Origin
from apps.execution.exceptions import ExecutionError, StaleError
from apps.execution.forms import ArgumentsForm
from apps.execution.tools import registry as tools
from apps.suggestions import services
from apps.suggestions.exceptions import SuggestionError, SuggestionNotFoundError
from apps.suggestions.forms import SeenForm
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import Detail
from apps.suggestions.shown import open_detail
from apps.suggestions.views.access import viewer_of
from apps.users.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The arguments as a form; saving them leads back to the suggestion, to be looked at and decided."""
    user = viewer_of(request)
    suggestion = (
        services.decidable(user, pk, Origin.PERSON)
        if request.method == "POST"
        else services.get_for(user, pk)
    )
    detail = open_detail(suggestion, user)
    if not detail.can_edit:
        messages.error(request, _why_not(detail))
        return redirect(suggestion)
    form = ArgumentsForm(
        request.POST or None,
        tool=tools.get(suggestion.tool),
        arguments=suggestion.arguments,
        viewer=user,
    )
    seen = SeenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _save(request, suggestion, user, form, seen)
    context = {
        "nav_section": "suggestions",
        "suggestion": suggestion,
        "form": form,
        "diff": detail.diff,
        "side_effects": detail.side_effects,
        "seen_at": request.POST.get("seen_at") or suggestion.refreshed_at.isoformat(),
    }
    return render(request, "suggestions/edit.html", context)


def _why_not(detail: Detail) -> str:
    if detail.stale:
        return StaleError.message
    return detail.refusal or "This suggestion cannot be edited now."


def _save(
    request: HttpRequest, suggestion: Suggestion, user: User, form: ArgumentsForm, seen: SeenForm
) -> HttpResponse:
    try:
        services.edit(
            suggestion_id=suggestion.pk,
            user=user,
            arguments=form.arguments(),
            now=timezone.now(),
            seen_at=_seen_at(seen),
        )
    except SuggestionNotFoundError:
        raise
    except (SuggestionError, ExecutionError) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Saved. Look at the change as it is now, and decide.")
    return redirect(suggestion)


def _seen_at(seen: SeenForm) -> datetime:
    """Which edition the person edited; an unreadable one is that of nobody."""
    if not seen.is_valid():
        return datetime.min.replace(tzinfo=timezone.get_current_timezone())
    moment: datetime = seen.cleaned_data["seen_at"]
    return moment
