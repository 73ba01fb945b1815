"""The page on which realtime voice is set."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.realtime.config import read_config, stored_settings
from apps.realtime.exceptions import (
    InvalidRealtimeSettingsError,
    RealtimeSettingsChangedError,
    RealtimeSettingsPermissionError,
)
from apps.realtime.models import RealtimeSettings
from apps.realtime.settings import CHANGE_PERMISSION, NAMES, VIEW_PERMISSION, change_settings
from apps.users.services import person_with


class RealtimeSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Every setting, and the revision that was read."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = RealtimeSettings
        fields = NAMES
        labels = {
            "model": "Model",
            "voice": "Voice",
            "longest_session_min": "Longest call, minutes",
            "longest_idle_s": "A call ends after silence of, seconds",
            "session_limit_usd": "A call costs at most, US dollars",
            "month_limit_usd": "All calls of a month, US dollars",
            "keeps_texts": "Keep what was said in telemetry",
            "telemetry_days": "Keep telemetry for, days",
            "session_days": "Keep the list of calls for, days",
        }
        help_texts = {
            "model": "Empty for the operator's.",
            "keeps_texts": (
                "Off: what was said does not leave the browser with the events that developers see. Each"
                " person's own conversations are kept apart, for them alone."
            ),
            "session_days": "Who called when, how long, what it cost, and which tools were called.",
        }


@require_http_methods(["GET", "HEAD", "POST"])
def show_settings(request: HttpRequest) -> HttpResponse:
    """How realtime voice is set, and its form.

    Raises:
        PermissionDenied: the person's role does not include seeing it.
    """
    user = person_with(request, VIEW_PERMISSION, "Administrators see how realtime voice is set.")
    row = stored_settings()
    if request.method != "POST":
        return _answer(request, _form_of(row))
    if not user.has_perm(CHANGE_PERMISSION):
        raise RealtimeSettingsPermissionError()
    form = RealtimeSettingsForm(request.POST, instance=row)
    if not form.is_valid():
        return _answer(request, form, status=422)
    values = {name: form.cleaned_data[name] for name in NAMES}
    try:
        change = change_settings(
            user=user, values=values, revision_read=form.cleaned_data["revision"]
        )
    except InvalidRealtimeSettingsError as error:
        for name, problems in error.problems.items():
            form.add_error(name if name in form.fields else None, problems)
        return _answer(request, form, status=error.status)
    except RealtimeSettingsChangedError as error:
        messages.error(request, error.message)
        return _answer(request, _form_of(stored_settings()), status=error.status)
    if change.is_changed:
        messages.success(request, "Settings saved. The next call goes by them.")
    else:
        messages.info(request, "Nothing was changed: it was set like this already.")
    return redirect("realtime:settings")


def _form_of(row: RealtimeSettings) -> RealtimeSettingsForm:
    return RealtimeSettingsForm(instance=row, initial={"revision": row.revision})


def _answer(request: HttpRequest, form: RealtimeSettingsForm, *, status: int = 200) -> HttpResponse:
    config = read_config()
    context = {
        "nav_section": "realtime",
        "form": form,
        "has_key": bool(config.api_key),
        "is_stand_in": config.is_stand_in,
        "operators_model": settings.REALTIME_MODEL,
    }
    return render(request, "realtime/settings.html", context, status=status)
