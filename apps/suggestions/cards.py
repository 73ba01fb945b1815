"""A suggestion in a list: everything that its card shows, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from apps.audit.enums import Origin
from apps.brain.enums import Provider
from apps.crm.enums import RecordKind
from apps.execution.enums import Risk
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import explain_rank
from apps.suggestions.rules import sources_of
from apps.suggestions.services import conceal, without_hidden
from apps.suggestions.wishes import wish_of
from apps.tenants.templatetags.aisha_ui import (
    confidence,
    money,
    percent,
    relative_time,
    time_element,
)
from apps.triggers.rules import registry as triggers
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Badge:
    """A word with a shape: ``css_class`` tells the tone, ``sign`` names an icon."""

    css_class: str
    sign: str
    label: str


@dataclass(frozen=True, slots=True)
class Card:
    """What ``templates/suggestions/_card.html`` shows of one suggestion; empty texts are left out.

    All that is shown stands here: equal cards are drawn once (``suggestion_cards``).

    ``words`` are those in which somebody asked for it.
    ``suggested`` and ``expires`` are elements that say when; all other texts are plain. ``token`` names it
    and its edition, ``is_bulkable`` says whether it may be approved with others of its ``tool``.
    """

    pk: int
    address: str
    is_open: bool
    title: str
    confidence: str
    confidence_basis: str
    rank_basis: str
    record_kind: str
    record_label: str
    value: str
    assignee: str
    suggested: str
    reason: str
    words: str
    badges: tuple[Badge, ...]
    found_by: str
    written_by: str
    risk: str
    expires: str
    folded: str
    token: str
    tool: str
    is_bulkable: bool


# As many as one looks over; a record with more is rare.
MOST_OTHERS = 5

_STATE_SHAPES = {
    State.PENDING: ("badge badge-accent", "circle-dashed"),
    State.SNOOZED: ("badge", "alarm-clock"),
    State.APPROVED: ("badge badge-accent", "check"),
    State.APPLIED: ("badge badge-good", "circle-check"),
    State.FAILED: ("badge badge-bad", "triangle-alert"),
    State.REJECTED: ("badge", "circle-x"),
    State.WITHDRAWN: ("badge", "archive"),
    State.EXPIRED: ("badge", "hourglass"),
    State.SUPERSEDED: ("badge", "archive"),
    State.UNDONE: ("badge", "undo-2"),
}
_STATE_BADGES = {
    state.value: Badge(css_class, sign, str(state.label))
    for state, (css_class, sign) in _STATE_SHAPES.items()
}
_RISK_BADGES = {
    Risk.LOW.value: Badge("badge", "shield-check", str(Risk.LOW.label)),
    Risk.HIGH.value: Badge("badge badge-warn", "triangle-alert", str(Risk.HIGH.label)),
}
# Why a waiting one is not in the queue, or is there although its kind is quiet or new.
_HELD_BADGES = {
    HeldBack.DAILY_CAP.value: Badge("badge", "hourglass", str(HeldBack.DAILY_CAP.label)),
    HeldBack.QUIET.value: Badge("badge", "ban", str(HeldBack.QUIET.label)),
}
_TRIAL_BADGE = Badge("badge", "circle-dashed", "On trial")
_WRITERS = {Provider.RULES.value: "rules", Provider.OPENAI.value: "model"}
_KIND_LABELS = {kind.value: str(kind.label) for kind in RecordKind}


def badges_of(suggestion: Suggestion) -> tuple[Badge, Badge]:
    """State and risk of a suggestion."""
    return _STATE_BADGES[suggestion.state], _RISK_BADGES[suggestion.risk]


def cards_of(
    suggestions: Iterable[Suggestion],
    viewer: User,
    *,
    selected: Suggestion | None = None,
    query: str = "",
) -> list[Card]:
    """Put suggestions into words for the person who will read them.

    ``query`` is the list's query string ("?view=…"), so that the view stays when a card is opened.
    """
    now = timezone.now()
    return [
        Card(
            pk=suggestion.pk,
            address=suggestion.get_absolute_url() + query,
            is_open=selected is not None and selected.pk == suggestion.pk,
            title=suggestion.title,
            confidence=_confidence(suggestion),
            confidence_basis=confidence(suggestion.confidence, suggestion.confidence_n),
            rank_basis=explain_rank(suggestion),
            record_kind=_KIND_LABELS[suggestion.record_kind],
            record_label=suggestion.record_label,
            value=(
                ""
                if suggestion.value_at_stake is None
                else money(suggestion.value_at_stake, suggestion.currency)
            ),
            assignee=(
                str(suggestion.assignee) if suggestion.assignee_id not in (None, viewer.pk) else ""
            ),
            suggested=relative_time(suggestion.created_at, now),
            reason=suggestion.reason,
            words=wish.words if (wish := wish_of(suggestion, viewer)) else "",
            badges=_unusual_badges(suggestion),
            found_by=wish.sentence if wish else _found_by(suggestion),
            written_by=_WRITERS[suggestion.provider],
            risk=str(Risk(suggestion.risk).label).lower(),
            expires=_expires(suggestion, now),
            folded=_folded(suggestion),
            token=token_of(suggestion),
            tool=suggestion.tool,
            is_bulkable=suggestion.risk == Risk.LOW and suggestion.state == State.PENDING,
        )
        for suggestion in conceal(viewer, suggestions)
    ]


def others_of(suggestion: Suggestion, viewer: User) -> list[Card]:
    """What else waits for the same person about the same record, best first, as far as one may see it."""
    if not getattr(suggestion, "folded_count", 0):
        return []
    others = (
        Suggestion.objects.visible_to(viewer)
        .needing_decision()
        .filter(
            record_kind=suggestion.record_kind,
            record_id=suggestion.record_id,
            assignee=suggestion.assignee,
        )
        .exclude(pk=suggestion.pk)
        .for_queue_page()
        .order_by("-rank", "-id")[:MOST_OTHERS]
    )
    return cards_of(without_hidden(viewer, others), viewer)


def token_of(suggestion: Suggestion) -> str:
    """The suggestion and its edition, as a form sends them back."""
    return f"{suggestion.pk}@{suggestion.refreshed_at.isoformat()}"


def _confidence(suggestion: Suggestion) -> str:
    """How often it is expected to be accepted, and by how many decisions that is known."""
    if suggestion.confidence is None:
        return ""
    rate, decided = percent(suggestion.confidence), suggestion.confidence_n
    return f"{rate} · {decided:,}" if decided else rate


def _found_by(suggestion: Suggestion) -> str:
    """What noticed it, or else where it came from."""
    if suggestion.trigger:
        return triggers.label(suggestion.trigger)
    return str(Origin(suggestion.origin).label)


def _expires(suggestion: Suggestion, now: datetime) -> str:
    """How long it still waits, as an element that tells the exact moment."""
    if not _is_decidable(suggestion):
        return ""
    left = suggestion.expires_at - now
    words = f"{left.days} d left" if left >= timedelta(days=1) else "ends today"
    at = timezone.localtime(suggestion.expires_at)
    return time_element(at.isoformat(), f"{at:%d %b %Y, %H:%M}", words)


def _is_decidable(suggestion: Suggestion) -> bool:
    """Whether it may be approved as it stands."""
    return State(suggestion.state) in sources_of(State.APPROVED)


def _folded(suggestion: Suggestion) -> str:
    """How much else waits about the record, in words."""
    count: int = getattr(suggestion, "folded_count", 0) if _is_decidable(suggestion) else 0
    return (
        f"{count} more about this {_KIND_LABELS[suggestion.record_kind].lower()}" if count else ""
    )


def _unusual_badges(suggestion: Suggestion) -> tuple[Badge, ...]:
    """What most cards do not share: any state but waiting, held back or on trial, a high risk."""
    state, risk = badges_of(suggestion)
    is_pending = suggestion.state == State.PENDING
    held = _HELD_BADGES.get(suggestion.held_back) if is_pending else None
    shown = (
        (state, not is_pending),
        (held, held is not None),
        (_TRIAL_BADGE, is_pending and held is None and suggestion.is_on_trial),
        (risk, suggestion.risk == Risk.HIGH),
    )
    return tuple(badge for badge, is_unusual in shown if is_unusual and badge is not None)
