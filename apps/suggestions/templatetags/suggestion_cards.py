"""The cards of a list of suggestions."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.suggestions.cards import Card

register = template.Library()

# Of two kilobytes each. Whoever decides sees the same cards again after each decision, and so does everybody
# whose list has changed by one of them.
_MOST_KEPT = 2048


@register.simple_tag
def draw_card(card: Card, is_in_queue: object = False) -> SafeString:
    """Draw one card, or give what was drawn of an equal one: all that it shows stands in it."""
    if settings.DEBUG:
        # The template may have been edited.
        return _draw(card, is_in_queue=bool(is_in_queue))
    return _drawn(card, is_in_queue=bool(is_in_queue))


def forget_cards() -> None:
    """Draw all cards anew from now on: for a measure."""
    _drawn.cache_clear()


def _draw(card: Card, *, is_in_queue: bool) -> SafeString:
    shown = {"card": card, "is_in_queue": is_in_queue}
    return SafeString(render_to_string("suggestions/_card.html", shown))


_drawn = lru_cache(maxsize=_MOST_KEPT)(_draw)
