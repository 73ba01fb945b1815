"""How spans of time look on the page about how people decide."""

from __future__ import annotations

from django import template

from apps.tenants.templatetags.aisha_ui import NOT_SET

register = template.Library()

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


@register.filter
def span(seconds: float | None) -> str:
    """Write a span in its largest fitting unit, whole: 4 s, 12 min, 5 h, 3 days; None reads as a dash."""
    if seconds is None:
        return NOT_SET
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:.0f} h"
    return f"{seconds / _DAY_S:.0f} days"
