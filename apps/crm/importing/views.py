"""The import pages: upload, map and preview, progress, list of problems."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError as BrokerError

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.crm.enums import RecordKind
from apps.crm.importing import services
from apps.crm.importing.exceptions import FileTooLargeError, ImportingError
from apps.crm.importing.forms import MappingForm, UploadForm
from apps.crm.importing.locks import mark_killed_runs
from apps.crm.importing.mapping import MappingFile
from apps.crm.importing.previews import Preview, preview_file
from apps.crm.importing.problems import COLUMNS, REFUSED, RowProblem
from apps.crm.importing.runs import end_run, request_cancel
from apps.crm.importing.tasks import run_import
from apps.crm.importing.uploads import (
    is_stored,
    open_stored,
    read_first_problems,
    read_problem_lines,
    stored_size_bytes,
)
from apps.crm.look_alikes import tell
from apps.crm.models.imports import ImportRun, ImportStatus
from apps.tenants.exports import stream_csv
from apps.users.models import User
from apps.users.services import person_of

RUNS_SHOWN = 20
PROBLEMS_SHOWN = 20
# What a form adds to the file it carries.
FORM_OVERHEAD_BYTES = 64 * 1024

may_import = permission_required("crm.add_importrun", raise_exception=True)


# Exempt here, so that a far too large body is refused before anything parses it: the check itself is done by
# ``_start``, which handles every body that is read.
@csrf_exempt
@may_import
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Show the upload form and the latest imports, or take a file."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > settings.IMPORT_MAX_BYTES + FORM_OVERHEAD_BYTES:
        error = FileTooLargeError(settings.IMPORT_MAX_BYTES)
        return _show_start(request, UploadForm(), error)
    return _start(request)


@csrf_protect
def _start(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _show_start(request, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show_start(request, form, status=422)
    run = services.receive_upload(
        kind=RecordKind(form.cleaned_data["kind"]),
        source=form.cleaned_data["source"],
        upload=form.cleaned_data["file"],
        actor=Actor.for_person(person_of(request)),
    )
    try:
        _preview(run, None)
    except ImportingError as error:
        services.discard_upload(run)
        run.delete()
        return _show_start(request, form, error)
    return redirect("crm:import_map", pk=run.pk)


@may_import
@require_http_methods(["GET", "HEAD", "POST"])
def map_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what each column becomes and the first rows; take changes; start the import."""
    run = get_object_or_404(ImportRun, pk=pk)
    if run.status != ImportStatus.UPLOADED or not is_stored(run.stored_path):
        return redirect(run)
    given = MappingFile.parse(run.mapping) if run.mapping else None
    viewer = person_of(request)
    if request.method != "POST":
        preview = _preview(run, given, viewer)
        return _show_mapping(request, run, MappingForm(preview.mapping), preview)
    preview = _preview(run, given)
    form = MappingForm(preview.mapping, request.POST)
    if not form.is_valid():
        return _show_mapping(request, run, form, preview, status=422)
    given, run.source = form.to_mapping(), form.cleaned_data["source"]
    is_start = request.POST.get("action") == "start"
    try:
        preview = _preview(run, given, None if is_start else viewer)
    except ImportingError as error:
        form.add_error(None, error.message)
        return _show_mapping(request, run, form, preview, status=422)
    if not is_start or not preview.is_complete:
        status = 200 if preview.is_complete else 422
        return _show_mapping(request, run, form, preview, status=status)
    actor = Actor.for_person(viewer)
    with transaction.atomic():
        services.queue_import(run, given, run.source, actor, dry_run=form.cleaned_data["dry_run"])
        transaction.on_commit(partial(_enqueue, run.pk))
    return redirect(run)


@may_import
@require_safe
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """One import: how far it is while it runs, afterwards what it did. Asked again by htmx."""
    mark_killed_runs()
    run = get_object_or_404(ImportRun.objects.select_related("started_by"), pk=pk)
    if run.status == ImportStatus.UPLOADED:
        if is_stored(run.stored_path):
            return redirect("crm:import_map", pk=run.pk)
        services.close_without_file(run)
        run.refresh_from_db()
    problems: list[RowProblem] = []
    if run.errors_path and is_stored(run.errors_path):
        problems = read_first_problems(run.errors_path, PROBLEMS_SHOWN)
    likes = tell(person_of(request), (problem.record for problem in problems if problem.record))
    told = [(problem, likes[problem.record] if problem.record else None) for problem in problems]
    context = {"nav_section": "import", "run": run, "problems": told}
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    return render(request, f"crm/import/{'_progress' if is_fragment else 'progress'}.html", context)


@may_import
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop an import that waits or runs."""
    run = get_object_or_404(ImportRun, pk=pk)
    request_cancel(run)
    return redirect(run)


@may_import
@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an upload that was not imported back to its mapping."""
    run = get_object_or_404(ImportRun, pk=pk)
    services.reopen_run(run)
    return redirect("crm:import_map", pk=run.pk)


@may_import
@require_safe
def download_errors(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The list of problems as a CSV file."""
    run = get_object_or_404(ImportRun, pk=pk)
    if not is_stored(run.errors_path):
        raise Http404
    details: dict[str, Detail] = {"what": "import problems", "import": run.pk, "format": "csv"}
    record_event(Actor.for_person(person_of(request)), Entry(Event.EXPORTED, details=details))
    return stream_csv(
        request,
        file_name=f"import-{run.pk}-problems.csv",
        header=COLUMNS,
        rows=(_with_address(request, line) for line in read_problem_lines(run.errors_path)),
    )


def _with_address(request: HttpRequest, line: list[str]) -> list[str]:
    """A line of the list; a record that the row looks like by its page, which opens for who may see it."""
    number, column, value, message, result = line
    if ref := RowProblem(int(number or 0), column, value, message, result == REFUSED).record:
        kind, record_id = ref
        value = request.build_absolute_uri(reverse(f"crm:{kind.value}_detail", args=[record_id]))
    return [number, column, value, message, result]


def _preview(run: ImportRun, given: MappingFile | None, viewer: User | None = None) -> Preview:
    """Without a viewer rows are not held against what is here: that takes time, and is for showing."""
    return preview_file(
        kind=RecordKind(run.record_kind),
        open_file=open_stored(run.stored_path),
        size_bytes=stored_size_bytes(run.stored_path),
        given=given,
        source=run.source,
        viewer=viewer,
    )


def _enqueue(run_id: int) -> None:
    try:
        run_import.delay(run_id=run_id)
    except BrokerError:
        failure = "The queue could not be reached, so the import was not started. Try it again."
        end_run(run_id, ImportStatus.QUEUED, ImportStatus.FAILED, failure)


def _show_start(
    request: HttpRequest, form: UploadForm, error: ImportingError | None = None, status: int = 200
) -> HttpResponse:
    mark_killed_runs()
    runs = ImportRun.objects.select_related("started_by")[:RUNS_SHOWN]
    context = {"nav_section": "import", "form": form, "error": error, "runs": runs}
    return render(
        request, "crm/import/start.html", context, status=error.status if error else status
    )


def _show_mapping(
    request: HttpRequest, run: ImportRun, form: MappingForm, preview: Preview, status: int = 200
) -> HttpResponse:
    columns = [
        (field, preview.samples(position)) for position, field in enumerate(form.column_fields)
    ]
    context = {
        "nav_section": "import",
        "run": run,
        "form": form,
        "columns": columns,
        "preview": preview,
    }
    return render(request, "crm/import/map.html", context, status=status)
