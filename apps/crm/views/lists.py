"""The lists of records, their CSV files, and the names offered while a reference is typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.audit.enums import Event
from apps.audit.exporting import filters_asked
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.crm.enums import RecordKind
from apps.crm.forms.fields import find_by_name, name_with_id
from apps.crm.forms.filters import FILTER_SETS, RecordFilterSet
from apps.crm.layouts import LAYOUTS, Column, Layout
from apps.crm.models import Record
from apps.crm.presentation import MONEY_FIELDS, Shown, field_of, show_field
from apps.crm.services import visible_records
from apps.crm.views.access import may, require_view
from apps.tenants.exports import stream_csv
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User
from apps.users.services import person_of

PAGE_SIZE = 50
# Rows fetched at a time while a file is sent.
EXPORT_CHUNK = 2000
SHORTEST_NAME = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list is about to show: the filtered, sorted rows, and how."""

    filter_set: RecordFilterSet
    rows: QuerySet[Any]
    sort: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list: the values, each with the CSS class of its cell."""

    record: Record
    cells: tuple[tuple[Shown, str], ...]


@require_safe
def list_records(request: HttpRequest, kind: RecordKind) -> HttpResponse:
    """The list of one kind: searched, filtered, sorted, in pages."""
    user, layout = person_of(request), LAYOUTS[kind]
    require_view(user, layout)
    listing = read_listing(request, user, layout)
    page = CappedPaginator(listing.rows, PAGE_SIZE, request.GET.get("page")).asked_page()
    context = {
        "layout": layout,
        "nav_section": layout.nav_section,
        "filters": listing.filter_set.form,
        "is_narrowed": listing.filter_set.is_narrowed,
        "narrowed_to": _narrowed_to(user, layout, listing.filter_set),
        "columns": [(column, *head_of(layout, column)) for column in layout.columns],
        "sort": listing.sort,
        "page": page,
        "rows": [show_row(record, layout.columns) for record in page],
        "may_add": may(user, "add", layout),
    }
    return render(request, "crm/record_list.html", context)


@require_safe
def export_records(request: HttpRequest, kind: RecordKind) -> HttpResponseBase:
    """The list as it is on screen, all pages of it, as a CSV file."""
    user, layout = person_of(request), LAYOUTS[kind]
    require_view(user, layout)
    listing = read_listing(request, user, layout)
    # What was searched for may be somebody's name.
    asked = [name for name in filters_asked(listing.filter_set.form) if name != "q"]
    record_event(
        Actor.for_person(user),
        Entry(Event.EXPORTED, kind.value, details={"filters": [*asked], "format": "csv"}),
    )
    header = ["Id", *(head_of(layout, column)[0] for column in layout.columns)]
    has_currency = any(field.name == "currency" for field in layout.model._meta.concrete_fields)

    zone = timezone.get_current_timezone()

    def lines() -> Iterator[list[object]]:
        for record in listing.rows.iterator(chunk_size=EXPORT_CHUNK):
            shown = (show_field(record, column.name) for column in layout.columns)
            line = [record.pk, *(value.cell(zone) for value in shown)]
            yield [*line, record.currency] if has_currency else line

    file_name = f"{layout.path}-{timezone.localdate().isoformat()}.csv"
    if has_currency:
        header.append("Currency")
    return stream_csv(request, file_name=file_name, header=header, rows=lines())


@require_safe
def list_options(request: HttpRequest, kind: RecordKind) -> HttpResponse:
    """A few records that a half-typed name may mean, as options of a ``datalist``.

    ``field`` names the parameter that holds the text: htmx sends the box under its own name.
    """
    user, layout = person_of(request), LAYOUTS[kind]
    require_view(user, layout)
    text = request.GET.get(request.GET.get("field", ""), "").replace("\0", "").strip()[:200]
    found = find_by_name(user, layout.model, text) if len(text) >= SHORTEST_NAME else []
    return render(request, "crm/_options.html", {"names": [name_with_id(row) for row in found]})


def read_listing(request: HttpRequest, user: User, layout: Layout) -> Listing:
    """Return what the address asks for; what it asks wrongly is left out."""
    rows: Any = visible_records(user, layout.model).for_list_page()
    filter_set = FILTER_SETS[layout.kind](request.GET, queryset=rows, viewer=user)
    sort, order = read_sort(layout, request.GET.get("sort", ""))
    return Listing(filter_set, filter_set.qs.order_by(*order), sort)


def read_sort(layout: Layout, text: str) -> tuple[str, list[str | OrderBy]]:
    """Return the sort in force and its ORM terms; an unknown one is the list's own.

    Empty values come last, except that records without any activity have been silent the longest.
    Plain names where nothing can be empty, and ascending, so that an index can serve them.
    """
    columns = {column.name: column for column in layout.columns if column.sort}
    sort = text if text.removeprefix("-") in columns else layout.default_sort
    is_descending = sort.startswith("-")
    order: list[str | OrderBy] = []
    for name in columns[sort.removeprefix("-")].sort:
        can_be_empty = field_of(layout.model, name).null
        if is_descending:
            order.append(F(name).desc(nulls_last=True) if can_be_empty else f"-{name}")
        elif name == "last_activity_at":
            order.append(F(name).asc(nulls_first=True))
        else:
            order.append(name)
    return sort, [*order, "-id" if is_descending else "id"]


def show_row(record: Record, columns: tuple[Column, ...]) -> Row:
    """Return one line of a list; references are words, for the line as a whole is the link."""
    return Row(
        record, tuple((show_field(record, column.name), _css_class(column)) for column in columns)
    )


def head_of(layout: Layout, column: Column) -> tuple[str, str]:
    """Return the words and the CSS class of a column's head."""
    return column.label or layout.label_of(column.name), _css_class(column)


def _css_class(column: Column) -> str:
    is_number = column.name in MONEY_FIELDS or column.name == "employees"
    return " ".join(
        name
        for name, holds in (("number", is_number), ("optional-column", column.optional))
        if holds
    )


def _narrowed_to(
    user: User, layout: Layout, filter_set: RecordFilterSet
) -> list[tuple[str, Record]]:
    """The records that a hidden filter narrows the list to, as far as the person may see them."""
    found: list[tuple[str, Record]] = []
    for name in filter_set.hidden:
        value = filter_set.form.cleaned_data.get(name) if filter_set.is_valid() else None
        related: Any = field_of(layout.model, name).related_model
        record = visible_records(user, related).filter(pk=value).first() if value else None
        if record is not None:
            found.append((layout.label_of(name), record))
    return found
