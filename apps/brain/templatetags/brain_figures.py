"""How small sums of money look, and the notice that the rules write in the language model's place."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import template
from django.template import Context
from django.utils.formats import number_format

from apps.brain.error_words import describe_error
from apps.brain.providers import fall_back_in_force
from apps.brain.settings import CHANGE_PERMISSION
from apps.tenants.templatetags.aisha_ui import NO_BREAK_SPACE, NOT_SET
from apps.users.services import person_of

register = template.Library()

_CENT = Decimal("0.01")
# The smallest part of a dollar that a price of tokens comes to.
_SMALLEST = Decimal("0.000001")


@register.filter
def usd(amount: Decimal | None) -> str:
    """Write US dollars: in cents from ten cents on, below with the two digits that count.

    0.000412 reads "0.00041 $", 12.3456 "12.35 $".
    """
    if amount is None:
        return NOT_SET
    places = 2
    if 0 < abs(amount) < 10 * _CENT:
        places = min(6, 1 - amount.adjusted())
    step = max(_SMALLEST, Decimal(1).scaleb(-places))
    rounded = amount.quantize(step, ROUND_HALF_UP)
    written = number_format(rounded, places, use_l10n=True, force_grouping=True)
    return f"{written}{NO_BREAK_SPACE}$"


@register.filter
def error_words(code: str) -> str:
    """What the code of a failed call means."""
    return describe_error(code)


@register.inclusion_tag("brain/_fall_back.html", takes_context=True)
def fall_back_notice(context: Context) -> dict[str, Any]:
    """Say that the rules write in the language model's place, and why; to all, with a way on for some."""
    state = fall_back_in_force()
    if state is None:
        return {}
    return {"state": state, "may_change": person_of(context["request"]).has_perm(CHANGE_PERMISSION)}
