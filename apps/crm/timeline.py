"""What happened around a record: activities, tasks and changes in one stream, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from apps.crm.enums import ActivityKind, Direction, Operation, TaskStatus
from apps.crm.history import ChangedField, describe_changes
from apps.crm.models import Activity, ChangeLog, Record, Task
from apps.users.models import User

PAGE_SIZE = 20
# As much of a mail's text as the stream shows; the activity's own page shows it whole.
LONGEST_TEXT = 300

ACTIVITY_SIGNS = {
    ActivityKind.EMAIL: "mail",
    ActivityKind.CALL: "phone",
    ActivityKind.MEETING: "calendar",
    ActivityKind.NOTE: "sticky-note",
}
WORDS = {
    Operation.CREATED: "created this",
    Operation.CHANGED: "changed",
    Operation.DELETED: "deleted this",
}


class Part(StrEnum):
    """Which part of the stream is asked for."""

    ALL = "all"
    ACTIVITIES = "activities"
    TASKS = "tasks"
    CHANGES = "changes"


class Rank(IntEnum):
    """The order of things that happened at the same moment."""

    ACTIVITY = 1
    TASK = 2
    CHANGE = 3


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One thing that happened. ``fields`` is filled for changes alone."""

    moment: datetime
    rank: Rank
    row_id: int
    sign: str
    title: str
    url: str = ""
    who: str = ""
    text: str = ""
    note: str = ""
    fields: tuple[ChangedField, ...] = ()

    @property
    def order(self) -> tuple[float, int, int]:
        """The key that sorts newest first."""
        return (-self.moment.timestamp(), self.rank, -self.row_id)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page: the next page begins behind it."""

    moment: datetime
    rank: int
    row_id: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a cursor from an address; None for anything that is not one of ours."""
        match = re.fullmatch(r"(-?\d{1,16})-([1-3])-(\d{1,18})", text)
        if match is None:
            return None
        micros, rank, row_id = (int(part) for part in match.groups())
        try:
            return cls(_EPOCH + timedelta(microseconds=micros), rank, row_id)
        except OverflowError:
            return None

    @classmethod
    def after(cls, item: TimelineItem) -> Self:
        """The cursor that stands behind an item."""
        return cls(item.moment, item.rank, item.row_id)

    def __str__(self) -> str:
        micros = (self.moment - _EPOCH) // timedelta(microseconds=1)
        return f"{micros}-{int(self.rank)}-{self.row_id}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of the stream; ``older`` is the cursor of the next one, None at the end."""

    items: tuple[TimelineItem, ...]
    older: Cursor | None


def read_timeline(
    record: Record,
    viewer: User,
    *,
    part: Part = Part.ALL,
    after: Cursor | None = None,
    limit: int = PAGE_SIZE,
) -> Timeline:
    """Return one page of what happened around ``record``, as far as ``viewer`` may see it.

    Each source is asked for no more rows than the page holds, so that the cost does not grow with
    the age of the record.
    """
    items: list[TimelineItem] = []
    has_talk = record.kind in {"lead", "contact", "account", "opportunity"}
    if has_talk and part in {Part.ALL, Part.ACTIVITIES} and viewer.has_perm("crm.view_activity"):
        items.extend(_activities(record, viewer, after, limit + 1))
    if has_talk and part in {Part.ALL, Part.TASKS} and viewer.has_perm("crm.view_task"):
        items.extend(_tasks(record, viewer, after, limit + 1))
    if part in {Part.ALL, Part.CHANGES}:
        items.extend(_changes(record, after, limit + 1))
    items.sort(key=lambda item: item.order)
    page = tuple(items[:limit])
    return Timeline(page, Cursor.after(page[-1]) if len(items) > limit else None)


def _behind(cursor: Cursor | None, rank: Rank, moment_field: str) -> Q:
    """The condition for rows of one source that stand behind the cursor in the stream."""
    if cursor is None:
        return Q()
    earlier = Q(**{f"{moment_field}__lt": cursor.moment})
    same = Q(**{moment_field: cursor.moment})
    if rank > cursor.rank:
        return earlier | same
    if rank == cursor.rank:
        return earlier | (same & Q(pk__lt=cursor.row_id))
    return earlier


def _activities(
    record: Record, viewer: User, after: Cursor | None, limit: int
) -> Iterator[TimelineItem]:
    rows = (
        Activity.objects.visible_to(viewer)
        .about(record.kind, record.pk)
        .filter(_behind(after, Rank.ACTIVITY, "occurred_at"))
        .select_related("owner", "lead", "contact", "opportunity")
        .order_by("-occurred_at", "-pk")[:limit]
    )
    for row in rows:
        kind = row.get_activity_kind_display()
        direction = "" if row.direction == Direction.NONE else row.get_direction_display()
        yield TimelineItem(
            moment=row.occurred_at,
            rank=Rank.ACTIVITY,
            row_id=row.pk,
            sign=ACTIVITY_SIGNS.get(ActivityKind(row.activity_kind), "circle"),
            title=row.subject or kind,
            url=row.get_absolute_url(),
            who=row.owner.display_name if row.owner else "",
            text=_shorten(row.body),
            note=" · ".join(
                filter(None, [f"{direction} {kind.lower()}".strip(), _others(row, record)])
            ),
        )


def _tasks(
    record: Record, viewer: User, after: Cursor | None, limit: int
) -> Iterator[TimelineItem]:
    rows = (
        Task.objects.visible_to(viewer)
        .about(record.kind, record.pk)
        .annotate(
            moment=Coalesce("completed_at", "created_at", output_field=models.DateTimeField())
        )
        .filter(_behind(after, Rank.TASK, "moment"))
        .select_related("owner", "lead", "contact", "opportunity")
        .order_by("-moment", "-pk")[:limit]
    )
    for row in rows:
        is_done = row.status == TaskStatus.DONE
        state = row.get_status_display().lower()
        yield TimelineItem(
            moment=row.completed_at or row.created_at,
            rank=Rank.TASK,
            row_id=row.pk,
            sign="circle-check" if is_done else "list-checks",
            title=row.title,
            url=row.get_absolute_url(),
            who=row.owner.display_name if row.owner else "",
            note=" · ".join(filter(None, [f"Task, {state}", _others(row, record)])),
        )


def _changes(record: Record, after: Cursor | None, limit: int) -> Iterator[TimelineItem]:
    rows = list(
        ChangeLog.objects.of_record(record.kind, record.pk).filter(
            _behind(after, Rank.CHANGE, "changed_at")
        )[:limit]
    )
    for entry in describe_changes(record, rows):
        yield TimelineItem(
            moment=entry.changed_at,
            rank=Rank.CHANGE,
            row_id=entry.change_id,
            sign="plus" if entry.operation == Operation.CREATED else "pencil",
            title=f"{entry.who} {WORDS[Operation(entry.operation)]}",
            note="Entered later from another system" if entry.is_backfilled else "",
            fields=entry.fields,
        )


def _others(row: Activity | Task, record: Record) -> str:
    """The contact, lead or deal that an account's activity belongs to, in words."""
    others: list[Any] = [row.lead, row.contact, row.opportunity]
    return ", ".join(str(other) for other in others if other is not None and other != record)


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT].rstrip()}…"
