"""The review queue as one person sees it: which view, which filters, which page, what comes next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.suggestions.enums import State
from apps.suggestions.forms import (
    QueueFilterForm,
    Wanted,
    arrange,
    blank_search_field,
    draw_search_field,
    filter_fields_with,
    is_narrowing,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.services import sees_records_of
from apps.tenants.pagination import CappedPaginator
from apps.tenants.statements import Asked, ask_together
from apps.users.models import User
from apps.users.rules import Reader
from apps.users.statements import (
    ROWS_PLACE,
    AnyReader,
    CountStatement,
    IdsStatement,
    RowsStatement,
)

CARDS_PER_PAGE = 25
# Views show how much waits in them, counted no further than this.
VIEW_COUNT_LIMIT = 100
HELD_COUNT_LIMIT = 1000
LIST_COUNT_LIMIT = 100
# Where one card stands for all that was found about a record.
FOLDED_VIEWS = frozenset({"mine", "team", "unassigned"})
_VIEWS = {
    "mine": "Mine",
    "team": "Team",
    "unassigned": "Unassigned",
    "due": "Due",
    "snoozed": "Snoozed",
    "held_back": "Held back",
    "done": "Done",
    "withdrawn": "Withdrawn",
}
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
class ActiveFilter:
    """One thing that narrows or orders the list, in words, and the list without it."""

    label: str
    text: str
    address: str


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
        page, counts = asked.narrowed() if asked.filters else asked.listed()
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

    def search_field(self) -> SafeString:
        """The search box of the filter form."""
        if self.filters and self.filters.data.get("q"):
            return draw_search_field(self.filters)
        return blank_search_field()

    def filter_fields(self) -> SafeString:
        """The fields of the filter form."""
        return filter_fields_with(self.filters.filled_in() if self.filters else ())

    def active_filters(self) -> list[ActiveFilter]:
        """What is asked of the list, each with the way to drop it."""
        told = self.filters.told() if self.filters else []
        return [
            ActiveFilter(label, self._owner() if name == "owner" else text, self._without(name))
            for name, label, text in told
        ]

    def _owner(self) -> str:
        """For whom all cards of a list are that is narrowed to one person's, or to nobody's."""
        people = {str(card.assignee or "Nobody in particular") for card in self.page.object_list}
        return people.pop() if len(people) == 1 else "one person"

    def _without(self, name: str) -> str:
        params = QueryDict(self.query.removeprefix("?"), mutable=True)
        for dropped in (name, "page"):
            params.pop(dropped, None)
        return reverse("suggestions:queue") + kept_query(params)

    def first(self) -> Suggestion | None:
        """The first card of this page that the person can open, or none."""
        cards = self.page.object_list
        return next((card for card in cards if sees_records_of(self.user, card)), None)


def kept_query(params: QueryDict) -> str:
    """The query string that keeps view, filters and page when a card is opened."""
    return f"?{params.urlencode()}" if params else ""


def ids_after(user: User, params: QueryDict, suggestion_id: int) -> list[int]:
    """Where to go on from a card of the asked page: to those that follow, then those before, nearest first.

    From one that does not stand there, to the first of the page.
    """
    ids = _Asked.read(user, params).ids()
    if suggestion_id not in ids:
        return ids
    place = ids.index(suggestion_id)
    return ids[place + 1 :] + ids[:place][::-1]


@dataclass(frozen=True, slots=True)
class Left:
    """How many wait, counted to the limit: in the view that one works in, and in one's first."""

    in_view: int
    in_first: int

    @classmethod
    def asked(cls, user: User, params: QueryDict) -> Asked[Left]:
        """What counts them; for a view of what does not wait, the person's first view stands."""
        first, view = default_view(user), _view_of(user, params)
        view = view if view in COUNTED_VIEWS else first
        counting = _statement_of_left(AnyReader.like(user), view).asked(user)
        return counting.told_as(lambda counts: cls(counts[view], counts[first]))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query string asks for; nothing is read yet."""

    user: User
    kind: AnyReader
    view: str
    filters: QueueFilterForm | None
    page: str | None

    @classmethod
    def read(cls, user: User, params: QueryDict) -> _Asked:
        filters = QueueFilterForm(params) if QueueFilterForm.is_asked_in(params) else None
        view = _view_of(user, params)
        return cls(user, AnyReader.like(user), view, filters, params.get("page"))

    def listed(self) -> tuple[Page, dict[str, int]]:  # type: ignore[type-arg]
        """The asked page of the cards of the view, and what is counted beside it."""
        first = partial(_first_cards(self.kind, self.view).rows_for, self.user)
        pages = self._paginate(_Listed(first, lambda: self._listed().for_queue_page()))
        counting = _statement_of_views(self.kind, self.view, pages.limit + 1)
        counts = counting.count_for(self.user)
        pages.take_count(counts["listed"])
        return pages.asked_page(), counts

    def narrowed(self) -> tuple[Page, dict[str, int]]:  # type: ignore[type-arg]
        """The same of what filters narrow: the ids as far as they are counted, then a page's cards.

        To write the statement of the cards for each set of filters would take longer than to run it.
        """
        page = self._narrowed_pages().asked_page()
        ids = list(page.object_list)
        cards, counts = ask_together(
            _cards_among(self.kind).asked(self.user, row_ids=ids),
            _statement_of_views(self.kind).asked(self.user),
        )
        by_id = {card.pk: card for card in cards}
        # One that has been given away since the ids were read is not there.
        page.object_list = [by_id[pk] for pk in ids if pk in by_id]
        return page, counts

    def ids(self) -> list[int]:
        """The ids of the cards of the asked page."""
        if self.filters is not None:
            return self._narrowed_pages().asked_rows()
        first = partial(_first_ids(self.kind, self.view).ids_for, self.user)
        listed = _Listed(first, lambda: self._listed().values_list("pk", flat=True))
        return self._paginate(listed).asked_rows()

    def _listed(self) -> SuggestionQuerySet:
        return listed_in(self.user, self.view)

    def _narrowed_pages(self) -> CappedPaginator:
        """The pages of the ids of what filters narrow."""
        wanted = self.filters.wanted() if self.filters else ()
        pages = self._paginate([])
        statement = _narrowed_ids(self.kind, self.view, wanted, pages.limit + 1)
        pages.object_list = statement.ids_for(self.user)
        pages.take_count(len(pages.object_list))
        return pages

    def _paginate(self, rows: Any) -> CappedPaginator:
        return CappedPaginator(rows, CARDS_PER_PAGE, self.page, count_limit=LIST_COUNT_LIMIT)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A list whose first page is asked for by a statement of its own, and what lies further as it is."""

    first: Callable[[], list[Any]]
    rows: Callable[[], QuerySet[Any]]

    def __getitem__(self, places: slice) -> list[Any]:
        if places.stop > CARDS_PER_PAGE:
            return list(self.rows()[places])
        return self.first()[places] if places.stop else []


