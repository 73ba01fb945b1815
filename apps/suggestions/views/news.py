"""What an open page fetches when its socket says that suggestions have changed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from apps.suggestions.cards import cards_of
from apps.suggestions.enums import State
from apps.suggestions.exceptions import SuggestionNotFoundError
from apps.suggestions.models import Suggestion
from apps.suggestions.queue import Queue, left_for
from apps.suggestions.services import get_for, id_in
from apps.suggestions.views.access import viewer_of
from apps.suggestions.views.queue import list_context
from apps.users.models import User

# What the page says of itself beside the queue's own parameters.
_OPEN, _SEEN_AT, _SEEN_STATE, _LIST = "open", "seen_at", "seen_state", "list"


@require_safe
def show_news(request: HttpRequest) -> HttpResponse:
    """The badges; on the queue its list, too, and what has become of the open suggestion."""
    user = viewer_of(request)
    params = request.GET.copy()
    told = {name: params.pop(name, [""])[-1] for name in (_OPEN, _SEEN_AT, _SEEN_STATE, _LIST)}
    if not told[_LIST]:
        return render(request, "suggestions/_news.html", {"badge_count": left_for(user)})
    queue = Queue.read(user, params)
    cards = cards_of(queue.page.object_list, user, selected=None, query=queue.query)
    context = list_context(queue, cards)
    context["open_news"] = _news_of(user, told[_OPEN], told[_SEEN_AT], told[_SEEN_STATE])
    return render(request, "suggestions/_news.html", context)


def _news_of(user: User, open_id: str, seen_at: str, seen_state: str) -> str:
    """What is new about the suggestion that the page shows, as a sentence; empty when nothing is."""
    suggestion_id = id_in(open_id)
    if suggestion_id is None:
        return ""
    try:
        suggestion = get_for(user, suggestion_id)
    except SuggestionNotFoundError:
        return "This suggestion is no longer yours to see."
    if suggestion.state != seen_state:
        return _state_news(suggestion)
    if suggestion.refreshed_at != _moment(seen_at):
        return "This suggestion has changed since you opened it."
    return ""


def _state_news(suggestion: Suggestion) -> str:
    state = State(suggestion.state)
    if state == State.PENDING:
        return "This suggestion waits for a decision again."
    by = f" by {suggestion.reviewed_by}" if suggestion.reviewed_by else ""
    because = f": {suggestion.closed_because}" if suggestion.closed_because and not by else "."
    return f"{state.label}{by}{because}"


def _moment(text: str) -> object:
    try:
        return parse_datetime(text)
    except ValueError:
        return None
