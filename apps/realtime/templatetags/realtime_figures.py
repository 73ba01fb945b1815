"""How the panel writes lengths of time and small figures."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.formats import number_format

from apps.realtime.models import Session
from apps.realtime.reading import length_s
from apps.tenants.templatetags.aisha_ui import NO_BREAK_SPACE, NOT_SET

register = template.Library()


@register.filter
def milliseconds(value: float | None) -> str:
    """Write milliseconds: "320 ms", from a second on "1.24 s"."""
    if value is None:
        return NOT_SET
    if value < 1000:
        return f"{value:.0f}{NO_BREAK_SPACE}ms"
    return f"{value / 1000:.2f}{NO_BREAK_SPACE}s"


@register.filter
def seconds(value: float) -> str:
    """Write a moment of the browser's clock, given in milliseconds: "12.3 s", "2:05.3"."""
    whole = value / 1000
    if whole < 60:
        return f"{whole:.1f}{NO_BREAK_SPACE}s"
    return f"{int(whole // 60)}:{whole % 60:04.1f}"


@register.filter
def duration(value: int) -> str:
    """Write a length, given in seconds: "42 s", "3 min 5 s"."""
    minutes, rest = divmod(value, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def lasted(session: Session, now: datetime) -> str:
    """How long a session has lasted since its first connection."""
    found = length_s(session, now)
    return NOT_SET if found is None else duration(found)


@register.filter
def small_number(value: float) -> str:
    """Write a figure with no more digits than it carries: "3.4", "128"."""
    return number_format(value, 1 if abs(value) < 10 else 0, use_l10n=True, force_grouping=True)
