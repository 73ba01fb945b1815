"""Runs of the engine: what it did, how far it is, starting and stopping one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.audit.exporting import filters_asked, send_table
from apps.predictions.forms import RunFilterSet, RunForm
from apps.predictions.models import PredictionRun
from apps.predictions.services.runs import close_lost_runs
from apps.predictions.services.starting import VIEW_PERMISSION, start_run, stop_run
from apps.predictions.tasks import send_run
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User
from apps.users.services import person_with

RUNS_PER_PAGE = 25
EXPORT_CHUNK = 500
HEADER = (
    "Run",
    "What",
    "Prediction",
    "By",
    "Asked",
    "Started",
    "Ended",
    "State",
    "What came of it",
)


@require_safe
def list_runs(request: HttpRequest) -> HttpResponse:
    """Runs, the newest first; of one kind, prediction or state when asked."""
    _viewer_of(request)
    close_lost_runs(timezone.now())
    filter_set = _read_filters(request)
    context = {
        "nav_section": "predictions",
        "tab": "runs",
        "filters": filter_set.form,
        "page": CappedPaginator(filter_set.qs, RUNS_PER_PAGE, request.GET.get("page")).asked_page(),
    }
    return render(request, "predictions/run_list.html", context)


@require_safe
def export_runs(request: HttpRequest) -> HttpResponseBase:
    """The runs as they are on screen, all pages of them, as a CSV file."""
    user, filter_set = _viewer_of(request), _read_filters(request)
    rows = (
        (
            run.pk,
            run.get_kind_display(),
            run.get_prediction_display(),
            str(run.requested_by or ""),
            run.queued_at,
            run.started_at,
            run.finished_at,
            run.get_status_display(),
            run.message,
        )
        for run in filter_set.qs.iterator(chunk_size=EXPORT_CHUNK)
    )
    return send_table(
        request,
        user,
        what="prediction-runs",
        header=HEADER,
        rows=rows,
        filters=filters_asked(filter_set.form),
    )


@require_safe
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: how far it is, afterwards what came of it. Asked again by htmx."""
    _viewer_of(request)
    close_lost_runs(timezone.now())
    run = get_object_or_404(PredictionRun.objects.select_related("requested_by"), pk=pk)
    context = {"nav_section": "predictions", "tab": "runs", "run": run}
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    return render(request, f"predictions/{'_run' if is_fragment else 'run_detail'}.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Ask for a training, a scoring or a forecast."""
    user, form = _viewer_of(request), RunForm(request.POST)
    if not form.is_valid():
        raise BadRequest("There is no such run.")
    with transaction.atomic():
        run = start_run(form.run_kind, form.run_prediction, user)
        send_run(run)
    messages.info(request, f"{run.get_kind_display()} is queued.")
    return redirect(run)


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a run that waits or works."""
    user = _viewer_of(request)
    run = get_object_or_404(PredictionRun, pk=pk)
    stop_run(run, user)
    return redirect(run)


def _viewer_of(request: HttpRequest) -> User:
    return person_with(request, VIEW_PERMISSION, "Your role does not let you see these runs.")


def _read_filters(request: HttpRequest) -> RunFilterSet:
    runs = PredictionRun.objects.select_related("requested_by")
    return RunFilterSet(request.GET, queryset=runs)
