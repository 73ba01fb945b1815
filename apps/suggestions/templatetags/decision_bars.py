"""The decisions at the foot of a suggestion.

Those of one that waits differ from the next one's in its id, its edition, the query of the list and the
token of the form: the bar is drawn once for each kind, with marks in these places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django import template
from django.conf import settings
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from apps.suggestions.enums import State, StopScope
from apps.suggestions.forms import SNOOZE_CHOICES
from apps.suggestions.services import STOP_DAYS

register = template.Library()

_TEMPLATE = "suggestions/_decision_bar.html"
# What stands nowhere else in a bar.
_ID = 9_007_199_254_740_993
_SEEN_AT, _QUERY, _TOKEN = "(seen at)", "(query)", "(token)"
_MOST_KEPT = 256


@register.simple_tag(takes_context=True)
def draw_decision_bar(context: Context) -> SafeString:
    """Draw what ``_decision_bar.html`` shows of the suggestion at hand."""
    suggestion = context["suggestion"]
    if suggestion.state != State.PENDING or settings.DEBUG:
        # The template may have been edited.
        return SafeString(get_template(_TEMPLATE).template.render(context))  # type: ignore[attr-defined]
    kind = _Kind(
        can_decide=context["can_decide"],
        refusal=context["refusal"],
        stale=bool(context["stale"]),
        reject_reasons=tuple(context["reject_reasons"]),
        stop_scopes=tuple(context["stop_scopes"]),
        may_reassign=context["may_reassign"],
        can_edit=context["can_edit"],
        takes_parts=context["takes_parts"],
    )
    drawn = _drawn(kind)
    for mark, value in (
        (str(_ID), str(suggestion.pk)),
        (_SEEN_AT, suggestion.refreshed_at.isoformat()),
        (_TOKEN, str(context["csrf_token"])),
        # The last one: somebody typed it, and might have typed a mark.
        (_QUERY, conditional_escape(context["kept_query"])),
    ):
        drawn = drawn.replace(mark, value)
    return SafeString(drawn)


class _AnyEdition:
    def isoformat(self) -> str:
        return _SEEN_AT


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Any suggestion that waits."""

    pk: int = _ID
    state: str = State.PENDING.value
    refreshed_at: _AnyEdition = _AnyEdition()  # noqa: RUF009


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a bar is made of besides."""

    can_decide: bool
    refusal: str
    stale: bool
    reject_reasons: tuple[tuple[str, str], ...]
    stop_scopes: tuple[StopScope, ...]
    may_reassign: bool
    can_edit: bool
    takes_parts: bool


@lru_cache(maxsize=_MOST_KEPT)
def _drawn(kind: _Kind) -> str:
    shown = {name: getattr(kind, name) for name in _Kind.__slots__}
    shown |= {"snooze_choices": SNOOZE_CHOICES, "stop_days": STOP_DAYS, "suggestion": _Waiting()}
    return render_to_string(_TEMPLATE, shown | {"kept_query": _QUERY, "csrf_token": _TOKEN})
