"""Reading records: finding them by their words, and summing one up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from apps.brain.reading.tools import (
    ReadArguments,
    ReadRefusedError,
    ReadTool,
    check_may_view,
    found,
    may_view,
)
from apps.brain.schemas import Fact
from apps.crm.enums import ActivityKind, RecordKind
from apps.crm.layouts import LAYOUTS, Layout
from apps.crm.models import Activity, CustomField, Record, Task
from apps.crm.presentation import describe_time, field_of, show_attribute, show_field
from apps.crm.search import LONGEST_TEXT, SHORTEST_TEXT, find_matches
from apps.crm.services import visible_records
from apps.execution.schemas import RecordRef
from apps.users.models import User

# Of each kind; a longer list makes no better answer.
MOST_HITS = 5
RECENT_ACTIVITIES = 3
# What one person may know of another (``apps.tenants.grants.NAMES``).
_NAMES = ("id", "username", "first_name", "last_name")

Kind = Annotated[
    RecordKind, WithJsonSchema({"type": "string", "enum": [kind.value for kind in LAYOUTS]})
]


class SearchArguments(ReadArguments):
    """What to look for."""

    text: Annotated[
        str,
        Field(
            min_length=SHORTEST_TEXT,
            max_length=LONGEST_TEXT,
            description="Words of a name, a title or an address; each has to occur.",
        ),
    ]


class SummaryArguments(ReadArguments):
    """Which record."""

    kind: Kind
    id: Annotated[int, Field(gt=0, lt=2**63)]


def search_records(asker: User, arguments: SearchArguments, today: date) -> Sequence[Fact]:
    """The first records of each kind that mention every word, of those that the person may see."""
    text = arguments.text.replace("\0", "").strip()
    if len(text) < SHORTEST_TEXT:
        raise ReadRefusedError("invalid_arguments")
    layouts = [
        layout for layout in LAYOUTS.values() if layout.gist and may_view(asker, layout.model)
    ]
    return [hit for layout in layouts for hit in _hits(asker, layout, text)]


def summarize_record(asker: User, arguments: SummaryArguments, today: date) -> Sequence[Fact]:
    """What a record's page shows of it, with the latest activities and the number of open tasks."""
    layout = LAYOUTS[arguments.kind]
    ref = RecordRef(arguments.kind, arguments.id)
    check_may_view(asker, layout.model)
    record = visible_records(asker, layout.model).filter(pk=ref.id).first()
    if record is None:
        raise ReadRefusedError("not_found", ref)
    facts = [found("name", f"{layout.noun.capitalize()}", str(record), record=ref)]
    names = [layout.badge, *layout.facts] if layout.badge else layout.facts
    facts += [fact for name in dict.fromkeys(names) for fact in _field(asker, record, name)]
    facts += _custom_fields(record)
    if layout.can_be_talked_about:
        facts += _what_happened(asker, ref)
    return facts


def _hits(asker: User, layout: Layout, text: str) -> Iterator[Fact]:
    rows = find_matches(visible_records(asker, layout.model), layout, text)
    for record in rows[:MOST_HITS]:
        ref = RecordRef(layout.kind, record.pk)
        yield found("hit", layout.noun.capitalize(), str(record), record=ref)


def _field(asker: User, record: Record, name: str) -> Iterator[Fact]:
    """A field as its page shows it; another record is named to those alone who may see it."""
    field: Any = field_of(type(record), name)
    label, own = LAYOUTS[record.kind].label_of(name), RecordRef(record.kind, record.pk)
    other = field.related_model
    if other is not None and getattr(record, field.attname) is None:
        return
    if other is User:
        person = User.objects.only(*_NAMES).filter(pk=getattr(record, field.attname)).first()
        if person is not None:
            yield found(name, label, str(person), record=own)
    elif other is not None and issubclass(other, Record):
        row = visible_records(asker, other).filter(pk=getattr(record, field.attname)).first()
        if row is not None and may_view(asker, other):
            yield found(name, label, str(row), record=RecordRef(other.kind, row.pk))
    else:
        shown = show_field(record, name)
        if not shown.is_empty:
            yield found(name, label, shown.text, record=own)


def _custom_fields(record: Record) -> Iterator[Fact]:
    for field in CustomField.objects.filter(record_kind=record.kind, is_active=True):
        shown = show_attribute(field, record.attributes.get(field.key))
        if not shown.is_empty:
            ref = RecordRef(record.kind, record.pk)
            yield found(shown.name, shown.label, shown.text, record=ref)


def _what_happened(asker: User, ref: RecordRef) -> Iterator[Fact]:
    if may_view(asker, Activity):
        rows = Activity.objects.visible_to(asker).about(ref.kind, ref.id)
        for row in rows.order_by("-occurred_at", "-id")[:RECENT_ACTIVITIES]:
            kind = ActivityKind(row.activity_kind).label
            yield found(
                "activity",
                f"{kind} on {describe_time(row.occurred_at)}",
                row.subject or kind,
                occurred_at=row.occurred_at,
                record=RecordRef(RecordKind.ACTIVITY, row.pk),
            )
    if may_view(asker, Task):
        count = Task.objects.visible_to(asker).about(ref.kind, ref.id).open().count()
        text = str(count) if count else "none"
        yield found("open_tasks", "Open tasks", text, value=count, record=ref)


SEARCH_RECORDS = ReadTool(
    "search_records",
    "Find records that the person who asks may see, by words of their names, titles or addresses.",
    SearchArguments,
    search_records,
)
RECORD_SUMMARY = ReadTool(
    "record_summary",
    "What stands on the page of one record, with its latest activities and open tasks.",
    SummaryArguments,
    summarize_record,
)
