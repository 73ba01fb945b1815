"""What the pages of bulk approval show: what can be chosen, what it comes to, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page
from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.urls import reverse

from apps.execution.enums import Risk
from apps.execution.schemas import Diff
from apps.execution.tools import registry as tools
from apps.suggestions.aggregate import AggregateDiff, aggregate, line_of
from apps.suggestions.cards import token_of
from apps.suggestions.enums import Outcome, State
from apps.suggestions.exceptions import BulkSizeError, BulkToolError, InvalidDecisionError
from apps.suggestions.likeness import LikesOfMany, likes_of_many
from apps.suggestions.models import BulkApproval, BulkItem, Suggestion
from apps.suggestions.presentation import diffs_of
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.queue import default_view, in_view
from apps.suggestions.rules import sources_of
from apps.suggestions.services import MOST_ITEMS, visible_by_id, without_hidden
from apps.suggestions.services.access import CONCEALED_REASON
from apps.suggestions.services.bulk import Chosen
from apps.suggestions.shown import record_shown
from apps.tenants.pagination import CappedPaginator
from apps.tenants.templatetags.aisha_ui import money
from apps.users.models import User

LINES_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class ToolTab:
    """The way to the suggestions of one tool."""

    key: str
    label: str
    count: int
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One suggestion: what it would change on one line; ``token`` names it and the edition that is shown."""

    title: str
    address: str
    record_label: str
    value: str
    change: str
    token: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be chosen of one tool."""

    tabs: tuple[ToolTab, ...]
    tool: str
    lines: tuple[Line, ...]
    page: Page  # type: ignore[type-arg]
    most: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A chosen suggestion that cannot be approved with the others, and why."""

    title: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the chosen come to together; ``total`` is None when none of them can be approved."""

    tool: str
    tool_label: str
    total: AggregateDiff | None
    tokens: str
    left_out: tuple[LeftOut, ...]
    gone: int
    # What the records that they would make look like.
    likes: LikesOfMany


@dataclass(frozen=True, slots=True)
class ResultLine:
    """What became of one suggestion. ``title`` is empty where the person does not see it any more."""

    outcome: Outcome
    label: str
    title: str
    address: str
    change: str
    message: str
    is_retriable: bool


@dataclass(frozen=True, slots=True)
class Results:
    """A bulk approval as its page shows it; ``retry_tokens`` are what of this page can be tried again."""

    bulk: BulkApproval
    tool_label: str
    total: int
    applied: int
    failed: int
    waiting: int
    lines: tuple[ResultLine, ...]
    page: Page  # type: ignore[type-arg]
    retry_tokens: str
    retry_count: int

    @property
    def done(self) -> int:
        """How many have an outcome."""
        return self.total - self.waiting


def read_tokens(texts: Iterable[str]) -> list[Chosen]:
    """Read what a form sent back; each text holds tokens with spaces between.

    Raises:
        InvalidDecisionError: it is none of our forms.
        BulkSizeError: nothing was chosen, or too much.
    """
    tokens = [token for text in texts for token in text.split()]
    if not 1 <= len(tokens) <= MOST_ITEMS:
        raise BulkSizeError(MOST_ITEMS)
    return [_read_token(token) for token in tokens]


def _read_token(token: str) -> Chosen:
    number, _, edition = token.partition("@")
    try:
        seen_at = datetime.fromisoformat(edition)
    except ValueError:
        raise InvalidDecisionError() from None
    if not (number.isascii() and number.isdigit() and len(number) <= 18) or not seen_at.tzinfo:
        raise InvalidDecisionError()
    return int(number), seen_at


def candidates(user: User, tool: str | None = None) -> SuggestionQuerySet:
    """What of the person's first view may be approved in bulk, best first; of one tool when given."""
    keys = [known.key for known in tools.all() if known.risk == Risk.LOW]
    rows = in_view(user, default_view(user)).filter(risk=Risk.LOW, tool__in=keys)
    return rows if tool is None else rows.filter(tool=tool)


def show_choice(user: User, tool: str, page: str | None) -> Choice:
    """What the person can choose; of the tool with most where the given one has nothing."""
    counts = candidates(user).order_by().values_list("tool").annotate(n=Count("pk"))
    counted = sorted(counts, key=lambda row: (-row[1], row[0]))
    keys = [key for key, _ in counted]
    current = tool if tool in keys else next(iter(keys), "")
    address = reverse("suggestions:bulk")
    tabs = tuple(
        ToolTab(key, tools.label(key), count, f"{address}?tool={key}", key == current)
        for key, count in counted
    )
    rows = candidates(user, current).select_related("assignee", "edited_by")
    paginator = CappedPaginator(rows, LINES_PER_PAGE, page)
    paginator.take_count(dict(counted).get(current, 0))
    asked = paginator.asked_page()
    shown = without_hidden(user, asked.object_list)
    diffs = diffs_of(shown, user)
    lined = [row for row in shown if row.pk in diffs]
    record_shown(lined, user)
    lines = tuple(_line(row, diffs[row.pk]) for row in lined)
    return Choice(tabs, current, lines, asked, min(MOST_ITEMS, paginator.count))


