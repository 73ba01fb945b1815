"""Triggers about tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import Q, QuerySet
from django.db.models.functions import JSONObject
from pydantic import Field

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind, TaskStatus
from apps.crm.models import Task
from apps.triggers.edges import Edge, day_offset
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Own


class TaskOverdueParameters(Parameters):
    """How many days after its due day a task counts as overdue."""

    grace_days: Annotated[int, Field(ge=0, le=90)] = 2


class TaskOverdue(Trigger[TaskOverdueParameters]):
    """An open task whose due day has passed. Done and cancelled tasks never match.

    Two days of grace, because a task that is a day late is still on the person's own list.
    """

    key = "task_overdue"
    label = "Task overdue"
    record_kind = RecordKind.TASK
    goal = Goal.CLEAR_TASK
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
        is_open = Q(status=TaskStatus.OPEN)
        return (Edge(Task, "due_on", day_offset(-parameters.grace_days - 1), only=is_open),)
