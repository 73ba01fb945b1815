"""How scores and the figures of models are written on pages."""

from __future__ import annotations

from django import template

from apps.predictions.enums import Rung
from apps.predictions.rules import MOVED_FAR_PSI, MOVED_PSI
from apps.predictions.wording import RUNG_WORDS, Wording, words_for

register = template.Library()


@register.filter
def score_in(score_0_1: float, wording: Wording) -> str:
    """Write a score in the words of its prediction."""
    return words_for(score_0_1, wording)


@register.filter
def rung_words(rung: str) -> str:
    """Say what a rung does."""
    return RUNG_WORDS[Rung(rung)]


@register.filter
def figure(value: float | None) -> str:
    """Write a measure with as many digits as it carries."""
    return "not to be told" if value is None else f"{value:.3f}"


@register.filter
def shift_words(psi: float) -> str:
    """Say how far a column has moved."""
    if psi < MOVED_PSI:
        return "as in training"
    return "has moved" if psi < MOVED_FAR_PSI else "has moved far"


@register.filter
def points(value: float) -> str:
    """Write percentage points with their sign; less than one is told as such."""
    whole = round(abs(value))
    sign = "+" if value > 0 else "−"
    if whole == 0:
        return f"{sign} under 1 point"
    return f"{sign} {whole} point{'' if whole == 1 else 's'}"
