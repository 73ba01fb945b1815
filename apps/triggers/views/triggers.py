"""The triggers, and the page on which one is set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.exporting import send_table
from apps.brain.enums import Goal
from apps.crm.layouts import LAYOUTS
from apps.execution.tools import registry as tools
from apps.triggers.charts import lay_out_strips
from apps.triggers.exceptions import SettingChangedError, SettingPermissionError
from apps.triggers.forms import SettingForm, merge, typed_parameters
from apps.triggers.models import Signal, TriggerState
from apps.triggers.own_figures import read_own_figures
from apps.triggers.registry import Trigger
from apps.triggers.rules import registry
from apps.triggers.settings import (
    CHANGE_PERMISSION,
    VIEW_PERMISSION,
    Change,
    Setting,
    change_setting,
    past_changes,
    read_setting,
    read_settings,
)
from apps.triggers.tasks import send_scan
from apps.users.models import User
from apps.users.services import person_with

CHANGES_SHOWN = 10
HEADER = (
    "Trigger", "Records", "State", "Parameters", "Firing now", "Urgency", "Goal", "Suggests", "Last look",
)  # fmt: skip

_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")


@dataclass(frozen=True, slots=True)
class ShownTrigger:
    """A trigger as the pages show it."""

    setting: Setting
    goal: str
    tools: tuple[str, ...]
    firing: int
    looked_at: datetime | None


@require_safe
def list_triggers(request: HttpRequest) -> HttpResponse:
    """All triggers by the kind of record they watch."""
    viewer_of(request)
    context = {"nav_section": "triggers", "tab": "triggers", "groups": list(_read_groups())}
    return render(request, "triggers/trigger_list.html", context)


@require_safe
def export_triggers(request: HttpRequest) -> HttpResponseBase:
    """The triggers as they are on screen, as a CSV file."""
    user = viewer_of(request)
    rows = [
        (
            shown.setting.trigger.label,
            kind,
            "On" if shown.setting.choice.is_enabled else "Off",
            _whose_parameters(shown.setting),
            shown.firing,
            shown.setting.trigger.severity.label,
            shown.goal,
            ", ".join(shown.tools),
            shown.looked_at,
        )
        for kind, triggers in _read_groups()
        for shown in triggers
    ]
    return send_table(request, user, what="triggers", header=HEADER, rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
def show_trigger(request: HttpRequest, key: str) -> HttpResponse:
    """One trigger and the form of its setting; if it changed since it was opened, with both."""
    user, setting = viewer_of(request), read_setting(key)
    if request.method != "POST":
        return _answer(request, user, setting, SettingForm(setting))
    if not user.has_perm(CHANGE_PERMISSION):
        raise SettingPermissionError()
    form = SettingForm(setting, request.POST)
    if not form.is_valid():
        return _answer(request, user, setting, form, status=422)
    try:
        with transaction.atomic():
            change = change_setting(
                user=user,
                key=key,
                now=timezone.now(),
                is_enabled=form.cleaned_data["is_enabled"],
                parameters=typed_parameters(form.cleaned_data),
                revision_read=form.cleaned_data["revision"],
            )
            _send(change)
    except SettingChangedError:
        present = read_setting(key)
        meanwhile = merge(form, present)
        return _answer(request, user, present, meanwhile.form, status=409, meanwhile=meanwhile)
    _announce(request, change)
    return redirect("triggers:trigger_detail", key=key)


@require_POST
def restore_defaults(request: HttpRequest, key: str) -> HttpResponse:
    """Give up the tenant's own parameters of a trigger."""
    with transaction.atomic():
        change = change_setting(user=viewer_of(request), key=key, now=timezone.now(), parameters={})
        _send(change)
    _announce(request, change)
    return redirect("triggers:trigger_detail", key=key)


def viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may look at the triggers.

    Raises:
        PermissionDenied: their role does not include it.
    """
    return person_with(request, VIEW_PERMISSION)


def _send(change: Change) -> None:
    if change.scan is not None:
        send_scan(change.scan)


def _announce(request: HttpRequest, change: Change) -> None:
    if change.scan is None:
        messages.info(request, "Nothing was changed: it was set like this already.")
    else:
        messages.success(
            request, f"“{change.setting.trigger.label}” saved. A scan with it is queued."
        )


def _answer(
    request: HttpRequest,
    user: User,
    setting: Setting,
    form: SettingForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    trigger = setting.trigger
    look = TriggerState.objects.filter(trigger=trigger.key).first()
    firing = Signal.objects.firing().filter(trigger=trigger.key).count()
    figures = read_own_figures(setting)
    context = {
        "nav_section": "triggers",
        "shown": _show(setting, firing, look.looked_at if look else None),
        "form": form,
        "may_change": user.has_perm(CHANGE_PERMISSION),
        "past_changes": past_changes(trigger, CHANGES_SHOWN),
        "figures": figures,
        "charts": lay_out_strips(figures.rows) if figures else [],
        "notes": [_in_words(note, trigger) for note in trigger.notes],
        "held_back": [registry.label(key) for key in trigger.inhibits],
        **more,
    }
    return render(request, "triggers/trigger_detail.html", context, status=status)


def _in_words(note: str, trigger: Trigger[Any]) -> str:
    """A note of the docstring with labels in the place of names."""
    labels = {other.key: other.label for other in registry.all()}
    labels |= {parameter.name: parameter.label for parameter in trigger.declared}
    return _NAME.sub(
        lambda found: f"“{labels[found[0]]}”" if found[0] in labels else found[0], note
    )


def _show(setting: Setting, firing: int, looked_at: datetime | None) -> ShownTrigger:
    trigger = setting.trigger
    return ShownTrigger(
        setting=setting,
        goal=Goal(trigger.goal).label,
        tools=tuple(tools.get(key).label for key in trigger.tools),
        firing=firing,
        looked_at=looked_at,
    )


def _read_groups() -> Iterable[tuple[str, list[ShownTrigger]]]:
    """Every trigger as it stands, by kind of record."""
    firing = Signal.objects.firing().counts_by_trigger()
    looks = dict(TriggerState.objects.values_list("trigger", "looked_at"))
    return _by_kind(
        _show(setting, firing.get(setting.trigger.key, 0), looks.get(setting.trigger.key))
        for setting in read_settings()
    )


def _whose_parameters(setting: Setting) -> str:
    if setting.is_misfit:
        return "Do not fit"
    return "Own" if setting.own_parameters else "Default"


def _by_kind(shown: Iterable[ShownTrigger]) -> Iterable[tuple[str, list[ShownTrigger]]]:
    """The triggers of each kind of record that has any, by label."""
    everything = sorted(shown, key=lambda row: row.setting.trigger.label)
    for kind, layout in LAYOUTS.items():
        of_kind = [row for row in everything if row.setting.trigger.record_kind == kind]
        if of_kind:
            yield layout.nouns.capitalize(), of_kind
