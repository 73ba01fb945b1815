"""Replays: asking a trigger about the days behind us, watching, reading the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.exporting import send_table
from apps.tenants.work.runs import request_cancel
from apps.triggers.models import ReplayRun
from apps.triggers.registry import Trigger
from apps.triggers.replay import services
from apps.triggers.replay.exceptions import ReplayBusyError
from apps.triggers.replay.forms import ReplayForm
from apps.triggers.replay.presentation import describe_question, show_replay
from apps.triggers.replay.runs import close_lost_replays
from apps.triggers.replay.schemas import ReplayResult
from apps.triggers.replay.tasks import send_replay
from apps.triggers.rules import registry
from apps.triggers.settings import read_setting
from apps.users.models import User
from apps.users.services import person_with

HEADER = ("Asked", "With", "By", "Days", "State", "Fired", "At present")


@require_http_methods(["GET", "HEAD", "POST"])
def list_replays(request: HttpRequest, key: str) -> HttpResponse:
    """The latest replays of a trigger and the form that asks for one; or ask for it."""
    user, setting = _viewer_of(request), read_setting(key)
    if request.method != "POST":
        form = ReplayForm(setting.trigger, setting.choice.parameters)
        return _show_form(request, user, setting.trigger, form)
    form = ReplayForm(setting.trigger, setting.choice.parameters, data=request.POST)
    if not form.is_valid():
        return _show_form(request, user, setting.trigger, form, status=422)
    try:
        with transaction.atomic():
            run = services.request_replay(
                user=user,
                key=key,
                parameters=form.typed_parameters,
                days=form.cleaned_data["days"],
                now=timezone.now(),
            )
            send_replay(run)
    except ReplayBusyError as error:
        return _show_form(request, user, setting.trigger, form, status=409, refusal=error.message)
    return (
        _show_run(request, user, setting.trigger, run) if _is_fragment(request) else redirect(run)
    )


@require_safe
def export_replays(request: HttpRequest, key: str) -> HttpResponseBase:
    """The latest replays of a trigger as they are on screen, as a CSV file."""
    user, trigger = _viewer_of(request), registry.get(key)
    rows = []
    for run in _latest(user, trigger):
        answer = ReplayResult.model_validate(run.result) if run.result else None
        rows.append(
            (
                run.queued_at,
                describe_question(run, trigger),
                str(run.requested_by or ""),
                run.days,
                run.get_status_display(),
                answer and answer.asked.fired,
                answer and answer.present and answer.present.fired,
            )
        )
    return send_table(request, user, what=f"replays-{key}", header=HEADER, rows=rows)


@require_safe
def export_replay_records(request: HttpRequest, key: str, pk: int) -> HttpResponseBase:
    """The records that a replay names, those that the person may see, as a CSV file."""
    user, trigger = _viewer_of(request), registry.get(key)
    replay = show_replay(_find(user, key, pk), trigger, user)
    records = replay.answer.records if replay.answer else ()
    rows = [
        (row.record.pk, str(row.record), row.last_fired_at, row.fired, row.became)
        for row in records
    ]
    header = ("Id", replay.noun.capitalize(), "Last fired by", "Times", "Today")
    return send_table(request, user, what=f"replay-{pk}", header=header, rows=rows)


@require_safe
def show_replay_run(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """One replay: how far it is while it runs, afterwards the answer. Asked again by htmx."""
    user, trigger = _viewer_of(request), registry.get(key)
    close_lost_replays(timezone.now())
    return _show_run(request, user, trigger, _find(user, key, pk))


@require_POST
def cancel_replay(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Stop a replay that waits or runs."""
    user = _viewer_of(request)
    run = _find(user, registry.get(key).key, pk)
    request_cancel(run)
    return redirect(run)


def _viewer_of(request: HttpRequest) -> User:
    return person_with(request, services.VIEW_PERMISSION)


def _find(user: User, key: str, pk: int) -> ReplayRun:
    runs = ReplayRun.objects.visible_to(user).select_related("requested_by")
    run: ReplayRun = get_object_or_404(runs, pk=pk, trigger=key)
    return run


def _latest(user: User, trigger: Trigger[Any]) -> Iterable[ReplayRun]:
    visible = ReplayRun.objects.visible_to(user).filter(trigger=trigger.key)
    return visible.select_related("requested_by")[: services.KEPT_PER_TRIGGER]


def _is_fragment(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def _show_run(
    request: HttpRequest, user: User, trigger: Trigger[Any], run: ReplayRun
) -> HttpResponse:
    context = {
        "nav_section": "triggers",
        "replay": show_replay(run, trigger, user),
        "form": ReplayForm(trigger, run.parameters, days=run.days),
    }
    template = "_replay_run" if _is_fragment(request) else "replay_detail"
    return render(request, f"triggers/{template}.html", context)


def _show_form(
    request: HttpRequest,
    user: User,
    trigger: Trigger[Any],
    form: ReplayForm,
    *,
    status: int = 200,
    refusal: str = "",
) -> HttpResponse:
    if _is_fragment(request):
        context: dict[str, Any] = {"form": form, "refusal": refusal}
        return render(request, "triggers/_replay_refused.html", context, status=status)
    context = {
        "nav_section": "triggers",
        "trigger": trigger,
        "form": form,
        "refusal": refusal,
        "runs": [(run, describe_question(run, trigger)) for run in _latest(user, trigger)],
    }
    return render(request, "triggers/replay_list.html", context, status=status)
