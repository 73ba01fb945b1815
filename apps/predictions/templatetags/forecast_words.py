"""How amounts look in forecasts: no more digits than they carry, and changes with their sign."""

from __future__ import annotations

from decimal import Decimal

from django import template

from apps.tenants.templatetags.aisha_ui import NOT_SET, money

register = template.Library()

# What is foretold to a tenth at best is not told to the cent.
SIGNIFICANT_DIGITS = 3
MINUS = "\u2212"


@register.filter
def about_money(amount: Decimal | float | None, currency: str) -> str:
    """Write an expected amount with three significant digits: 1243512 USD → "1,240,000 $"."""
    if amount is None:
        return NOT_SET
    whole = round(amount)
    digits = len(str(abs(whole)))
    return money(round(whole, min(0, SIGNIFICANT_DIGITS - digits)), currency)


@register.filter
def signed_money(amount: Decimal | float | None, currency: str) -> str:
    """Write a change, whole: "+1,200 $", "−350 $", "0 $"."""
    if amount is None:
        return NOT_SET
    whole = round(amount)
    sign = "+" if whole > 0 else MINUS if whole < 0 else ""
    return f"{sign}{money(abs(whole), currency)}"
