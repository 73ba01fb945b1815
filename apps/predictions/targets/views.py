"""The pages of sales targets."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.exporting import send_table
from apps.predictions.models import SalesTarget
from apps.predictions.querysets import SalesTargetQuerySet
from apps.predictions.targets import settings
from apps.predictions.targets.exceptions import (
    InvalidTargetError,
    TargetChangedError,
    TargetNotFoundError,
    TargetPermissionError,
)
from apps.predictions.targets.forms import TargetForm, merge
from apps.predictions.targets.periods import Period
from apps.predictions.targets.reading import VIEW_PERMISSION, with_forecasts
from apps.tenants.meanwhile import MeanwhileChange
from apps.tenants.pagination import CappedPaginator
from apps.tenants.services import current_tenant
from apps.users.models import User
from apps.users.services import person_with

ROWS_PER_PAGE = 50
HEADER = ("Whose", "Of", "From", "To", "Target", "Currency")
COMPANY = "The company"


@require_safe
def list_targets(request: HttpRequest) -> HttpResponse:
    """Every target that the person may see, the latest days first."""
    user = _viewer_of(request)
    page = CappedPaginator(_visible(user), ROWS_PER_PAGE, request.GET.get("page")).asked_page()
    context = {
        "nav_section": "forecast",
        "tab": "targets",
        "page": page,
        "rows": with_forecasts(page, user),
        "may_add": user.has_perm(settings.ADD_PERMISSION),
        "may_change": user.has_perm(settings.CHANGE_PERMISSION),
        "may_remove": user.has_perm(settings.DELETE_PERMISSION),
    }
    return render(request, "predictions/target_list.html", context)


@require_safe
def export_targets(request: HttpRequest) -> HttpResponseBase:
    """The list as a CSV file."""
    user = _viewer_of(request)
    rows = (
        (
            str(row.team or row.owner or COMPANY),
            period.label,
            period.starts_on,
            period.ends_on,
            row.amount,
            row.currency,
        )
        for row in _visible(user)
        for period in [Period(row.starts_on, row.months)]
    )
    return send_table(request, user, what="targets", header=HEADER, rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
def add_target(request: HttpRequest) -> HttpResponse:
    """Set a target."""
    user, today = _editor_of(request, settings.ADD_PERMISSION), timezone.localdate()
    if request.method != "POST":
        form = TargetForm(user, today, currency=current_tenant().currency)
        return _show_form(request, form)
    form = TargetForm(user, today, data=request.POST)
    if not form.is_valid():
        return _show_form(request, form, status=422)
    try:
        settings.add_target(user=user, values=form.values())
    except InvalidTargetError as error:
        form.refuse(error)
        return _show_form(request, form, status=error.status)
    messages.success(request, "Target set.")
    return redirect("predictions:target_list")


@require_http_methods(["GET", "HEAD", "POST"])
def edit_target(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a target; if somebody else changed it since it was opened, both are shown."""
    user, today = _editor_of(request, settings.CHANGE_PERMISSION), timezone.localdate()
    target = _find(user, pk)
    if request.method != "POST":
        return _show_form(request, TargetForm(user, today, target=target), target)
    form = TargetForm(user, today, data=request.POST, target=target)
    if not form.is_valid():
        return _show_form(request, form, target, status=422)
    try:
        settings.change_target(
            user=user,
            target_id=pk,
            values=form.values(),
            revision_read=form.cleaned_data["revision_read"],
        )
    except InvalidTargetError as error:
        form.refuse(error)
        return _show_form(request, form, target, status=error.status)
    except TargetChangedError:
        present = _find(user, pk)
        meanwhile = merge(form, user, today, present)
        return _show_form(request, meanwhile.form, present, meanwhile.changes, status=409)
    messages.success(request, "Target saved.")
    return redirect("predictions:target_list")


@require_POST
def remove_target(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a target."""
    user = _editor_of(request, settings.DELETE_PERMISSION)
    settings.remove_target(user=user, target_id=pk)
    messages.success(request, "Target removed.")
    return redirect("predictions:target_list")


def _viewer_of(request: HttpRequest) -> User:
    return person_with(request, VIEW_PERMISSION, "Your role does not let you see targets.")


def _editor_of(request: HttpRequest, permission: str) -> User:
    user = _viewer_of(request)
    if not user.has_perm(permission):
        raise TargetPermissionError()
    return user


def _visible(user: User) -> SalesTargetQuerySet:
    rows = SalesTarget.objects.visible_to(user).select_related("team", "owner")
    return rows.order_by("-starts_on", "-months", "owner_id", "team_id", "id")


def _find(user: User, pk: int) -> SalesTarget:
    target = _visible(user).filter(pk=pk).first()
    if target is None:
        raise TargetNotFoundError()
    return target


def _show_form(
    request: HttpRequest,
    form: TargetForm,
    target: SalesTarget | None = None,
    changes: tuple[MeanwhileChange, ...] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "nav_section": "forecast",
        "tab": "targets",
        "form": form,
        "target": target,
        "meanwhile": None if changes is None else {"changes": changes},
    }
    return render(request, "predictions/target_form.html", context, status=status)
