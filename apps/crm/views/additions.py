"""Small things done on a record's page: log an activity, add a task, finish one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.crm.enums import RecordKind
from apps.crm.exceptions import RecordMergedError
from apps.crm.forms.records import AddTaskForm, LogActivityForm, RecordForm
from apps.crm.layouts import LAYOUTS, Layout
from apps.crm.models import Activity, Record, Task
from apps.crm.services import RecordValues, complete_task, create_record, require_permission
from apps.crm.views.access import read_record, require_view, safe_next
from apps.users.models import User
from apps.users.services import person_of


@require_POST
def log_activity(request: HttpRequest, kind: RecordKind, pk: int) -> HttpResponse:
    """Log what was just said or written about a record."""
    return _add(request, kind, pk, Activity, LogActivityForm, "log", "Activity logged.")


@require_POST
def add_task(request: HttpRequest, kind: RecordKind, pk: int) -> HttpResponse:
    """Add what is to be done about a record."""
    return _add(request, kind, pk, Task, AddTaskForm, "task", "Task added.")


@require_POST
def finish_task(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a task done, and go back to where it was ticked."""
    task = complete_task(user=person_of(request), task_id=pk)
    messages.success(request, f"Done: {task.title}")
    return redirect(safe_next(request, task.get_absolute_url()))


def _add(
    request: HttpRequest,
    kind: RecordKind,
    pk: int,
    model: type[Record],
    form_class: type[RecordForm],
    prefix: str,
    done: str,
) -> HttpResponse:
    user, layout = person_of(request), LAYOUTS[kind]
    require_view(user, layout)
    require_permission(user, "add", model)
    record, told = _find_place(user, layout, pk)
    form = form_class(request.POST, viewer=user, instance=model(), prefix=prefix)
    if not form.is_valid():
        context = {
            "layout": LAYOUTS[model.kind],
            "form": form,
            "back_url": record.get_absolute_url(),
        }
        return render(request, "crm/record_form.html", context, status=422)
    values = form.read_values()
    create_record(
        user=user,
        model=model,
        values=RecordValues({**values.fields, record.kind.value: record}, values.attributes),
    )
    messages.success(request, f"{told} {done}".strip())
    return redirect(record)


def _find_place(user: User, layout: Layout, pk: int) -> tuple[Record, str]:
    """The record, or where it lives on if it was merged since the page was opened, with a word of that."""
    try:
        return read_record(user, layout, pk), ""
    except RecordMergedError as error:
        return error.survivor, error.message
