"""Side effects of the tools, and how an undo takes them back."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.conftest import Cast
from apps.crm.models import Activity, Lead
from apps.crm.tests.factories import ActivityFactory, LeadFactory, TaskFactory
from apps.execution.schemas import JsonValue
from apps.execution.tools import registry
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

DONE_AT = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)


def test_a_new_lead_notes_its_messages_and_gives_them_back(cast: Cast) -> None:
    first = ActivityFactory(owner=cast.rep, counterpart_address="Ana@Isdom.com")
    second = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    moved = ActivityFactory(owner=cast.rep, counterpart_address="ana@isdom.com")
    lead, other = LeadFactory(), LeadFactory()
    tool = registry.get("create_lead")
    arguments = tool.parse({"activity_id": first.pk, "email": "ana@isdom.com"})
    with taking_role(Role.APPLY):
        noted = tool.finish(arguments, lead)
    assert noted == {"attached_activities": [first.pk, second.pk, moved.pk]}
    Activity.objects.filter(pk=moved.pk).update(lead=other)
    with taking_role(Role.APPLY):
        tool.unfinish(lead, noted, frozenset({"status"}))
    assert dict(Activity.objects.values_list("pk", "lead")) == {
        first.pk: None,
        second.pk: None,
        moved.pk: other.pk,
    }
    # It stays, marked: nothing is deleted.
    assert tool.undo_values == {"status": "unqualified"}
    assert Lead.objects.count() == 2


def noted_by_update_task(status: str, asked: str) -> tuple[JsonValue, list[datetime | None]]:
    """The note, and the dates of completion after the change and after its undo."""
    was_done = status == "done"
    task = TaskFactory(status=status, completed_at=DONE_AT if was_done else None)
    tool = registry.get("update_task")
    arguments = tool.parse({"task_id": task.pk, "status": asked})
    dates = []
    with taking_role(Role.APPLY):
        task.status = asked
        task.save(update_fields=["status"])
        noted = tool.finish(arguments, task)
        task.refresh_from_db()
        dates.append(task.completed_at)
        task.status = status
        task.save(update_fields=["status"])
        tool.unfinish(task, noted, frozenset({"status"}))
    task.refresh_from_db()
    return noted, [*dates, task.completed_at]


def test_the_date_of_completion_goes_with_its_undo(cast: Cast) -> None:
    noted, (after, undone) = noted_by_update_task("open", "done")
    assert (noted, after is not None, undone) == ({"completed_at": None}, True, None)


def test_a_done_task_that_is_cancelled_gets_its_date_back(cast: Cast) -> None:
    assert noted_by_update_task("done", "cancelled") == (
        {"completed_at": DONE_AT.isoformat()},
        [None, DONE_AT],
    )


def test_a_date_that_stays_is_not_noted(cast: Cast) -> None:
    assert noted_by_update_task("open", "cancelled") == (None, [None, None])
    assert noted_by_update_task("done", "done") == (None, [DONE_AT, DONE_AT])
