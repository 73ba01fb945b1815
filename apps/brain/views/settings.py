"""The page on which the Brain is set."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.brain import providers
from apps.brain.config import config_of
from apps.brain.enums import Provider
from apps.brain.exceptions import (
    InvalidSettingsError,
    SettingsChangedError,
    SettingsPermissionError,
)
from apps.brain.forms import SettingsForm, merge
from apps.brain.models import BrainSettings
from apps.brain.prices import price_of
from apps.brain.settings import (
    CHANGE_PERMISSION,
    VIEW_PERMISSION,
    change_settings,
    past_changes,
    read_settings,
)
from apps.users.models import User
from apps.users.services import person_of

CHANGES_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
def show_settings(request: HttpRequest) -> HttpResponse:
    """How the Brain is set, and its form; if it changed since it was opened, with both."""
    user, row = viewer_of(request), read_settings()
    if request.method != "POST":
        return _answer(request, user, row, SettingsForm(row))
    if not user.has_perm(CHANGE_PERMISSION):
        raise SettingsPermissionError()
    form = SettingsForm(row, request.POST)
    if not form.is_valid():
        return _answer(request, user, row, form, status=422)
    try:
        change = change_settings(
            user=user,
            values=form.values,
            revision_read=form.cleaned_data["revision"],
            new_key=form.cleaned_data["new_key"],
            removes_key=form.cleaned_data.get("removes_key", False),
        )
    except InvalidSettingsError as error:
        form.refuse(error.problems)
        return _answer(request, user, row, form, status=error.status)
    except SettingsChangedError:
        present = read_settings()
        meanwhile = merge(form, present)
        return _answer(request, user, present, meanwhile.form, status=409, meanwhile=meanwhile)
    if change.is_changed:
        messages.success(request, "Settings saved. The next question goes by them.")
    else:
        messages.info(request, "Nothing was changed: it was set like this already.")
    return redirect("brain:settings")


def viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may see how the Brain is set.

    Raises:
        PermissionDenied: their role does not include it.
    """
    user = person_of(request)
    if not user.has_perm(VIEW_PERMISSION):
        raise PermissionDenied("Your role does not let you see how the Brain is set.")
    return user


def _answer(
    request: HttpRequest,
    user: User,
    row: BrainSettings,
    form: SettingsForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    today, config = timezone.localdate(), config_of(row)
    asks_model = row.provider == Provider.OPENAI
    context = {
        "nav_section": "brain",
        "tab": "settings",
        "row": row,
        "form": form,
        "may_change": user.has_perm(CHANGE_PERMISSION),
        "lacks": config.lacks(today) if asks_model else None,
        "key_unreadable": bool(row.sealed_key) and not config.api_key,
        "state": providers.state() if asks_model else None,
        "model": config.model,
        "list_price": price_of(config.model, today),
        "operators_model": settings.OPENAI_MODEL,
        "has_operators_key": bool(settings.OPENAI_API_KEY),
        "past_changes": past_changes(CHANGES_SHOWN),
        **more,
    }
    return render(request, "brain/settings.html", context, status=status)
