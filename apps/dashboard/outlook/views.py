"""The forecast page, and its tables as files."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.exporting import send_table
from apps.dashboard.conversion import window_days
from apps.dashboard.layout import lay_out_aging, lay_out_conversion
from apps.dashboard.outlook.health import Health
from apps.dashboard.outlook.layout import lay_out_fan, lay_out_history, lay_out_waterfall
from apps.dashboard.outlook.reading import Outlook, read_last_run, read_outlook
from apps.predictions.contributions import load_deals, read_contributions
from apps.predictions.enums import ForecastWindow
from apps.predictions.forecasts import (
    VIEW_PERMISSION,
    ForecastAsked,
    PublishedForecast,
    read_forecast,
    read_history,
    read_offered,
)
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on
from apps.users.models import User
from apps.users.services import person_with

DEALS_PER_PAGE = 15
DEALS_HEADER = (
    "Id", "Deal", "Account", "Owner", "Stage", "Amount", "Currency", "Probability (0-1)", "Expected",
)  # fmt: skip
DAYS_HEADER = ("Made on", "From", "To", "Currency", "Won so far", "P10", "P50", "P90")
OTHER_DEALS = "Deals that you may not see"


@require_safe
def show_forecast(request: HttpRequest) -> HttpResponse:
    """What is won in a stretch of time: range and target, what moved it, and what it rests on."""
    user, tenant, now = _viewer_of(request), current_tenant(), timezone.now()
    context: dict[str, Any] = {"nav_section": "forecast", "windows": ForecastWindow}
    if not is_module_on(tenant, Module.PREDICTIONS):
        return render(request, "dashboard/outlook/forecast.html", context | {"is_off": True})
    offered = read_offered(user)
    outlook = asked = None
    if offered is not None:
        asked = ForecastAsked.read(user, offered, request.GET, tenant.currency)
        outlook = read_outlook(asked, user, now)
    context |= {"offered": offered, "asked": asked, "outlook": outlook}
    if outlook is None or outlook.forecast.is_stale(timezone.localdate(now)):
        context |= {"is_stale": outlook is not None, "last_run": read_last_run()}
    if outlook is not None:
        context |= _parts(outlook, request.GET.get("page"))
    return render(request, "dashboard/outlook/forecast.html", context)


@require_safe
def export_deals(request: HttpRequest) -> HttpResponseBase:
    """What each open deal brings, as a CSV file; its last line sums the deals that are not shown."""
    user = _viewer_of(request)
    forecast = _asked_forecast(request, user)
    contributions = read_contributions(forecast.figures, user)
    currency = forecast.row.currency
    rows: list[tuple[object, ...]] = [
        (
            row.deal.pk,
            row.deal.name,
            str(row.deal.account or ""),
            str(row.deal.owner or ""),
            row.deal.stage.label,
            row.share.amount,
            currency,
            row.share.probability_0_1,
            row.share.expected,
        )
        for row in load_deals(contributions.shares)
    ]
    if contributions.hidden_count:
        rest = contributions.hidden_expected
        rows.append(("", OTHER_DEALS, "", "", "", "", currency, "", rest))
    return _send(request, user, "forecast-deals", DEALS_HEADER, rows)


@require_safe
def export_days(request: HttpRequest) -> HttpResponseBase:
    """What was foretold of the same days, day by day, as a CSV file."""
    user = _viewer_of(request)
    row = _asked_forecast(request, user).row
    same: tuple[object, ...] = (row.starts_on, row.ends_on, row.currency)
    rows = [
        (past.made_on, *same, past.won_so_far, past.p10, past.p50, past.p90)
        for past in read_history(row)
    ]
    return _send(request, user, "forecasts", DAYS_HEADER, rows)


def _viewer_of(request: HttpRequest) -> User:
    return person_with(request, VIEW_PERMISSION, "Your role does not let you see forecasts.")


def _asked_forecast(request: HttpRequest, user: User) -> PublishedForecast:
    """The forecast that the page would show.

    Raises:
        Http404: there is none.
    """
    tenant, offered = current_tenant(), read_offered(user)
    if offered is None or not is_module_on(tenant, Module.PREDICTIONS):
        raise Http404("There is no forecast yet.")
    asked = ForecastAsked.read(user, offered, request.GET, tenant.currency)
    forecast = read_forecast(asked.whose.scope, asked.window, asked.currency)
    if forecast is None:
        raise Http404("There is no forecast of these days yet.")
    return forecast


def _send(
    request: HttpRequest,
    user: User,
    what: str,
    header: tuple[str, ...],
    rows: list[tuple[object, ...]],
) -> HttpResponseBase:
    filters = sorted({"window", "scope", "currency"} & set(request.GET))
    return send_table(request, user, what=what, header=header, rows=rows, filters=filters)


def _parts(outlook: Outlook, page: str | None) -> dict[str, Any]:
    shares = Paginator(outlook.contributions.shares, DEALS_PER_PAGE).get_page(page)
    waterfall = outlook.waterfall
    return {
        "fan": lay_out_fan(outlook.forecast.row, outlook.fan.points, outlook.target),
        "waterfall": lay_out_waterfall(waterfall) if waterfall else None,
        "history": lay_out_history(outlook.history, outlook.target),
        "page": shares,
        "deals": load_deals(shares),
        **(_health_parts(outlook.health) if outlook.health else {}),
    }


def _health_parts(health: Health) -> dict[str, Any]:
    return {
        "conversion_bars": lay_out_conversion(health.conversion),
        "has_entries": any(row.entered for row in health.conversion),
        "conversion_days": window_days(health.asked),
        "age_chart": lay_out_aging(health.aging),
    }
