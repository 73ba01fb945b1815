"""The page of the company's working days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.tenants.models import Tenant
from apps.tenants.services import current_tenant
from apps.triggers.exceptions import (
    SettingPermissionError,
    TooManyHolidaysError,
    WorkingWeekChangedError,
)
from apps.triggers.forms import WorkingDaysForm
from apps.triggers.rules import registry
from apps.triggers.settings import CHANGE_PERMISSION
from apps.triggers.views.triggers import CHANGES_SHOWN, viewer_of
from apps.triggers.working_days import change_working_days, describe_week, past_working_days
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class DayOff:
    """A day off in the list; ``is_in_week`` tells whether the company would work on it otherwise."""

    day: date
    is_in_week: bool
    is_to_go: bool


@require_http_methods(["GET", "HEAD", "POST"])
def show_working_days(request: HttpRequest) -> HttpResponse:
    """The working week and the days off, and the form that changes them."""
    user, tenant = viewer_of(request), current_tenant()
    if request.method != "POST":
        return _answer(request, user, tenant, WorkingDaysForm(tenant))
    if not user.has_perm(CHANGE_PERMISSION):
        raise SettingPermissionError()
    form = WorkingDaysForm(tenant, request.POST)
    if not form.is_valid():
        return _answer(request, user, tenant, form, status=422)
    try:
        is_changed = change_working_days(user=user, **form.cleaned_data)
    except TooManyHolidaysError as error:
        form.add_error("add", error.message)
        return _answer(request, user, tenant, form, status=error.status)
    except WorkingWeekChangedError as error:
        form = form.on_top_of(tenant)
        form.add_error(None, error.message)
        return _answer(request, user, tenant, form, status=error.status)
    if is_changed:
        messages.success(request, "Working days saved. The next scan counts with them.")
    else:
        messages.info(request, "Nothing was changed: it was like this already.")
    return redirect("triggers:working_days")


def _answer(
    request: HttpRequest, user: User, tenant: Tenant, form: WorkingDaysForm, status: int = 200
) -> HttpResponse:
    today = timezone.localdate(timezone=tenant.zone)
    going = set(form["remove"].value() or [])
    days = [
        DayOff(day, str(day.isoweekday()) in tenant.working_week, day.isoformat() in going)
        for day in sorted(tenant.holidays)
    ]
    counting = [trigger.label for trigger in registry.all() if trigger.counts_working_days]
    context: dict[str, Any] = {
        "nav_section": "triggers",
        "tab": "working_days",
        "form": form,
        "may_change": user.has_perm(CHANGE_PERMISSION),
        "week": describe_week(tenant.working_week),
        "time_zone": tenant.time_zone,
        "coming": _by_year([row for row in days if row.day >= today]),
        "past": _by_year([row for row in days if row.day < today]),
        "counting": counting,
        "past_changes": past_working_days(CHANGES_SHOWN),
    }
    return render(request, "triggers/working_days.html", context, status=status)


def _by_year(days: list[DayOff]) -> list[tuple[int, list[DayOff]]]:
    return [(year, list(rows)) for year, rows in groupby(days, key=lambda row: row.day.year)]
