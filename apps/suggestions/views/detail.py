"""What the right pane of the queue needs of one suggestion."""

from __future__ import annotations

from typing import Any

from apps.brain.enums import FallBack
from apps.suggestions import services
from apps.suggestions.cards import badges_of, others_of
from apps.suggestions.detail import Detail
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.forms import SNOOZE_CHOICES
from apps.suggestions.models import Suggestion
from apps.suggestions.services.giving import REASSIGNABLE
from apps.users.models import User


def detail_context(
    suggestion: Suggestion, detail: Detail, viewer: User, query: str
) -> dict[str, Any]:
    """The suggestion and its detail as ``viewer`` sees them; ``query`` is that of the list beside it."""
    return {
        "selected": suggestion,
        "kept_query": query,
        "detail": detail,
        "fell_back_because": _why_the_rules_wrote(suggestion),
        "badges": badges_of(suggestion),
        "diff": detail.diff,
        "evidence": detail.evidence,
        "side_effects": detail.side_effects,
        "history": detail.history,
        "stale": detail.stale,
        "can_decide": detail.can_decide,
        "takes_parts": detail.takes_parts,
        "can_edit": detail.can_edit,
        "can_choose": detail.can_edit and suggestion.state != State.SNOOZED,
        "undoable_until": detail.undoable_until,
        "refusal": detail.refusal,
        "others": others_of(suggestion, viewer),
        "reject_reasons": RejectReason.offered_for(suggestion.goal),
        "stop_scopes": services.stop_scopes(suggestion, viewer),
        "stop_days": services.STOP_DAYS,
        "may_reassign": detail.can_decide and State(suggestion.state) in REASSIGNABLE,
        "snooze_choices": SNOOZE_CHOICES,
    }


def _why_the_rules_wrote(suggestion: Suggestion) -> str:
    """Why they did in the language model's place, in words; empty where they did not."""
    reason: str | None = getattr(suggestion, "fell_back_because", None)
    return FallBack(reason).label if reason else ""
