"""The history of a record in words, and what changed since a revision was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.crm.enums import Operation
from apps.crm.models import ChangeLog, CustomField, Record
from apps.crm.presentation import describe_logged, field_of, label_of, show_attribute
from apps.tenants.templatetags.aisha_ui import NOT_SET
from apps.users.models import User

ATTRIBUTES = "attributes"
# A long text is cut in the history; the record itself shows it whole.
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class ChangedField:
    """One field of one change, in words."""

    label: str
    before: str
    after: str

    @property
    def had_value(self) -> bool:
        """Whether anything stood there before."""
        return self.before != NOT_SET


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a record: who, when, and field by field."""

    change_id: int
    changed_at: datetime
    who: str
    operation: str
    is_backfilled: bool
    fields: tuple[ChangedField, ...]


@dataclass(frozen=True, slots=True)
class MeanwhileChange:
    """A field that changed after somebody read the record: what they read, who changed it, when.

    ``name`` is that of the form's field. ``read_value`` is the value of the change log: JSON, ids
    for references.
    """

    name: str
    read_value: Any
    who: str
    changed_at: datetime


def describe_changes(record: Record, rows: Sequence[ChangeLog]) -> list[HistoryEntry]:
    """Put rows of the change log into words: labels, references, choices, money and dates.

    One query per kind of referenced row, however many rows of the log there are.
    """
    model = type(record)
    names = _names_of_references(model, rows)
    custom_fields = _custom_fields(record) if any(ATTRIBUTES in row.changes for row in rows) else {}
    currency = getattr(record, "currency", "")

    def describe(column: str, before: object, after: object) -> Iterator[ChangedField]:
        if column == ATTRIBUTES:
            yield from _describe_attributes(custom_fields, before, after)
            return
        words = (describe_logged(model, column, side, currency, names) for side in (before, after))
        yield ChangedField(label_of(model, column), *map(_shorten, words))

    return [
        HistoryEntry(
            change_id=row.pk,
            changed_at=row.changed_at,
            who=row.actor_name or "Unknown",
            operation=row.operation,
            is_backfilled=row.backfilled,
            fields=tuple(
                field
                for column, before, after in _pairs(model, row)
                for field in describe(column, before, after)
            ),
        )
        for row in rows
    ]


def changes_since(record: Record, revision_read: int) -> dict[str, MeanwhileChange]:
    """Return what changed after ``revision_read``, by name of the form's field.

    Each raise of the revision wrote one row of the log, so the latest rows are those that are asked
    for. A change that was taken back since is left out.
    """
    count = max(record.revision - revision_read, 0)
    latest = ChangeLog.objects.of_record(record.kind, record.pk)
    rows = list(latest.filter(operation=Operation.CHANGED).order_by("-id")[:count])
    found: dict[str, MeanwhileChange] = {}
    for row in reversed(rows):
        for name, before in _read_values(type(record), row):
            first = found.get(name)
            found[name] = MeanwhileChange(
                name=name,
                read_value=first.read_value if first else before,
                who=row.actor_name or "Unknown",
                changed_at=row.changed_at,
            )
    return found


def _pairs(model: type[Record], row: ChangeLog) -> Iterator[tuple[str, Any, Any]]:
    """The changed columns that the model still has, with both values; a deletion has no such."""
    for column in model.tracked_fields:
        sides = row.changes.get(column)
        if isinstance(sides, list) and len(sides) == 2:
            yield column, sides[0], sides[1]


def _read_values(model: type[Record], row: ChangeLog) -> Iterator[tuple[str, Any]]:
    for column, before, after in _pairs(model, row):
        if column == ATTRIBUTES:
            for key in _changed_keys(before, after):
                yield f"custom_{key}", before.get(key)
        else:
            yield field_of(model, column).name, before


def _changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def _describe_attributes(
    custom_fields: Mapping[str, CustomField], before: Any, after: Any
) -> Iterator[ChangedField]:
    for key in _changed_keys(before, after):
        field = custom_fields.get(key) or CustomField(key=key, label=key)
        words = (show_attribute(field, side.get(key)).text for side in (before, after))
        yield ChangedField(field.label, *map(_shorten, words))


def _custom_fields(record: Record) -> dict[str, CustomField]:
    return {field.key: field for field in CustomField.objects.filter(record_kind=record.kind)}


def _names_of_references(
    model: type[Record], rows: Iterable[ChangeLog]
) -> dict[tuple[str, int], str]:
    wanted: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        for column, *sides in _pairs(model, row):
            if field_of(model, column).related_model is not None:
                wanted[column].update(side for side in sides if isinstance(side, int))
    names: dict[tuple[str, int], str] = {}
    for column, ids in wanted.items():
        related: Any = field_of(model, column).related_model
        for pk, row in related._base_manager.in_bulk(ids).items():
            names[column, pk] = row.display_name if isinstance(row, User) else str(row)
    return names


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT].rstrip()}…"
