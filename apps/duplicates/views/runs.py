"""Looks for duplicates: what they did, how far one is, starting and stopping one."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.duplicates.enums import Subject
from apps.duplicates.filters import RunFilterSet
from apps.duplicates.models import MatchRun
from apps.duplicates.services.starting import VIEW_PERMISSION, start_run, stop_run
from apps.duplicates.tasks import send_run
from apps.tenants.pagination import CappedPaginator
from apps.tenants.work.runs import close_lost
from apps.users.models import User
from apps.users.services import person_with

RUNS_PER_PAGE = 25


class StartForm(forms.Form):
    """What is to be looked through."""

    subject = forms.ChoiceField(choices=Subject.choices)


@require_safe
def list_runs(request: HttpRequest) -> HttpResponse:
    """Runs, the newest first."""
    _viewer_of(request)
    close_lost(timezone.now(), MatchRun)
    runs = MatchRun.objects.select_related("requested_by")
    filter_set = RunFilterSet(request.GET, queryset=runs)
    context = {
        "nav_section": "duplicates",
        "tab": "runs",
        "filters": filter_set.form,
        "subjects": list(Subject),
        "page": CappedPaginator(filter_set.qs, RUNS_PER_PAGE, request.GET.get("page")).asked_page(),
    }
    return render(request, "duplicates/run_list.html", context)


@require_safe
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: how far it is, afterwards what came of it. Asked again by htmx."""
    _viewer_of(request)
    close_lost(timezone.now(), MatchRun)
    run = get_object_or_404(MatchRun.objects.select_related("requested_by"), pk=pk)
    context = {"nav_section": "duplicates", "tab": "runs", "run": run}
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    return render(request, f"duplicates/{'_run' if is_fragment else 'run_detail'}.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Ask for a look at everything."""
    user, form = _viewer_of(request), StartForm(request.POST)
    if not form.is_valid():
        raise BadRequest("There is no such run.")
    with transaction.atomic():
        run = start_run(Subject(form.cleaned_data["subject"]), user)
        send_run(run)
    messages.info(request, f"{run.get_subject_display()} are being looked through.")
    return redirect(run)


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a run that waits or works."""
    user = _viewer_of(request)
    run = get_object_or_404(MatchRun, pk=pk)
    stop_run(run, user)
    return redirect(run)


def _viewer_of(request: HttpRequest) -> User:
    return person_with(request, VIEW_PERMISSION, "Your role does not let you see these runs.")
