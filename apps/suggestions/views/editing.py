"""Editing what a suggestion would change, before the decision."""

from __future__ import annotations

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
from apps.suggestions.detail import Detail
from apps.suggestions.edit_pages import EditPage, Started, merge, open_form
from apps.suggestions.exceptions import (
    ChangedSinceSeenError,
    DecisionPermissionError,
    SuggestionError,
    SuggestionNotFoundError,
)
from apps.suggestions.forms import SeenForm
from apps.suggestions.likeness import look_alikes_of, tells_more
from apps.suggestions.models import Suggestion
from apps.suggestions.queue import Queue, kept_query
from apps.suggestions.shown import open_detail
from apps.suggestions.views.access import viewer_of
from apps.suggestions.views.queue import Said, go_on, go_to, next_of, said_approved
from apps.users.models import User
from apps.users.services import person_of


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The arguments as a form; saving them leads back to the suggestion, to be looked at and decided."""
    if request.method == "POST":
        return _post(request, pk)
    user = viewer_of(request)
    suggestion = services.get_for(user, pk)
    detail = open_detail(suggestion, user)
    if not detail.can_edit:
        messages.error(request, _why_not(detail))
        return redirect(suggestion)
    return _show(request, suggestion, detail, open_form(suggestion, user))


def _post(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_of(request)
    try:
        suggestion = services.editable(user, pk, Origin.PERSON)
        return _save(request, suggestion, user)
    except (SuggestionNotFoundError, DecisionPermissionError):
        raise
    except (SuggestionError, ExecutionError) as error:
        messages.error(request, error.message)
        return redirect("suggestions:detail", pk=pk)


def _save(request: HttpRequest, suggestion: Suggestion, user: User) -> HttpResponse:
    """Save what was typed; where somebody was first, show both, with nothing of it lost."""
    started = Started.read(request.POST.get("started", ""), suggestion)
    form = ArgumentsForm(
        request.POST, tool=tools.get(suggestion.tool), arguments=started.shown, viewer=user
    )
    if not form.is_valid():
        page = EditPage(form, started.token(suggestion), request.POST.get("seen_at", ""))
        return _show(request, suggestion, open_detail(suggestion, user), page)
    seen = SeenForm(request.POST)
    try:
        if not seen.is_valid():
            # An unreadable edition is that of nobody.
            raise ChangedSinceSeenError()
        edited = services.edit(
            suggestion_id=suggestion.pk,
            user=user,
            arguments=form.arguments(),
            now=timezone.now(),
            seen_at=seen.cleaned_data["seen_at"],
        )
    except ChangedSinceSeenError as error:
        newer = services.editable(user, suggestion.pk, Origin.PERSON)
        page = merge(newer, started, form.arguments(), user)
        return _show(request, newer, open_detail(newer, user), page, status=error.status)
    said = Said("Saved. Look at the change as it is now, and decide.")
    if "approve" in request.POST:
        # Who has not been told yet is asked once, as where a record is created.
        before = look_alikes_of(suggestion, user)
        if not tells_more(look_alikes_of(edited, user), before):
            return _approve(request, edited, user)
        said = Said("Saved, and not approved yet: what you made of it looks like what is here.")
    return go_to(request, Queue.read(user, request.GET), edited, said)


def _approve(request: HttpRequest, edited: Suggestion, user: User) -> HttpResponse:
    """Approve what the person has just typed; where that cannot be, it stands saved and says why."""
    at_hand, order = next_of(request, user, edited.pk)
    try:
        done = services.approve(
            suggestion_id=edited.pk, user=user, now=timezone.now(), seen_at=edited.refreshed_at
        )
    except (SuggestionError, ExecutionError) as error:
        messages.error(request, f"Your version is saved, and not approved. {error.message}")
        queue = Queue.read(user, request.GET)
        return go_to(request, queue, services.get_for(user, edited.pk))
    return go_on(request, user, order, said_approved(user, done), at_hand)


def _show(
    request: HttpRequest, suggestion: Suggestion, detail: Detail, page: EditPage, status: int = 200
) -> HttpResponse:
    context = {
        "nav_section": "suggestions",
        "suggestion": suggestion,
        "page": page,
        "form": page.form,
        "diff": detail.diff,
        "side_effects": detail.side_effects,
        "can_approve": detail.can_decide,
        "kept_query": kept_query(request.GET),
    }
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "suggestions/edit.html", context, status=status)
    # In the place of the diff; what was typed and does not fit is shown there as well.
    response = render(request, "suggestions/_edit.html", context)
    response["HX-Retarget"], response["HX-Reswap"] = "#suggestion-change", "innerHTML"
    response["HX-Push-Url"] = "false"
    return response


def _why_not(detail: Detail) -> str:
    if detail.stale:
        return StaleError.message
    return detail.refusal or "This suggestion cannot be edited now."
