"""Tools that change tasks and make new ones."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.utils import timezone
from pydantic import Field

from apps.crm.enums import RecordKind, TaskStatus
from apps.crm.models import Record, Task
from apps.crm.rules import completion_of
from apps.execution.enums import Risk
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.base import Tool, ToolArguments, UpdateTool, to_json
from apps.execution.tools.fields import Fixed, OneLine, OwnerId, Priority, Readable, RecordId
from apps.execution.tools.references import require_owner
from apps.users.models import User


class UpdateTaskArguments(ToolArguments):
    """The task, and what to change. A task can be settled here but never opened again."""

    task_id: RecordId
    due_on: date | None = None
    priority: Priority = 2
    status: Literal["done", "cancelled"] = "done"


class UpdateTask(UpdateTool[UpdateTaskArguments]):
    """Move, re-prioritise or settle a task."""

    key = "update_task"
    label = "Update task"
    arguments_type = UpdateTaskArguments
    id_field = "task_id"
    subject_kinds = frozenset({RecordKind.TASK})
    writes = {RecordKind.TASK: frozenset({"due_on", "priority", "status"})}
    guard_fields = {RecordKind.TASK: ("status", "due_on", "owner_id")}
    risk = Risk.LOW
    consequences = "A task that is done is dated."

    def finish(self, arguments: UpdateTaskArguments, written: Record) -> JsonValue:
        """Date the completion, or take its date away; note the date that stood there."""
        assert isinstance(written, Task)  # noqa: S101 - narrows the type
        if "status" not in arguments.model_fields_set:
            return None
        former = written.completed_at
        completed_at = completion_of(written.status, former, timezone.now())
        if completed_at == former:
            return None
        Task.objects.filter(pk=written.pk).update(completed_at=completed_at)
        return {"completed_at": to_json(former)}

    def unfinish(self, written: Record, noted: JsonValue, returned: frozenset[str]) -> None:
        """Put back the date of completion that stood there, with the status that it belongs to."""
        if "status" in returned and isinstance(noted, dict):
            Task.objects.filter(pk=written.pk).update(completed_at=noted["completed_at"])


class CreateTaskArguments(ToolArguments):
    """What is to be done, and about which record."""

    subject_kind: Annotated[Literal["lead", "contact", "account", "opportunity"], Fixed]
    subject_id: RecordId
    title: Annotated[str, Field(min_length=3, max_length=200), OneLine, Readable]
    description: Annotated[str, Field(max_length=2000)] = ""
    due_on: date | None = None
    priority: Priority = 2
    owner_id: Annotated[OwnerId | None, Field(description="Who is to do it.")] = None


class CreateTask(Tool[CreateTaskArguments]):
    """Make a task on a record, whatever calls for it.

    ``create_followup`` continues a matter, and rests on where it stands; a task stands for itself.
    """

    key = "create_task"
    label = "Create task"
    arguments_type = CreateTaskArguments
    subject_kinds = frozenset(
        {RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT, RecordKind.OPPORTUNITY}
    )
    writes = {
        RecordKind.TASK: frozenset(
            {"owner_id", "title", "description", "due_on", "priority"}
            | {"lead_id", "contact_id", "account_id", "opportunity_id"}
        )
    }
    is_creation = True
    guard_fields = {
        RecordKind.LEAD: ("owner_id",),
        RecordKind.CONTACT: ("owner_id",),
        RecordKind.ACCOUNT: ("owner_id",),
        RecordKind.OPPORTUNITY: ("owner_id",),
    }
    risk = Risk.LOW
    consequences = "Nothing else."
    undo_values = {"status": TaskStatus.CANCELLED.value}

    def subject(self, arguments: CreateTaskArguments) -> RecordRef:
        """The record that the task is about."""
        return RecordRef(RecordKind(arguments.subject_kind), arguments.subject_id)

    def values(self, arguments: CreateTaskArguments) -> dict[str, Any]:
        """The new task's fields."""
        return {
            "title": arguments.title,
            "description": arguments.description,
            "due_on": arguments.due_on,
            "priority": arguments.priority,
            "owner_id": arguments.owner_id,
            f"{arguments.subject_kind}_id": arguments.subject_id,
        }

    def check(self, arguments: CreateTaskArguments, approver: User) -> None:
        """The one who is to do it must be here."""
        require_owner(arguments.owner_id, approver)


class CreateFollowupArguments(ToolArguments):
    """What the new task is about, and what it says."""

    subject_kind: Annotated[Literal["lead", "contact", "account", "opportunity", "activity"], Fixed]
    subject_id: RecordId
    # Where the task hangs: the subject itself or, for an activity, the record that it was about.
    about_kind: Annotated[Literal["lead", "contact", "account", "opportunity"], Fixed]
    about_id: RecordId
    title: Annotated[str, Field(min_length=3, max_length=200), OneLine, Readable]
    description: Annotated[str, Field(max_length=2000)] = ""
    due_on: date
    priority: Priority = 2
    owner_id: Annotated[OwnerId | None, Field(description="Who is to do it.")] = None


class CreateFollowup(Tool[CreateFollowupArguments]):
    """Make a task that takes the matter further."""

    key = "create_followup"
    label = "Create follow-up"
    arguments_type = CreateFollowupArguments
    subject_kinds = frozenset(
        {
            RecordKind.LEAD,
            RecordKind.CONTACT,
            RecordKind.ACCOUNT,
            RecordKind.OPPORTUNITY,
            RecordKind.ACTIVITY,
        }
    )
    writes = {
        RecordKind.TASK: frozenset(
            {"owner_id", "title", "description", "due_on", "priority", "status"}
            | {"lead_id", "contact_id", "account_id", "opportunity_id"}
        )
    }
    is_creation = True
    guard_fields = {
        RecordKind.LEAD: ("status", "owner_id", "do_not_contact"),
        RecordKind.CONTACT: ("owner_id", "do_not_contact"),
        RecordKind.ACCOUNT: ("owner_id",),
        RecordKind.OPPORTUNITY: ("stage_id", "owner_id"),
        RecordKind.ACTIVITY: ("lead_id", "contact_id", "account_id", "opportunity_id"),
    }
    risk = Risk.LOW
    consequences = "Nothing else."
    undo_values = {"status": TaskStatus.CANCELLED.value}

    def subject(self, arguments: CreateFollowupArguments) -> RecordRef:
        """The record whose silence or meeting calls for the follow-up."""
        return RecordRef(RecordKind(arguments.subject_kind), arguments.subject_id)

    def mentions(self, arguments: CreateFollowupArguments) -> tuple[RecordRef, ...]:
        """The subject and the record that the task is attached to."""
        about = RecordRef(RecordKind(arguments.about_kind), arguments.about_id)
        return (self.subject(arguments), about)

    def values(self, arguments: CreateFollowupArguments) -> dict[str, Any]:
        """The new task's fields."""
        return {
            "title": arguments.title,
            "description": arguments.description,
            "due_on": arguments.due_on,
            "priority": arguments.priority,
            "owner_id": arguments.owner_id,
            f"{arguments.about_kind}_id": arguments.about_id,
        }

    def check(self, arguments: CreateFollowupArguments, approver: User) -> None:
        """The one who is to do it must be here."""
        require_owner(arguments.owner_id, approver)
