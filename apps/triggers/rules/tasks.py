"""Triggers about tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import JSONObject
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind, TaskStatus
from apps.crm.models import Task
from apps.triggers.edges import Edge, day_offset
from apps.triggers.enums import Severity
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Changes, Own, Watch
from apps.users.models import User

IS_OPEN = Q(status=TaskStatus.OPEN)


class TaskOverdueParameters(Parameters):
    """How many days after its due day a task counts as overdue."""

    grace_days: Annotated[
        int,
        Field(
            ge=0,
            le=90,
            title="Grace",
            description="Until then the task is still on the person's own list.",
        ),
    ] = 2


class TaskOverdue(Trigger[TaskOverdueParameters]):
    """An open task whose due day has passed. Done and cancelled tasks never match.

    Two days of grace, because a task that is a day late is still on the person's own list. That is a
    judgement, to be set on the trigger's page, and holds back few: of 84 open tasks past their day 73 are so
    for longer (the demo's two companies as of 25 November 2026).
    """

    key = "task_overdue"
    label = "Task overdue"
    record_kind = RecordKind.TASK
    goal = Goal.CLEAR_TASK
    discovers = None
    tools = ("update_task",)
    severity = Severity.NORMAL
    watches = (Own(),)
    parameters_type = TaskOverdueParameters

    def matching(self, moment: ScanMoment, parameters: TaskOverdueParameters) -> QuerySet[Task]:
        """Open tasks due before the grace began, by days in the tenant's zone."""
        last_day = moment.today - timedelta(days=parameters.grace_days + 1)
        return Task.objects.due_by(last_day).annotate(
            facts=JSONObject(due_on="due_on", revision="revision")
        )

    def edges(self, moment: ScanMoment, parameters: TaskOverdueParameters) -> tuple[Edge, ...]:
        """A due day falling out of the grace."""
        return (Edge(Task, "due_on", day_offset(-parameters.grace_days - 1), only=IS_OPEN),)


@dataclass(frozen=True, slots=True)
class HeadOfList(Watch):
    """Changes of tasks, which concern the first open one of each owner's list, and those that fire for it.

    The others can neither fire nor clear, and lists are long. A task that came to another owner, or was
    deleted, has itself changed.
    """

    trigger: str

    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        """The tasks for which the answer may be another."""
        owners = changes.ends_of(RecordKind.TASK, ("owner",))
        if not owners:
            return set()
        listed = Task.objects.open().filter(owner=OuterRef("pk")).order_by("due_on", "pk")
        heads = User.objects.filter(pk__any_of=owners).order_by()
        first = heads.values_list(Subquery(listed.values("pk")[:1]), flat=True)
        firing = Signal.objects.firing().filter(trigger=self.trigger).values("record_id")
        fired = Task.objects.filter(pk__in=firing, owner__any_of=owners).order_by()
        found = {*first, *fired.values_list("pk", flat=True)}
        return found - {None}


class IsOneOf(Func):
    """Whether a value stands in an array, which is made once and not for each row."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class TasksPilingUpParameters(Parameters):
    """How many overdue tasks of one person are a pile, and when one counts as overdue."""

    overdue_count: Annotated[
        int,
        Field(
            ge=2,
            le=500,
            title="Overdue tasks",
            description="So many of one person, or more, are a pile.",
        ),
    ] = 8
    grace_days: Annotated[
        int, Field(ge=0, le=90, title="Grace", description="Until then a task is not overdue.")
    ] = 2


class TasksPilingUp(Trigger[TasksPilingUpParameters]):
    """Somebody has many overdue tasks at once: the list has stopped being one that they work from.

    The signal stands on the oldest of them; the others follow when it is settled. It shares its goal with
    ``task_overdue``, so that there is one suggestion about the task. Tasks of nobody do not pile up.

    Eight: of 43 people with tasks in the demo's two companies one has so many overdue, half have one or
    none (as of 18 March 2026).
    """

    key = "tasks_piling_up"
    label = "Overdue tasks pile up"
    record_kind = RecordKind.TASK
    goal = Goal.CLEAR_TASK
    discovers = None
    tools = ("update_task",)
    severity = Severity.HIGH
    watches = (Own(), HeadOfList("tasks_piling_up"))
    parameters_type = TasksPilingUpParameters

    def matching(self, moment: ScanMoment, parameters: TasksPilingUpParameters) -> QuerySet[Task]:
        """The oldest overdue task of each person who has too many."""
        last_day = moment.today - timedelta(days=parameters.grace_days + 1)
        overdue = Task.objects.due_by(last_day).filter(owner__isnull=False)
        of_same_owner = overdue.filter(owner_id=OuterRef("owner_id")).order_by("due_on", "pk")
        last_needed = of_same_owner[parameters.overdue_count - 1 : parameters.overdue_count]
        count = of_same_owner.order_by().values("owner_id").annotate(count=Count("pk"))
        listed = overdue.filter(owner_id=OuterRef("pk")).order_by("due_on", "pk")
        oldest = User.objects.order_by().values_list(Subquery(listed.values("pk")[:1]))
        return overdue.filter(IsOneOf("pk", ArraySubquery(oldest)), Exists(last_needed)).annotate(
            facts=JSONObject(
                owner_id="owner_id",
                overdue_count=Subquery(count.values("count")),
                due_on="due_on",
                revision="revision",
            )
        )

    def edges(self, moment: ScanMoment, parameters: TasksPilingUpParameters) -> tuple[Edge, ...]:
        """A due day falling out of the grace concerns the whole list of the same person."""
        return (
            Edge(
                Task,
                "due_on",
                day_offset(-parameters.grace_days - 1),
                only=IS_OPEN,
                through=HeadOfList(self.key),
            ),
        )
