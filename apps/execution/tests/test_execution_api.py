"""Executions by the API: who may read them, what they tell, how they are filtered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Task
from apps.crm.tests.factories import ContactFactory, TaskFactory
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedUndo
from apps.execution.services import apply_change, record_failure, undo_change
from apps.execution.tests.factories import NOW, approved
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

LIST = "/api/v1/executions/"


def apply(tool: str, arguments: dict[str, Any], by: User, key: str = "test:1") -> Execution:
    change = approved(tool, arguments, by, idempotency_key=key)
    with acting(change.actor):
        return apply_change(change, now=NOW)


def done(by: User, key: str) -> Execution:
    """A task that was done on somebody's yes."""
    task = TaskFactory(owner=by)
    return apply("update_task", {"task_id": task.pk, "status": "done"}, by, key)


def ids_of(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_they_are_for_those_who_see_everything(
    cast: Cast, api_for: ApiFor, anonymous_client: TenantClient
) -> None:
    execution = done(cast.rep, "test:1")
    paths = (LIST, f"{LIST}{execution.pk}/")
    assert [anonymous_client.get(path).status_code for path in paths] == [401, 401]
    assert [api_for(cast.rep).get(path).status_code for path in paths] == [403, 403]
    for person in (cast.manager, cast.admin):
        assert [api_for(person).get(path).status_code for path in paths] == [200, 200]


def test_one_tells_what_was_written_before_and_after(cast: Cast, api_for: ApiFor) -> None:
    contact = ContactFactory(owner=cast.rep, phone="1", title="Buyer")
    arguments = {"contact_id": contact.pk, "phone": "2"}
    execution = apply("update_contact", arguments, cast.rep)
    assert api_for(cast.manager).get(f"{LIST}{execution.pk}/").json() == {
        "id": execution.pk,
        "tool": "update_contact",
        "record_kind": "contact",
        "record_id": contact.pk,
        "status": "succeeded",
        "error_code": "",
        "error_message": "",
        "approved_by": cast.rep.pk,
        "approved_at": "2026-03-02T09:00:00Z",
        "started_at": "2026-03-02T09:00:00Z",
        "finished_at": "2026-03-02T09:00:00Z",
        "undoes": None,
        "left_alone": [],
        "written": [{"label": "Phone", "before": "1", "after": "2"}],
    }


def test_the_list_is_filtered(cast: Cast, api_for: ApiFor) -> None:
    first, second = done(cast.rep, "test:1"), done(cast.teammate, "test:2")
    change = approved(
        "update_task", {"task_id": TaskFactory().pk, "status": "done"}, cast.rep,
        idempotency_key="test:3",
    )  # fmt: skip
    with acting(change.actor):
        failed = record_failure(change, code="disk_full", message="the disk is full", now=NOW)
        wish = ApprovedUndo(first.pk, cast.rep, NOW, Actor.for_person(cast.rep), 7)
        undone = undo_change(wish, now=NOW)
    client = api_for(cast.manager)

    def found(**parameters: Any) -> list[int]:
        return ids_of(client.get(LIST, parameters))

    assert found() == [undone.pk, failed.pk, second.pk, first.pk]
    assert found(ordering="id") == [first.pk, second.pk, failed.pk, undone.pk]
    assert found(status="failed") == [failed.pk]
    assert found(is_undo="true") == [undone.pk]
    assert found(is_undo="false") == [failed.pk, second.pk, first.pk]
    assert found(approved_by=cast.teammate.pk) == [second.pk]
    assert found(record_kind="task", record_id=second.record_id) == [second.pk]
    assert found(tool="create_task") == []
    assert found(finished_before="2026-03-02T09:00:00Z") == []
    assert client.get(LIST, {"page": 2}).status_code == 400


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_whatever_its_length(
    cast: Cast, api_for: ApiFor, rows: int
) -> None:
    for number in range(rows):
        done(cast.rep, f"test:{number}")
    client = api_for(cast.manager)
    client.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        assert len(ids_of(client.get(LIST))) == rows
    assert len([q for q in queries if "execution_execution" in q["sql"]]) == 1
    assert len(queries) == 6, [query["sql"] for query in queries]
    assert Task.objects.count() == rows


def test_nothing_is_written_here(cast: Cast, api_for: ApiFor) -> None:
    client, execution = api_for(cast.admin), done(cast.rep, "test:1")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (LIST, f"{LIST}{execution.pk}/"):
            assert client.send(method, path, {}).status_code == 405