def _view_of(user: User, params: QueryDict) -> str:
    """The view that is asked for; the person's first one where it is unknown."""
    view = params.get("view", "")
    return view if view in _VIEWS else default_view(user)


def view_labels(user: User) -> list[tuple[str, str]]:
    """The views that this person has, in order."""
    labels = _VIEWS | {"team": "Everyone" if user.sees_all else "Team"}
    return list(labels.items())


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
    return _statement_of_left(AnyReader.like(user), first := default_view(user)).count_for(user)[
        first
    ]


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


@lru_cache(maxsize=32)
def _statement_of_left(kind: AnyReader, view: str) -> CountStatement:
    """What waits in a view and in the first view of people of a kind: the badge of every page."""
    views = {view, default_view(kind)}
    return CountStatement.of({key: listed_in(kind, key)[:VIEW_COUNT_LIMIT] for key in views})


@lru_cache(maxsize=32)
def _first_cards(kind: AnyReader, view: str) -> RowsStatement:
    """The cards of the first page of a view for people of a kind."""
    rows = listed_in(kind, view).with_fall_back().with_folded()
    return RowsStatement.of(rows[:CARDS_PER_PAGE], people=["assignee"])


@lru_cache(maxsize=32)
def _cards_among(kind: AnyReader) -> RowsStatement:
    """The cards of some ids that people of a kind see, in no order."""
    among = Suggestion.objects.visible_to(kind).filter(pk__any_of=[ROWS_PLACE])
    return RowsStatement.of(among.with_fall_back().with_folded(), people=["assignee"])


@lru_cache(maxsize=512)
def _narrowed_ids(kind: AnyReader, view: str, wanted: Wanted, limit: int) -> IdsStatement:
    """The ids of what filters narrow a view to, for people of a kind."""
    of_view = in_view if is_narrowing(wanted) else listed_in
    return IdsStatement.of(arrange(of_view(kind, view), wanted)[:limit])


@lru_cache(maxsize=32)
def _first_ids(kind: AnyReader, view: str) -> RowsStatement:
    """The ids of those cards."""
    return RowsStatement.of(listed_in(kind, view).only("pk")[:CARDS_PER_PAGE])


def _count_text(count: int) -> str:
    return left_text(count) if count else ""
