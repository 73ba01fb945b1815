"""The page of what the language model costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.exporting import send_table
from apps.suggestions.costs import VIEW_PERMISSION, Costs, Written, read_costs
from apps.tenants.services import current_tenant
from apps.users.models import User
from apps.users.services import person_of

_WRITTEN = (
    "Calls", "Tokens", "Cost ($)", "Suggestions", "Approved", "Cost of a suggestion ($)",
    "Cost of an approved one ($)",
)  # fmt: skip
HEADERS = {
    "months": ("Month", "Tokens", "Cost ($)", "Tokens set aside", "Set aside ($)"),
    "models": ("Model", *_WRITTEN),
    "goals": ("Goal", *_WRITTEN),
    "troubles": ("Kind", "Code", "Reason", "Number", "Cost ($)"),
}


class MonthForm(forms.Form):
    """The month that is asked for."""

    month = forms.DateField(required=False, input_formats=["%Y-%m"])


@dataclass(frozen=True, slots=True)
class SpendingBar:
    """What is spent and set aside, as shares of a bar that ends at the hard limit, or beyond it."""

    label: str
    spent: str
    used: str
    soft: str
    hard: str


@require_safe
def show_costs(request: HttpRequest) -> HttpResponse:
    """This month against its limits, and one month by model, goal and what went wrong."""
    _viewer_of(request)
    costs = read_costs(current_tenant(), _asked(request), timezone.now())
    now, limits = costs.now, costs.now.limits
    context = {
        "nav_section": "brain",
        "tab": "cost",
        "costs": costs,
        "bars": {
            "usd": _bar("Money", now.usd_spent, now.usd_reserved, limits.soft_usd, limits.hard_usd),
            "tokens": _bar(
                "Tokens",
                Decimal(now.tokens_spent),
                Decimal(now.tokens_reserved),
                Decimal(limits.soft_tokens),
                Decimal(limits.hard_tokens),
            ),
        },
    }
    return render(request, "suggestions/costs.html", context)


@require_safe
def export_costs(request: HttpRequest, table: str) -> HttpResponseBase:
    """One table of the page as a CSV file."""
    user = _viewer_of(request)
    asked = _asked(request)
    costs = read_costs(current_tenant(), asked, timezone.now())
    return send_table(
        request,
        user,
        what=f"brain-cost-{table}",
        header=HEADERS[table],
        rows=_rows(costs, table),
        filters=["month"] if asked else [],
    )


def _viewer_of(request: HttpRequest) -> User:
    user = person_of(request)
    if not user.has_perm(VIEW_PERMISSION):
        raise PermissionDenied("Your role does not let you see what the Brain costs.")
    return user


def _asked(request: HttpRequest) -> date | None:
    """The month in the address; one that is none counts as none."""
    form = MonthForm(request.GET)
    return form.cleaned_data["month"] if form.is_valid() else None


def _rows(costs: Costs, table: str) -> Iterable[Sequence[object]]:
    if table == "months":
        return (
            (f"{row.begins_on:%Y-%m}", row.tokens, row.usd, row.tokens_reserved, row.usd_reserved)
            for row in costs.months
        )
    if table == "troubles":
        return ((row.kind, row.code, row.reason, row.count, row.usd) for row in costs.troubles)
    return (_written(row) for row in (costs.models if table == "models" else costs.goals))


def _written(row: Written) -> Sequence[object]:
    return (
        row.name,
        row.calls,
        row.tokens,
        row.usd,
        row.suggestions,
        row.approved,
        _six_places(row.usd_per_suggestion),
        _six_places(row.usd_per_approved),
    )


def _six_places(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.000001"))


def _bar(
    label: str, spent: Decimal, reserved: Decimal, soft: Decimal, hard: Decimal
) -> SpendingBar:
    whole = max(spent + reserved, hard) or Decimal(1)
    return SpendingBar(
        label,
        spent=_share(spent, whole),
        used=_share(spent + reserved, whole),
        soft=_share(soft, whole),
        hard=_share(hard, whole),
    )


def _share(part: Decimal, whole: Decimal) -> str:
    return f"{100 * part / whole:.2f}%"
