"""The page of one record: facts, related records, tasks, timeline and history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.crm.drafts import is_closed, mail_link, why_not_to_send
from apps.crm.enums import RecordKind
from apps.crm.former import former_selves
from apps.crm.forms.records import AddTaskForm, LogActivityForm
from apps.crm.layouts import LAYOUTS, Column, Layout, Related
from apps.crm.models import Activity, CustomField, Draft, MergeableRecord, Record, Task
from apps.crm.presentation import Shown, show_attribute, show_field
from apps.crm.services import visible_records
from apps.crm.timeline import Cursor, Part, read_timeline
from apps.crm.views.access import may, read_record, require_view
from apps.crm.views.lists import Row, head_of, show_row
from apps.users.models import User
from apps.users.services import person_of

# Rows of other records on a record's page; the rest is one link away.
RELATED_ROWS = 5
OPEN_TASKS = 8


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """A related list as it is shown; ``more_url`` leads to the whole of it, where there is more."""

    related: Related
    layout: Layout
    columns: tuple[tuple[Column, str, str], ...]
    rows: tuple[Row, ...]
    more_url: str


@require_safe
def show_record(request: HttpRequest, kind: RecordKind, pk: int) -> HttpResponse:
    """The page of one record; with htmx and ``part`` or ``after``, only the timeline."""
    user, layout = person_of(request), LAYOUTS[kind]
    require_view(user, layout)
    record = read_record(user, layout, pk)
    part = Part(request.GET["part"]) if request.GET.get("part") in set(Part) else Part.ALL
    after = Cursor.parse(request.GET.get("after", ""))
    context = {
        "layout": layout,
        "record": record,
        "parts": list(Part) if layout.can_be_talked_about else [],
        "part": part,
        "after": after,
        "timeline": read_timeline(record, user, part=part, after=after),
    }
    if request.headers.get("HX-Target") == "timeline":
        return render(request, "crm/_timeline.html", context)
    return render(
        request, "crm/record_detail.html", {**context, **_whole_page(user, layout, record)}
    )


def _whole_page(user: User, layout: Layout, record: Record) -> dict[str, Any]:
    """What the page shows beside the timeline."""
    talk: dict[str, Any] = {}
    if layout.can_be_talked_about:
        talk = {
            "open_tasks": [
                (task, show_field(task, "due_on")) for task in _open_tasks(user, record)
            ],
            "activity_form": LogActivityForm(viewer=user, instance=Activity(), prefix="log"),
            "task_form": AddTaskForm(viewer=user, instance=Task(), prefix="task"),
            "may_log": user.has_perm("crm.add_activity"),
            "may_add_task": user.has_perm("crm.add_task"),
            "may_finish_task": user.has_perm("crm.change_task"),
        }
    if isinstance(record, Draft):
        waits = not is_closed(record)
        talk = {
            "mail": mail_link(record) if waits else None,
            "warning": why_not_to_send(record) if waits else "",
        }
    return {
        "nav_section": layout.nav_section,
        "badge": show_field(record, layout.badge) if layout.badge else None,
        "facts": [show_field(record, name, user) for name in layout.facts],
        "custom_facts": custom_facts(record),
        "related": [
            _read_related(user, record, related)
            for related in layout.related
            if may(user, "view", LAYOUTS[related.kind])
        ],
        "former_selves": former_selves(record, user) if isinstance(record, MergeableRecord) else [],
        "may_change": may(user, "change", layout) and not is_closed(record),
        **talk,
    }


def custom_facts(record: Record) -> list[Shown]:
    """The values of the tenant's own fields."""
    fields = CustomField.objects.filter(record_kind=record.kind, is_active=True)
    return [show_attribute(field, record.attributes.get(field.key)) for field in fields]


def _open_tasks(user: User, record: Record) -> Any:
    if not may(user, "view", LAYOUTS[RecordKind.TASK]):
        return []
    tasks = Task.objects.visible_to(user).about(record.kind, record.pk).open()
    return tasks.select_related("owner").order_by("due_on", "-priority", "id")[:OPEN_TASKS]


def _read_related(user: User, record: Record, related: Related) -> RelatedRows:
    layout = LAYOUTS[related.kind]
    listed: Any = visible_records(user, layout.model).for_list_page()
    rows = listed.filter(**{related.lookup: record.pk})[: RELATED_ROWS + 1]
    columns = tuple(Column(name) for name in related.columns)
    shown = tuple(show_row(row, columns) for row in rows)
    more_url = f"?{related.lookup}={record.pk}" if len(shown) > RELATED_ROWS else ""
    return RelatedRows(
        related=related,
        layout=layout,
        columns=tuple((column, *head_of(layout, column)) for column in columns),
        rows=shown[:RELATED_ROWS],
        more_url=more_url,
    )