def best_of(user: User, tool: str) -> list[Chosen]:
    """The best that the person can choose of a tool, as many as may be approved at once."""
    rows = candidates(user, tool)[:MOST_ITEMS]
    return list(rows.values_list("pk", "refreshed_at"))


def show_confirmation(user: User, items: Sequence[Chosen]) -> Confirmation:
    """What the chosen would change together, and which of them cannot be approved with the others.

    Raises:
        BulkToolError: they are not of one tool.
    """
    found = visible_by_id(user, [pk for pk, _ in items])
    keys = {suggestion.tool for suggestion in found.values()}
    if len(keys) > 1:
        raise BulkToolError()
    chosen = [(found[pk], seen_at) for pk, seen_at in items if pk in found]
    diffs = diffs_of([suggestion for suggestion, _ in chosen], user)
    reasons = {
        suggestion.pk: _reason_against(suggestion, seen_at, diffs) for suggestion, seen_at in chosen
    }
    fit = [suggestion for suggestion, _ in chosen if not reasons[suggestion.pk]]
    record_shown(fit, user)
    key = next(iter(keys), "")
    return Confirmation(
        tool=key,
        tool_label=tools.label(key),
        total=aggregate(fit, diffs) if fit else None,
        tokens=" ".join(token_of(suggestion) for suggestion in fit),
        left_out=tuple(
            LeftOut(suggestion.title, suggestion.get_absolute_url(), reasons[suggestion.pk])
            for suggestion, _ in chosen
            if reasons[suggestion.pk]
        ),
        gone=len(items) - len(chosen),
        likes=likes_of_many(fit, user),
    )


def show_results(bulk: BulkApproval, viewer: User, page: str | None) -> Results:
    """What became of each, what was not applied first."""
    counts = bulk.items.aggregate(
        total=Count("pk"), **{value: Count("pk", filter=Q(outcome=value)) for value in Outcome}
    )
    place = Case(
        When(outcome=Outcome.FAILED, then=Value(0)),
        When(outcome=Outcome.WAITING, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    paginator = CappedPaginator(bulk.items.order_by(place, "id"), LINES_PER_PAGE, page)
    paginator.take_count(counts["total"])
    asked = paginator.asked_page()
    items: list[BulkItem] = list(asked.object_list)
    seen = visible_by_id(viewer, [item.suggestion_id for item in items])
    diffs = diffs_of(list(seen.values()), viewer)
    may_retry = viewer.pk == bulk.requested_by_id and not bulk.is_unfinished
    lines = [_result_line(item, seen.get(item.suggestion_id), diffs, may_retry) for item in items]
    retriable = [
        seen[item.suggestion_id]
        for item, line in zip(items, lines, strict=True)
        if line.is_retriable
    ]
    record_shown(retriable, viewer)
    tokens = [token_of(suggestion) for suggestion in retriable]
    return Results(
        bulk=bulk,
        tool_label=tools.label(bulk.tool),
        total=counts["total"],
        applied=counts[Outcome.APPLIED],
        failed=counts[Outcome.FAILED],
        waiting=counts[Outcome.WAITING],
        lines=tuple(lines),
        page=asked,
        retry_tokens=" ".join(tokens),
        retry_count=len(tokens),
    )


def _line(suggestion: Suggestion, diff: Diff) -> Line:
    return Line(
        title=suggestion.title,
        address=suggestion.get_absolute_url(),
        record_label=suggestion.record_label,
        value=(
            ""
            if suggestion.value_at_stake is None
            else money(suggestion.value_at_stake, suggestion.currency)
        ),
        change=line_of(diff),
        token=token_of(suggestion),
    )


def _reason_against(suggestion: Suggestion, seen_at: datetime, diffs: dict[int, Diff]) -> str:
    """Why it cannot be approved with others; empty when it can."""
    state = State(suggestion.state)
    if state not in sources_of(State.APPROVED):
        return f"It is already {state.label.lower()}."
    if suggestion.refreshed_at != seen_at:
        return "It was brought up to date after you had chosen it."
    if suggestion.is_concealed:
        return CONCEALED_REASON
    if suggestion.pk not in diffs:
        return "It can no longer be made."
    if suggestion.risk != Risk.LOW or tools.get(suggestion.tool).risk != Risk.LOW:
        return "High risk is decided one by one, on its own page."
    return ""


def _result_line(
    item: BulkItem, suggestion: Suggestion | None, diffs: dict[int, Diff], may_retry: bool
) -> ResultLine:
    outcome = Outcome(item.outcome)
    if suggestion is None:
        return ResultLine(outcome, outcome.label, "", "", "", item.message, is_retriable=False)
    diff = diffs.get(suggestion.pk)
    return ResultLine(
        outcome=outcome,
        label=outcome.label,
        title=suggestion.title,
        address=suggestion.get_absolute_url(),
        change=line_of(diff) if diff else "",
        message=item.message,
        is_retriable=may_retry
        and diff is not None
        and outcome == Outcome.FAILED
        and State(suggestion.state) in sources_of(State.APPROVED)
        and suggestion.risk == Risk.LOW,
    )
