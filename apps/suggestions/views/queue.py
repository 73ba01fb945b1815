"""The review queue and the decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.execution.exceptions import ExecutionError
from apps.execution.schemas import RecordRef
from apps.execution.tools import registry as tools
from apps.suggestions import ahead, services
from apps.suggestions.cards import Card, cards_of
from apps.suggestions.empty_states import empty_state
from apps.suggestions.enums import Verdict
from apps.suggestions.exceptions import SuggestionError, SuggestionNotFoundError
from apps.suggestions.forms import (
    ApproveForm,
    ChoiceForm,
    ReassignForm,
    RejectForm,
    SnoozeForm,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.queue import Left, Queue, default_view, ids_after, kept_query, left_text
from apps.suggestions.services.access import record_of
from apps.suggestions.shown import open_detail, read_detail, recording_shown
from apps.suggestions.views.access import refuse_form, viewer_of
from apps.suggestions.views.detail import detail_context
from apps.tenants.statements import ask_together, with_new_plans
from apps.triggers.schedule import next_daily_scan
from apps.users.models import User
from apps.users.services import person_of

# A menu that lists more is no choice; the API takes any.
MOST_PEOPLE = 100


@dataclass(frozen=True, slots=True)
class Said:
    """What was done, in words; ``undo_address`` takes it back by a POST, for as long as it is offered.

    ``took_card``: the card is gone from the list, and nothing else has changed in it. ``wrote_about``: the
    record that is not as it was.
    """

    text: str
    undo_address: str = ""
    took_card: bool = True
    wrote_about: RecordRef | None = None

    def leaves(self, card: Suggestion) -> bool:
        """Whether a card that was read before it stands as it was read."""
        return self.took_card and record_of(card) != self.wrote_about


def said_approved(user: User, done: Suggestion) -> Said:
    """What an approval says of itself."""
    is_reversible = tools.get(done.tool).is_reversible
    undo_address = reverse("suggestions:undo", args=[done.pk]) if is_reversible else ""
    text = f"Approved: {services.title_for(user, done)}"
    return Said(text, undo_address, wrote_about=record_of(done))


@require_safe
def show_queue(request: HttpRequest) -> HttpResponse:
    """The list, with its first card open beside it."""
    queue = Queue.read(viewer_of(request), request.GET)
    return _answer(request, queue, queue.first(), screen="list")


@require_safe
def show_suggestion(request: HttpRequest, pk: int) -> HttpResponse:
    """One suggestion at its own address, beside the list."""
    user = viewer_of(request)
    suggestion = services.get_for(user, pk)
    if request.headers.get(ahead.HEADER) == ahead.READ:
        return _read_ahead(request, user, suggestion)
    return _answer(request, Queue.read(user, request.GET), suggestion, screen="detail")


def _read_ahead(request: HttpRequest, user: User, suggestion: Suggestion) -> HttpResponse:
    """What the page shows of it once the card before it is decided."""
    detail = read_detail(suggestion, user)
    context = detail_context(suggestion, detail, user, kept_query(request.GET))
    response = render(request, "suggestions/_detail.html", context)
    response[ahead.HEADER] = ahead.mark_of(suggestion)
    return response


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Apply the change, in this person's name."""
    form = ApproveForm(request.POST)

    def decide(user: User) -> Said:
        if not form.is_valid():
            refuse_form(user, pk, Verdict.APPROVE)
        done = services.approve(
            suggestion_id=pk,
            user=user,
            now=timezone.now(),
            seen_at=_chosen_edition(request, pk, user) or form.cleaned_data["seen_at"],
            fields=form.accepted_fields(),
        )
        return said_approved(user, done)

    return _decide(request, pk, decide)


@require_POST
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Save what is to survive a merge, field by field, or that the other record is."""

    def decide(user: User) -> Said:
        if _chosen_edition(request, pk, user) is None:
            refuse_form(user, pk, Verdict.EDIT)
        return Said("Saved. Look at the change as it is now, and decide.")

    return _decide(request, pk, decide, stays=True)


def _chosen_edition(request: HttpRequest, pk: int, user: User) -> datetime | None:
    """Save what is chosen on the page; return the edition that says so, None where nothing is chosen."""
    form = ChoiceForm(request.POST)
    if (
        not form.is_asked()
        or not form.is_valid()
        or not (form.cleaned_data["swap"] or form.choices())
    ):
        return None
    chosen = services.choose(
        suggestion_id=pk,
        user=user,
        choices=form.choices(),
        is_swapped=form.cleaned_data["swap"],
        seen_at=form.cleaned_data["seen_at"],
        now=timezone.now(),
    )
    return chosen.refreshed_at


@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Close it, with a reason."""
    form = RejectForm(request.POST)

    def decide(user: User) -> Said:
        if not form.is_valid():
            refuse_form(user, pk, Verdict.REJECT)
        stop = form.stop_chosen()
        done = services.reject(
            suggestion_id=pk,
            user=user,
            reason=form.cleaned_data["reason"],
            note=form.cleaned_data["note"],
            stop=stop,
            now=timezone.now(),
        )
        stopped = f". Stopped for {stop.days} days: {stop.scope.label}" if stop else ""
        return Said(
            f"Rejected: {services.title_for(user, done)}{stopped}",
            reverse("suggestions:reopen", args=[pk]),
            # Others may have been withdrawn with it.
            took_card=stop is None,
        )

    return _decide(request, pk, decide)


