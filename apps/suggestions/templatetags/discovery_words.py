"""How a kind of discovery looks, and what is at stake in words: ``{% load discovery_words %}``."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from apps.execution.signs import with_unseen_named
from apps.suggestions.discoveries.presentation import SIGNS
from apps.suggestions.discoveries.presentation import worth_words as written
from apps.suggestions.discoveries.reading import Worth
from apps.triggers.enums import Discovery

register = template.Library()


@register.filter
def discovery_sign(discovery: Discovery) -> str:
    """The name of its icon."""
    return SIGNS[discovery]


@register.filter
def unseen_named(text: object) -> str:
    """A text of the CRM with the signs named that nobody would see."""
    return with_unseen_named(str(text))


@register.filter
def worth_words(worths: Sequence[Worth]) -> str:
    """Money of several currencies in words."""
    return written(worths)
