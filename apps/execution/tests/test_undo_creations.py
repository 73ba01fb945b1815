"""Undoing what was made: somebody's later work on it is named, and stays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.models import Activity, Draft, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory, TaskFactory
from apps.execution.exceptions import LaterWorkError, UndoConflictError
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedUndo, JsonValue
from apps.execution.services import apply_change, plan_undo, undo_change
from apps.execution.tests.factories import NOW, approved
from apps.users.models import User

LATER = NOW + timedelta(days=2)


def made(tool: str, arguments: dict[str, JsonValue], by: User) -> Execution:
    change = approved(tool, arguments, by)
    with acting(change.actor):
        return apply_change(change, now=NOW)


def undo(execution: Execution, by: User, *despite: str) -> Execution:
    wish = ApprovedUndo(execution.pk, by, LATER, Actor.for_person(by), 7, frozenset(despite))
    with acting(wish.actor):
        return undo_change(wish, now=LATER)


def made_task(cast: Cast) -> Execution:
    lead = LeadFactory(owner=cast.rep)
    arguments: dict[str, JsonValue] = {
        "subject_kind": "lead",
        "subject_id": lead.pk,
        "about_kind": "lead",
        "about_id": lead.pk,
        "title": "Call Ana",
        "due_on": "2026-03-03",
        "owner_id": cast.rep.pk,
    }
    return made("create_followup", arguments, cast.rep)


def made_lead(cast: Cast) -> Execution:
    first = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    return made("create_lead", {"activity_id": first.pk, "email": "ana@isdom.com"}, cast.rep)


# Every field that the tool wrote, and two that it left at their default.
EDITS: list[tuple[str, Any, tuple[str, str, str]]] = [
    ("title", "Call Ana again", ("Title", "Call Ana again", "Call Ana")),
    ("description", "About the roof", ("Description", "About the roof", "—")),
    ("due_on", date(2026, 3, 9), ("Due on", "9 Mar 2026", "3 Mar 2026")),
    ("priority", 4, ("Priority", "Urgent", "Normal")),
    ("owner_id", None, ("Owner", "—", "Rita Rep")),
    ("lead_id", None, ("Lead", "—", "The lead")),
    ("attributes", {"room": "7"}, ("Attributes", "{'room': '7'}", "{}")),
]


@pytest.mark.parametrize(("column", "value", "shown"), EDITS)
def test_a_new_task_that_was_edited_is_left_alone_and_the_field_is_named(
    cast: Cast, column: str, value: Any, shown: tuple[str, str, str]
) -> None:
    execution = made_task(cast)
    Lead.objects.update(first_name="The", last_name="lead", company="")
    Task.objects.update(**{column: value})
    plan = plan_undo(execution, viewer=cast.manager, now=LATER)
    assert [(row.label, row.now_text, row.back_text) for row in plan.edited] == [shown]
    assert (plan.later_work, plan.staying, plan.hanging) == ((column,), (), ())
    with pytest.raises(LaterWorkError) as caught:
        undo(execution, cast.manager)
    assert (caught.value.code, caught.value.status) == ("later_work", 409)
    assert caught.value.extras == {"fields": [column], "hanging": {}, "despite": [column]}
    assert caught.value.message == (
        f"The task has been worked on since it was made (edited: {shown[0]}),"
        " so it was left alone. Nothing was undone."
    )
    assert (Task.objects.get().status, Execution.objects.count()) == ("open", 1)
    done = undo(execution, cast.manager, column)
    task = Task.objects.get()
    assert (task.status, getattr(task, column)) == ("cancelled", value)
    assert (done.after_values, done.left_alone) == ({"status": "cancelled"}, [column])


def test_what_nobody_has_touched_is_as_it_was_made(cast: Cast) -> None:
    plan = plan_undo(made_task(cast), viewer=cast.manager, now=LATER)
    assert (plan.edited, plan.hanging, plan.later_work) == ((), (), ())
    assert [(row.label, row.now_text, row.back_text) for row in plan.returning] == [
        ("Status", "Open", "Cancelled")
    ]


def test_work_that_was_not_named_stops_the_undo(cast: Cast) -> None:
    execution = made_task(cast)
    Task.objects.update(title="Call Ana again", priority=4)
    with pytest.raises(LaterWorkError) as caught:
        undo(execution, cast.rep, "title")
    assert caught.value.extras["despite"] == ["priority", "title"]
    assert Task.objects.get().status == "open"


def test_a_task_that_was_done_since_is_never_cancelled(cast: Cast) -> None:
    execution = made_task(cast)
    Task.objects.update(status="done", completed_at=LATER)
    plan = plan_undo(execution, viewer=cast.manager, now=LATER)
    assert [(row.label, row.now_text, row.back_text) for row in plan.staying] == [
        ("Status", "Done", "Cancelled")
    ]
    assert [row.label for row in plan.edited] == ["Completed at"]
    with pytest.raises(UndoConflictError) as caught:
        undo(execution, cast.rep, "completed_at", "status")
    assert caught.value.extras == {"fields": ["status"]}
    task = Task.objects.get()
    assert (task.status, task.completed_at) == ("done", LATER)


def test_a_new_lead_on_which_something_hangs_is_left_alone(cast: Cast) -> None:
    execution = made_lead(cast)
    lead = Lead.objects.get()
    note = ActivityFactory(owner=cast.rep, lead=lead, activity_kind="note")
    call = ActivityFactory(owner=cast.rep, lead=lead, activity_kind="call")
    task = TaskFactory(owner=cast.rep, lead=lead)
    plan = plan_undo(execution, viewer=cast.manager, now=LATER)
    assert (plan.hanging, plan.later_work) == (("2 activities", "1 task"), ("activity", "task"))
    with pytest.raises(LaterWorkError) as caught:
        undo(execution, cast.rep)
    assert caught.value.extras == {
        "fields": [],
        "hanging": {"activity": 2, "task": 1},
        "despite": ["activity", "task"],
    }
    assert caught.value.message == (
        "The lead has been worked on since it was made (hung on it: 2 activities, 1 task),"
        " so it was left alone. Nothing was undone."
    )
    assert Lead.objects.get().status == "new"
    undo(execution, cast.rep, "activity", "task")
    # The message that came with it is given back; what was hung on it stays, and nothing is deleted.
    assert Lead.objects.get().status == "unqualified"
    assert set(Activity.objects.filter(lead=lead)) == {note, call}
    assert (Activity.objects.filter(lead=None).count(), task.lead_id) == (1, lead.pk)
    entry = AuditEntry.objects.get(event="execution.undone")
    assert entry.details["despite"] == ["2 activities", "1 task"]


def test_a_lead_that_somebody_has_qualified_keeps_that(cast: Cast) -> None:
    execution = made_lead(cast)
    Lead.objects.update(status="qualified", notes="Wants a roof")
    with pytest.raises(UndoConflictError) as caught:
        undo(execution, cast.rep, "notes", "status")
    assert caught.value.extras == {"fields": ["status"]}
    assert Lead.objects.get().status == "qualified"
    assert Activity.objects.get().lead == Lead.objects.get()


def test_a_draft_that_was_written_anew_is_named_and_one_that_was_sent_stays(cast: Cast) -> None:
    contact = ContactFactory(owner=cast.rep, email="ana@isdom.com")
    execution = made(
        "draft_email",
        {
            "subject_kind": "contact",
            "subject_id": contact.pk,
            "to_address": "ana@isdom.com",
            "subject": "The roof",
            "body": "Shall we talk on Monday?",
            "owner_id": cast.rep.pk,
        },
        cast.rep,
    )
    Draft.objects.update(body="Shall we talk on Tuesday?")
    with pytest.raises(LaterWorkError) as caught:
        undo(execution, cast.rep)
    assert caught.value.extras["despite"] == ["body"]
    Draft.objects.update(status="sent", sent_at=LATER)
    with pytest.raises(UndoConflictError):
        undo(execution, cast.rep, "body", "sent_at", "status")
    draft = Draft.objects.get()
    assert (draft.status, draft.body) == ("sent", "Shall we talk on Tuesday?")
