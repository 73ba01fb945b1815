"""Creating and editing records, and settling with what somebody else changed meanwhile."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.crm.enums import RecordKind
from apps.crm.exceptions import RecordChangedError
from apps.crm.forms.conflicts import read_conflict, take_theirs
from apps.crm.forms.records import FORMS, RecordForm
from apps.crm.layouts import LAYOUTS, Layout
from apps.crm.look_alikes import look_alikes
from apps.crm.models import Record
from apps.crm.services import (
    change_record,
    create_record,
    require_permission,
    visible_records,
)
from apps.crm.views.access import read_record, safe_next
from apps.users.models import User
from apps.users.services import person_of

require_GET_or_POST = require_http_methods(["GET", "HEAD", "POST"])  # noqa: N816


@require_GET_or_POST
def create(request: HttpRequest, kind: RecordKind) -> HttpResponse:
    """The form of a new record; ``?account=12`` and the like fill in a reference.

    Where there are records like it the form comes back with them, once: whoever insists creates it anyway.
    """
    user, layout = person_of(request), LAYOUTS[kind]
    require_permission(user, "add", layout.model)
    form = _form(request, user, layout, layout.model())
    if request.method != "POST":
        form.initial = {**form.initial, **_references_in(request, user, form)}
        return _show_form(request, layout, form)
    if not form.is_valid():
        return _show_form(request, layout, form, status=422)
    values = form.read_values()
    if "create_anyway" not in request.POST:
        found = look_alikes(user, kind, values.fields)
        if found.is_any:
            return _show_form(request, layout, form, status=409, look_alikes=found)
    record = create_record(user=user, model=layout.model, values=values)
    messages.success(request, f"{layout.noun.capitalize()} created.")
    return redirect(safe_next(request, record.get_absolute_url()))


@require_GET_or_POST
def edit(request: HttpRequest, kind: RecordKind, pk: int) -> HttpResponse:
    """The form of a record. If it changed since it was opened, the form comes back with both."""
    user, layout = person_of(request), LAYOUTS[kind]
    require_permission(user, "change", layout.model)
    record = read_record(user, layout, pk)
    form = _form(request, user, layout, record)
    if request.method != "POST":
        return _show_form(request, layout, form, record=record)
    if not form.is_valid():
        return _show_form(request, layout, form, record=record, status=422)
    # A form without a revision was not made by us: revision 0 never fits.
    revision = form.cleaned_data["revision"] or 0
    try:
        change_record(
            user=user,
            model=layout.model,
            record_id=pk,
            revision=revision,
            values=form.read_values(),
        )
    except RecordChangedError:
        return _show_conflict(request, user, layout, read_record(user, layout, pk), form)
    messages.success(request, f"{layout.noun.capitalize()} saved.")
    return redirect(safe_next(request, record.get_absolute_url()))


def _form(request: HttpRequest, user: User, layout: Layout, record: Record) -> RecordForm:
    form_class = FORMS[layout.kind]
    options: dict[str, Any] = {"viewer": user, "currency": _currency(request)}
    if request.method != "POST":
        return form_class(instance=record, **options)
    present = form_class(instance=record, **options)
    return form_class(take_theirs(request.POST, present), instance=record, **options)


def _show_form(
    request: HttpRequest,
    layout: Layout,
    form: RecordForm,
    *,
    record: Record | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {
        "layout": layout,
        "nav_section": layout.nav_section,
        "form": form,
        "record": record,
        "back_url": safe_next(request, record.get_absolute_url() if record else ""),
        **more,
    }
    return render(request, "crm/record_form.html", context, status=status)


def _show_conflict(
    request: HttpRequest, user: User, layout: Layout, record: Record, typed: RecordForm
) -> HttpResponse:
    """The form with what was typed, on top of what stands there now, and what changed meanwhile."""
    present = FORMS[layout.kind](instance=record, viewer=user)
    conflict = read_conflict(record, typed, present)
    form = FORMS[layout.kind](conflict.form_data, instance=record, viewer=user)
    return _show_form(request, layout, form, record=record, status=409, conflict=conflict)


def _references_in(request: HttpRequest, user: User, form: RecordForm) -> dict[str, Record]:
    """The records that the address names for references of a new one, as far as they may be seen."""
    found: dict[str, Record] = {}
    for name, field in form.fields.items():
        text = request.GET.get(name, "")
        model = getattr(field, "model", None)
        if model is None or not (text.isascii() and text.isdigit() and len(text) <= 18):
            continue
        record = visible_records(user, model).filter(pk=int(text)).first()
        if record is not None:
            found[name] = record
    return found


def _currency(request: HttpRequest) -> str:
    """The company's own currency."""
    return str(request.tenant.currency)  # type: ignore[attr-defined]
