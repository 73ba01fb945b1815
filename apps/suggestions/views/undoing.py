"""Taking back an applied suggestion: first what would come back, then the decision."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.audit.enums import Origin
from apps.execution.exceptions import ExecutionError, LaterWorkError, RecordMergedError
from apps.suggestions import services
from apps.suggestions.enums import State, Verdict
from apps.suggestions.exceptions import SuggestionError, SuggestionNotFoundError
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import undo_of
from apps.suggestions.queue import Queue
from apps.suggestions.services.merges import is_merge
from apps.suggestions.views.access import viewer_of
from apps.suggestions.views.queue import Said, go_to
from apps.users.models import User
from apps.users.services import person_of


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an undo would put back and what it would leave; a POST does it."""
    if request.method == "POST":
        user = person_of(request)
        return _undo(request, services.decidable(user, pk, Verdict.UNDO, Origin.PERSON), user)
    suggestion = services.get_for(viewer_of(request), pk)
    context = {
        "nav_section": "suggestions",
        "suggestion": suggestion,
        "undo": undo_of(suggestion, viewer_of(request), timezone.now()),
    }
    return render(request, "suggestions/undo.html", context)


def _undo(request: HttpRequest, suggestion: Suggestion, user: User) -> HttpResponse:
    try:
        done = services.undo(
            suggestion_id=suggestion.pk,
            user=user,
            now=timezone.now(),
            despite=request.POST.getlist("despite"),
            at_once="at_once" in request.POST,
        )
    except SuggestionNotFoundError:
        raise
    except (LaterWorkError, RecordMergedError) as error:
        # The page tells it field by field, and how to go on.
        messages.error(request, error.message)
        return _to_page_of_undo(request, suggestion)
    except (SuggestionError, ExecutionError) as error:
        messages.error(request, error.message)
        done, said = services.get_for(user, suggestion.pk), None
    else:
        said = Said(f"Undone: {services.title_for(user, done)}{_what_comes(done)}")
    return go_to(request, Queue.read(user, request.GET), done, said)


def _what_comes(done: Suggestion) -> str:
    """What becomes of it, as the end of a sentence."""
    if done.state == State.PENDING:
        return ". It waits again as before"
    comes_again = done.trigger and not is_merge(done)
    return ". While it is still found, it is suggested again" if comes_again else ""


def _to_page_of_undo(request: HttpRequest, suggestion: Suggestion) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("suggestions:undo", suggestion.pk)
    address = reverse("suggestions:undo", args=[suggestion.pk])
    return HttpResponse(status=204, headers={"HX-Redirect": address})
