"""“Try it on your export”: upload a table, say what is asked of it, watch, read the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.crm.importing.exceptions import FileRefusedError, FileTooLargeError
from apps.crm.importing.uploads import is_stored, remove_stored
from apps.predictions.charts import lay_out_calibration
from apps.predictions.exceptions import TrialPermissionError
from apps.predictions.forms import TrialQuestionForm, TrialUploadForm
from apps.predictions.models import Trial
from apps.predictions.schemas import TrialQuestion, TrialResult
from apps.predictions.services.runs import close_lost_runs
from apps.predictions.services.trials import (
    ADD_PERMISSION,
    TRIAL_KEPT,
    VIEW_PERMISSION,
    delete_trial,
    describe,
    request_trial,
    stop_trial,
)
from apps.predictions.tasks import send_trial
from apps.predictions.trial_uploads import (
    MAX_BYTES,
    SampledColumn,
    Upload,
    keep_upload,
    sample_columns,
    token_of,
    upload_of,
)
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User
from apps.users.services import person_with

TRIALS_PER_PAGE = 25
# What a form adds to the file it carries.
FORM_OVERHEAD_BYTES = 64 * 1024


# Exempt here, so that a far too large body is refused before anything parses it: the check itself is done by
# ``_list_trials``, which handles every body that is read.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def list_trials(request: HttpRequest) -> HttpResponse:
    """The trials that one may see and the form that takes a file; or take one."""
    user = _viewer_of(request)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BYTES + FORM_OVERHEAD_BYTES:
        error = FileTooLargeError(MAX_BYTES)
        return _show_list(
            request, user, TrialUploadForm(), status=error.status, refusal=error.message
        )
    return _list_trials(request)


@csrf_protect
def _list_trials(request: HttpRequest) -> HttpResponse:
    user = _viewer_of(request)
    if request.method != "POST":
        return _show_list(request, user, TrialUploadForm())
    if not user.has_perm(ADD_PERMISSION):
        raise TrialPermissionError()
    form = TrialUploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show_list(request, user, form, status=422)
    upload = keep_upload(form.cleaned_data["file"])
    try:
        sample_columns(upload)
    except FileRefusedError as error:
        remove_stored(upload.stored_path)
        return _show_list(request, user, form, status=error.status, refusal=error.message)
    return redirect(_ask_address(upload, user))


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Say which column holds the outcome, what stands there, which is the time; or begin."""
    user = _viewer_of(request)
    if not user.has_perm(ADD_PERMISSION):
        raise TrialPermissionError()
    upload = upload_of(request.GET.get("upload", ""), user)
    columns = sample_columns(upload)
    if request.method != "POST":
        return _show_question(request, upload, columns, TrialQuestionForm(columns))
    form = TrialQuestionForm(columns, request.POST)
    if not form.is_valid():
        return _show_question(request, upload, columns, form, status=422)
    with transaction.atomic():
        trial = request_trial(upload, form.question, user)
        send_trial(trial)
    return redirect(trial)


@require_safe
def show_trial(request: HttpRequest, pk: int) -> HttpResponse:
    """One trial: how far it is, afterwards the answer. Asked again by htmx."""
    user = _viewer_of(request)
    close_lost_runs(timezone.now())
    trial = _find(user, pk)
    result = TrialResult.model_validate(trial.result) if trial.result else None
    may_ask_again = trial.requested_by_id == user.pk and is_stored(trial.stored_path)
    context = {
        "nav_section": "predictions",
        "tab": "trials",
        "trial": trial,
        "question": TrialQuestion.model_validate(trial.question),
        "result": result,
        "headline": describe(result) if result else "",
        "calibration": lay_out_calibration(result.calibration) if result else None,
        "again_url": _ask_address(Upload(trial.stored_path, trial.file_name), user)
        if may_ask_again
        else "",
        "kept_days": TRIAL_KEPT.days,
    }
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    return render(
        request, f"predictions/{'_trial' if is_fragment else 'trial_detail'}.html", context
    )


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a trial that waits or works."""
    user = _viewer_of(request)
    trial = _find(user, pk)
    stop_trial(trial, user)
    return redirect(trial)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a trial, its answer and what was uploaded."""
    user = _viewer_of(request)
    delete_trial(_find(user, pk), user)
    messages.success(request, "The trial is deleted, and so is what was uploaded for it.")
    return redirect("predictions:trial_list")


def _viewer_of(request: HttpRequest) -> User:
    return person_with(request, VIEW_PERMISSION, "Your role does not let you see trials.")


def _find(user: User, pk: int) -> Trial:
    trials = Trial.objects.asked_by(user).select_related("requested_by")
    trial: Trial = get_object_or_404(trials, pk=pk)
    return trial


def _ask_address(upload: Upload, user: User) -> str:
    query = urlencode({"upload": token_of(upload, user)})
    return f"{reverse('predictions:trial_ask')}?{query}"


def _show_list(
    request: HttpRequest,
    user: User,
    form: TrialUploadForm,
    *,
    status: int = 200,
    refusal: str = "",
) -> HttpResponse:
    close_lost_runs(timezone.now())
    trials = Trial.objects.asked_by(user).select_related("requested_by").defer("result")
    context: dict[str, Any] = {
        "nav_section": "predictions",
        "tab": "trials",
        "form": form,
        "refusal": refusal,
        "page": CappedPaginator(trials, TRIALS_PER_PAGE, request.GET.get("page")).asked_page(),
        "kept_days": TRIAL_KEPT.days,
    }
    return render(request, "predictions/trial_list.html", context, status=status)


def _show_question(
    request: HttpRequest,
    upload: Upload,
    columns: tuple[SampledColumn, ...],
    form: TrialQuestionForm,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "nav_section": "predictions",
        "tab": "trials",
        "upload": upload,
        "columns": columns,
        "form": form,
    }
    return render(request, "predictions/trial_ask.html", context, status=status)
