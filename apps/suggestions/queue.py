"""The review queue as one person sees it: which view, which filters, which page, what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.paginator import Page
from django.db.models import F
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.suggestions.counting import AnyReader, CountStatement, ReadersRows, RowsStatement
from apps.suggestions.enums import State
from apps.suggestions.forms import (
    QueueFilterForm,
    blank_filter_fields,
    blank_search_field,
    draw_filter_fields,
    draw_search_field,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.services import sees_records_of
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User
from apps.users.rules import Reader

CARDS_PER_PAGE = 25
# Views show how much waits in them, counted no further than this.
VIEW_COUNT_LIMIT = 100
HELD_COUNT_LIMIT = 1000
LIST_COUNT_LIMIT = 200
# What a person's name is made of.
_NAMES = ("id", "username", "first_name", "last_name")
# Where one card stands for all that was found about a record.
FOLDED_VIEWS = frozenset({"mine", "team", "unassigned"})
COUNTED_VIEWS = ("mine", "team", "unassigned", "due", "snoozed", "held_back")


@dataclass(frozen=True, slots=True)
class ViewTab:
    """The way to one view."""

    key: str
    label: str
    count: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """The list on the left; ``filters`` are None when nothing is asked of them."""

    user: User
    view: str
    filters: QueueFilterForm | None
    page: Page  # type: ignore[type-arg]
    query: str
    counts: Mapping[str, int]

    @classmethod
    def read(cls, user: User, params: QueryDict) -> Queue:
        """Read view, filters and page from a query string; what is unknown falls back."""
        asked = _Asked.read(user, params)
        counts = asked.statement().count_for(user)
        asked.paginator.take_count(counts["listed"])
        page = asked.paginator.asked_page()
        return cls(user, asked.view, asked.filters, page, kept_query(params), counts)

    def tabs(self) -> list[ViewTab]:
        """The ways to this person's views."""
        address = reverse("suggestions:queue")
        return [
            ViewTab(
                key,
                label,
                _count_text(self.counts.get(key, 0)),
                f"{address}?view={key}",
                key == self.view,
            )
            for key, label in view_labels(self.user)
        ]

    def left(self) -> str:
        """How many wait in this view, as its tab says; where nothing waits, in the person's first view."""
        return left_text(
            self.counts[self.view if self.view in self.counts else default_view(self.user)]
        )

    def search_field(self) -> SafeString:
        """The search box of the filter form."""
        return draw_search_field(self.filters) if self.filters else blank_search_field()

    def filter_fields(self) -> SafeString:
        """The fields of the filter form."""
        return draw_filter_fields(self.filters) if self.filters else blank_filter_fields()

    def first(self) -> Suggestion | None:
        """The first card of this page that the person can open, or none."""
        return _first_open(self.user, self.page.object_list)


def kept_query(params: QueryDict) -> str:
    """The query string that keeps view, filters and page when a card is opened."""
    return f"?{params.urlencode()}" if params else ""


def card_after(user: User, params: QueryDict, suggestion_id: int) -> Suggestion | None:
    """The card that follows the given one on the asked page, else the one before it, else none."""
    cards = _Asked.read(user, params).paginator.asked_rows()
    for place, card in enumerate(cards):
        if card.pk == suggestion_id:
            following, before = cards[place + 1 :], cards[:place][::-1]
            return _first_open(user, following) or _first_open(user, before)
    return _first_open(user, cards)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query string asks for; nothing is read yet."""

    kind: AnyReader
    view: str
    filters: QueueFilterForm | None
    paginator: CappedPaginator

    @classmethod
    def read(cls, user: User, params: QueryDict) -> _Asked:
        view = params.get("view", "")
        if view not in dict(view_labels(user)):
            view = default_view(user)
        filters = QueueFilterForm(params) if QueueFilterForm.is_asked_in(params) else None
        kind = AnyReader.like(user)
        rows: Any
        if filters is None:
            rows = ReadersRows(_rows_of_view(kind, view), user)
        else:
            found = in_view(user, view) if filters.is_narrowing else listed_in(user, view)
            rows = filters.arrange(found, timezone.now()).for_queue_page()
        paginator = CappedPaginator(
            rows, CARDS_PER_PAGE, params.get("page"), count_limit=LIST_COUNT_LIMIT
        )
        return cls(kind, view, filters, paginator)

    def statement(self) -> CountStatement:
        """Everything that the page counts, in one statement."""
        if self.filters is None:
            return _statement_of_views(self.kind, self.view, self.paginator.limit + 1)
        listed = CountStatement.of({"listed": self.paginator.rows_to_count()})
        return _statement_of_views(self.kind) + listed


def _first_open(user: User, cards: Iterable[Suggestion]) -> Suggestion | None:
    """The first that the person can open: they see every record that it names."""
    return next((card for card in cards if sees_records_of(user, card)), None)


def view_labels(user: User) -> list[tuple[str, str]]:
    """The views that this person has, in order."""
    return [
        ("mine", "Mine"),
        ("team", "Everyone" if user.sees_all else "Team"),
        ("unassigned", "Unassigned"),
        ("due", "Due"),
        ("snoozed", "Snoozed"),
        ("held_back", "Held back"),
        ("done", "Done"),
        ("withdrawn", "Withdrawn"),
    ]


def default_view(user: Reader) -> str:
    """The view that opens first: who steers everyone's work begins there, who works with their own."""
    return "team" if user.sees_all else "mine"