@require_POST
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Put it away for a while."""
    form = SnoozeForm(request.POST)
    now = timezone.now()

    def decide(user: User) -> Said:
        if not form.is_valid():
            refuse_form(user, pk, Verdict.SNOOZE)
        done = services.snooze(
            suggestion_id=pk,
            user=user,
            until=form.until_at(now),
            wakes_on_change=form.wakes_on_change,
            now=now,
        )
        return Said(
            f"Snoozed: {services.title_for(user, done)}", reverse("suggestions:reopen", args=[pk])
        )

    return _decide(request, pk, decide)


@require_POST
def rebase(request: HttpRequest, pk: int) -> HttpResponse:
    """Compare the change with the record as it stands now; the same card stays open."""

    def decide(user: User) -> Said:
        services.rebase(suggestion_id=pk, user=user, now=timezone.now())
        return Said("Brought up to date. Look at the change again before you decide.")

    return _decide(request, pk, decide, stays=True)


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Put it back among the waiting ones."""

    def decide(user: User) -> Said:
        done = services.reopen(suggestion_id=pk, user=user, now=timezone.now())
        return Said(f"Reopened: {services.title_for(user, done)}")

    return _decide(request, pk, decide, stays=True)


@require_http_methods(["GET", "HEAD", "POST"])
def reassign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it to somebody else; to whom it can be given is asked for when the menu is opened."""
    if request.method != "POST":
        return _show_people(request, pk)
    user = person_of(request)
    form = ReassignForm(request.POST, giver=user)

    def decide(user: User) -> Said:
        if not form.is_valid():
            refuse_form(user, pk, Verdict.REASSIGN)
        to = form.cleaned_data["to"]
        done = services.reassign(suggestion_id=pk, user=user, to=to, now=timezone.now())
        words = f"Given to {to or 'nobody in particular'}: {services.title_for(user, done)}"
        # It may stand in the list all the same, in another's name.
        return Said(words, took_card=False)

    return _decide(request, pk, decide)


def _show_people(request: HttpRequest, pk: int) -> HttpResponse:
    user = viewer_of(request)
    suggestion = services.get_for(user, pk)
    context = {
        "nav_section": "suggestions",
        "suggestion": suggestion,
        "people": services.possible_assignees(suggestion, user)[:MOST_PEOPLE],
        "kept_query": kept_query(request.GET),
    }
    template = "_reassign" if request.htmx else "reassign"  # type: ignore[attr-defined]
    return render(request, f"suggestions/{template}.html", context)


def _decide(
    request: HttpRequest, pk: int, decide: Callable[[User], Said], *, stays: bool = False
) -> HttpResponse:
    """Take one decision, announce it, and go on to the next card (or stay on this one)."""
    user = person_of(request)
    at_hand, order = (None, []) if stays else next_of(request, user, pk)
    try:
        said = decide(user)
    except SuggestionNotFoundError:
        raise
    except (SuggestionError, ExecutionError) as error:
        if not services.may_view(user):
            raise
        messages.error(request, error.message)
        # The page's script swaps in these two; whatever else went wrong, the card is shown again.
        status = error.status if error.status in {409, 422} else 409
        queue = Queue.read(user, request.GET)
        return go_to(request, queue, services.get_for(user, pk), status=status)
    if not stays:
        return go_on(request, user, order, said, at_hand)
    return go_to(request, Queue.read(user, request.GET), services.get_for(user, pk), said)


def next_of(request: HttpRequest, user: User, pk: int) -> tuple[Suggestion | None, list[int]]:
    """Where to go on from a card that is to be decided: the card that the page has at hand, and the order."""
    at_hand = ahead.card_at_hand(user, request.headers.get(ahead.HEADER, ""))
    if at_hand is None or at_hand.pk == pk:
        return None, ids_after(user, request.GET, pk)
    return at_hand, [at_hand.pk]


def go_on(
    request: HttpRequest,
    user: User,
    order: Sequence[int],
    said: Said,
    at_hand: Suggestion | None = None,
) -> HttpResponse:
    """Announce a decision with what is left, and show the next card, the first of ``order`` that waits.

    Where only the decided card has gone, the list is not drawn: the page takes the card out, and catches up
    with what came into its place as with any news (live.js). Nor is the next card, where the page has it at
    hand as it stands (ahead.js).
    """
    is_swapped_in = said.took_card and bool(request.htmx)  # type: ignore[attr-defined]
    kept = at_hand if is_swapped_in and at_hand is not None and said.leaves(at_hand) else None
    left = _count_left(request, user, kept)
    said = replace(said, text=f"{said.text}. {left_text(left.in_view)} left.")
    next_card = kept or services.first_undecided(user, order)
    if next_card is None or not is_swapped_in:
        queue = Queue.read(user, request.GET)
        return go_to(request, queue, next_card or queue.first(), said)
    query = kept_query(request.GET)
    context: dict[str, Any] = {"kept_query": query, "said": said, "badge_count": left.in_first}
    if kept is None:
        context |= detail_context(next_card, open_detail(next_card, user), user, query)
    response = render(request, "suggestions/_decided.html", context)
    if kept is not None:
        response[ahead.HEADER] = ahead.mark_of(kept)
    response["HX-Push-Url"] = next_card.get_absolute_url() + query
    response["HX-Retarget"], response["HX-Reswap"] = "#suggestion-detail", "innerHTML"
    return response


def _count_left(request: HttpRequest, user: User, shown: Suggestion | None) -> Left:
    """What is left; that the card which the page has at hand is shown goes on record with it."""

    def ask() -> Left:
        recorded = recording_shown([shown], user) if shown is not None else ()
        counted: Left = ask_together(Left.asked(user, request.GET), *recorded)[0]
        return counted

    return with_new_plans(ask)


def go_to(
    request: HttpRequest,
    queue: Queue,
    suggestion: Suggestion | None,
    said: Said | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Show a suggestion (or only the list) beside the queue, with what was done."""
    address = (suggestion.get_absolute_url() if suggestion else "/suggestions/") + queue.query
    if not request.htmx:  # type: ignore[attr-defined]
        if said is not None:
            messages.success(request, said.text)
        return redirect(address)
    screen = "detail" if suggestion else "list"
    response = _answer(request, queue, suggestion, said, screen=screen, status=status)
    response["HX-Push-Url"] = address
    return response


