"""The review queue as one person sees it: which view, which filters, which page, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.core.paginator import Page
from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from apps.suggestions.enums import State
from apps.suggestions.forms import QueueFilterForm
from apps.suggestions.models import Suggestion
from apps.suggestions.querysets import SuggestionQuerySet
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User

CARDS_PER_PAGE = 25
# Views show how much waits in them, counted no further than this.
VIEW_COUNT_LIMIT = 100
HELD_COUNT_LIMIT = 1000
COUNTED_VIEWS = ("mine", "team", "unassigned", "snoozed", "held_back")


@dataclass(frozen=True, slots=True)
class Queue:
    """The list on the left."""

    user: User
    view: str
    filters: QueueFilterForm
    page: Page  # type: ignore[type-arg]
    query: str
    counts: Mapping[str, int]

    @classmethod
    def read(cls, user: User, params: QueryDict) -> Queue:
        """Read view, filters and page from a query string; what is unknown falls back."""
        view = params.get("view", "")
        if view not in dict(view_labels(user)):
            # Who steers everyone's work begins there; who works begins with their own.
            view = "team" if user.sees_all else "mine"
        filters = QueueFilterForm(params)
        rows = filters.narrow(in_view(user, view)).for_queue_page()
        paginator = CappedPaginator(rows, CARDS_PER_PAGE, params.get("page"))
        # Everything that the page counts is asked in one statement.
        counts = count_all(
            {"listed": paginator.rows_to_count(), "held_for_me": _held_for(user)}
            | {key: in_view(user, key)[:VIEW_COUNT_LIMIT] for key in COUNTED_VIEWS}
        )
        paginator.take_count(counts["listed"])
        query = f"?{params.urlencode()}" if params else ""
        return cls(user, view, filters, paginator.asked_page(), query, counts)

    def views(self) -> list[tuple[str, str, str, str, bool]]:
        """The tabs: key, label, count, address, whether it is the present one."""
        return [
            (key, label, _count_text(self.counts.get(key, 0)), _view_url(key), key == self.view)
            for key, label in view_labels(self.user)
        ]

    def after(self, suggestion_id: int) -> Suggestion | None:
        """The card that follows the given one on this page, else the one before it, else none."""
        cards: list[Suggestion] = list(self.page.object_list)
        for place, card in enumerate(cards):
            if card.pk == suggestion_id:
                rest = cards[place + 1 :] or cards[:place][-1:]
                return rest[0] if rest else None
        return cards[0] if cards else None


def view_labels(user: User) -> list[tuple[str, str]]:
    """The views that this person has, in order."""
    return [
        ("mine", "Mine"),
        ("team", "Everyone" if user.sees_all else "Team"),
        ("unassigned", "Unassigned"),
        ("snoozed", "Snoozed"),
        ("held_back", "Held back"),
        ("done", "Done"),
        ("withdrawn", "Withdrawn"),
    ]


def in_view(user: User, view: str) -> SuggestionQuerySet:
    """The suggestions of one view, best first; decided ones newest first."""
    visible = Suggestion.objects.visible_to(user)
    match view:
        case "team":
            return visible.needing_decision().order_by("-rank", "-id")
        case "unassigned":
            return visible.needing_decision().filter(assignee=None).order_by("-rank", "-id")
        case "snoozed":
            return visible.filter(state=State.SNOOZED).order_by("snoozed_until", "id")
        case "held_back":
            kept = visible.held_back().order_by("-rank", "-id")
            return kept if user.sees_all else kept.filter(assignee=user)
        case "done":
            decided = [State.APPLIED, State.REJECTED, State.UNDONE]
            return visible.filter(state__in=decided).order_by("-reviewed_at", "-id")
        case "withdrawn":
            gone = [State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED]
            return visible.filter(state__in=gone).order_by("-refreshed_at", "-id")
        case _:
            return visible.needing_decision().filter(assignee=user).order_by("-rank", "-id")


def left_for(user: User) -> int:
    """How many suggestions wait for this person, counted to the limit."""
    return count_all({"mine": in_view(user, "mine")[:VIEW_COUNT_LIMIT]})["mine"]


def count_all(querysets: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    """Count the rows of several querysets in one statement."""
    parts: list[str] = []
    params: list[Any] = []
    for rows in querysets.values():
        try:
            sql, values = rows.values("pk").query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            parts.append("0")
            continue
        # The text is Django's own; values travel as parameters.
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608
        params.extend(values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        return dict(zip(querysets, cursor.fetchone(), strict=True))


def _held_for(user: User) -> QuerySet[Any]:
    """What is held back for this person, as far as it is counted."""
    return Suggestion.objects.held_back().filter(assignee=user).order_by()[:HELD_COUNT_LIMIT]


def _count_text(count: int) -> str:
    if not count:
        return ""
    return f"{VIEW_COUNT_LIMIT - 1}+" if count == VIEW_COUNT_LIMIT else str(count)


def _view_url(view: str) -> str:
    return f"{reverse('suggestions:queue')}?view={view}"