def listed_in(user: Reader, view: str) -> SuggestionQuerySet:
    """What the list of a view shows: of one record and person the best that waits, for the others by it."""
    rows = in_view(user, view)
    return rows.folded() if view in FOLDED_VIEWS else rows


def in_view(user: Reader, view: str) -> SuggestionQuerySet:
    """The suggestions of one view, best first; decided ones newest first."""
    visible = Suggestion.objects.visible_to(user)
    match view:
        case "team":
            return visible.needing_decision().order_by("-rank", "-id")
        case "unassigned":
            return visible.needing_decision().filter(assignee=None).order_by("-rank", "-id")
        case "due":
            waiting = visible.needing_decision().due().order_by("-rank", "-id")
            return waiting if user.sees_all else waiting.filter(assignee_id=user.pk)
        case "snoozed":
            return visible.filter(state=State.SNOOZED).order_by("snoozed_until", "id")
        case "held_back":
            kept = visible.held_back().order_by("-rank", "-id")
            return kept if user.sees_all else kept.filter(assignee_id=user.pk)
        case "done":
            decided = [State.APPLIED, State.REJECTED, State.UNDONE]
            return visible.filter(state__in=decided).order_by("-reviewed_at", "-id")
        case "withdrawn":
            gone = [State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED]
            return visible.filter(state__in=gone).order_by("-refreshed_at", "-id")
        case _:
            return visible.needing_decision().filter(assignee_id=user.pk).order_by("-rank", "-id")


def left_for(user: User) -> int:
    """How many suggestions wait in this person's first view, counted to the limit."""
    return _statement_of_first_view(AnyReader.like(user)).count_for(user)["left"]


def left_text(count: int) -> str:
    """A count to the limit in words: ``99+`` where it was reached."""
    return f"{VIEW_COUNT_LIMIT - 1}+" if count >= VIEW_COUNT_LIMIT else str(count)


@lru_cache(maxsize=64)
def _statement_of_views(kind: AnyReader, listed: str = "", limit: int = 0) -> CountStatement:
    """What the page counts for people of a kind; with ``listed``, up to ``limit`` rows of that view."""
    held = Suggestion.objects.visible_to(kind).held_back().filter(assignee_id=kind.pk)
    counted = {"held_for_me": held.order_by()[:HELD_COUNT_LIMIT]}
    counted |= {key: listed_in(kind, key)[:VIEW_COUNT_LIMIT] for key in COUNTED_VIEWS}
    if listed:
        counted["listed"] = listed_in(kind, listed).order_by()[:limit]
    return CountStatement.of(counted)


@lru_cache(maxsize=8)
def _statement_of_first_view(kind: AnyReader) -> CountStatement:
    """What the badge of every page counts for people of a kind."""
    return CountStatement.of({"left": listed_in(kind, default_view(kind))[:VIEW_COUNT_LIMIT]})


@lru_cache(maxsize=64)
def _rows_of_view(kind: AnyReader, view: str) -> RowsStatement:
    """The cards of a view for people of a kind."""
    names = {f"of_{name}": F(f"assignee__{name}") for name in _NAMES}
    rows = listed_in(kind, view).with_fall_back().with_folded().annotate(**names)
    return RowsStatement.of(rows, complete=_give_assignees)


def _give_assignees(cards: Iterable[Any]) -> None:
    """Give each card its assignee, of whom no more is known than the name."""
    for card in cards:
        if card.assignee_id is not None:
            values = [getattr(card, f"of_{name}") for name in _NAMES]
            card.assignee = User.from_db(card._state.db, _NAMES, values)


def _count_text(count: int) -> str:
    return left_text(count) if count else ""