def _answer(
    request: HttpRequest,
    queue: Queue,
    selected: Suggestion | None,
    said: Said | None = None,
    *,
    screen: str,
    status: int = 200,
) -> HttpResponse:
    """Render the whole page or the part that htmx asked for."""
    target = request.htmx.target if request.htmx else None  # type: ignore[attr-defined]
    context: dict[str, Any] = {
        "nav_section": "suggestions",
        "screen": screen,
        "selected": None,
        "said": said,
        "kept_query": queue.query,
    }
    if selected is not None:
        detail = open_detail(selected, queue.user)
        context |= detail_context(selected, detail, queue.user, queue.query)
    if target == "suggestion-detail":
        context["page"] = queue.page
        return render(request, "suggestions/_detail.html", context, status=status)
    cards = cards_of(queue.page.object_list, queue.user, selected=selected, query=queue.query)
    context.update(list_context(queue, cards))
    template = "suggestions/_queue.html" if target == "queue" else "suggestions/queue.html"
    return render(request, template, context, status=status)


def list_context(queue: Queue, cards: Sequence[Card]) -> dict[str, Any]:
    """What the left pane needs."""
    tabs, now = queue.tabs(), timezone.now()
    held_back = queue.counts["held_for_me"]
    is_narrowed = queue.filters is not None and queue.filters.is_narrowing
    return {
        "views": tabs,
        "view": next(tab for tab in tabs if tab.is_current),
        "page": queue.page,
        "cards": cards,
        "search_field": queue.search_field(),
        "filter_fields": queue.filter_fields(),
        "is_filtered": queue.filters is not None,
        "is_misasked": queue.filters is not None and not queue.filters.is_valid(),
        "active_filters": queue.active_filters(),
        "list_query": queue.query.removeprefix("?"),
        "may_decide": services.may_decide(queue.user),
        "empty": empty_state(queue.user, queue.view, held_back=held_back, now=now)
        if not cards and not is_narrowed
        else None,
        "held_back_count": held_back,
        "badge_count": queue.counts[default_view(queue.user)],
        "next_scan_at": next_daily_scan(now),
    }
