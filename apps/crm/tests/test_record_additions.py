"""Logging an activity, adding a task and finishing one on a record's page."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Activity, ChangeLog, Task
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.crm.tests.pages import make, sent, url, words
from apps.tenants.models import Tenant

TALKED_ABOUT = ["lead", "contact", "account", "opportunity"]


@pytest.mark.parametrize("kind", TALKED_ABOUT)
def test_an_activity_is_logged_on_the_record(kind: str, cast: Cast, client_for: Any) -> None:
    client, record = client_for(cast.rep), make(RecordKind(kind), owner=cast.teammate)
    form = client.get(record.get_absolute_url()).context["activity_form"]
    data = sent(form, **{"log-activity_kind": "call", "log-subject": "Budget", "log-body": "Fine."})
    answer = client.post(url(kind, "log", record.pk), data)
    assert (answer.status_code, answer["Location"]) == (302, record.get_absolute_url())
    activity = Activity.objects.get()
    assert (activity.subject, activity.owner, getattr(activity, kind)) == (
        "Budget", cast.rep, record,
    )  # fmt: skip
    record.refresh_from_db()
    assert record.last_activity_at == activity.occurred_at  # type: ignore[attr-defined]
    assert "Activity logged." in words(client.get(record.get_absolute_url()))


@pytest.mark.parametrize("kind", TALKED_ABOUT)
def test_a_task_is_added_to_the_record(kind: str, cast: Cast, client_for: Any) -> None:
    client, record = client_for(cast.rep), make(RecordKind(kind), owner=cast.teammate)
    form = client.get(record.get_absolute_url()).context["task_form"]
    data = sent(form, **{"task-title": "Call back", "task-due_on": "2026-03-12"})
    client.post(url(kind, "add_task", record.pk), data)
    task = Task.objects.get()
    assert (task.title, task.due_on, task.owner, getattr(task, kind)) == (
        "Call back", date(2026, 3, 12), cast.rep, record,
    )  # fmt: skip


def test_a_wrong_form_comes_back_with_what_was_typed(cast: Cast, client_for: Any) -> None:
    client, lead = client_for(cast.rep), LeadFactory()
    answer = client.post(
        url("lead", "log", lead.pk),
        {"log-activity_kind": "telepathy", "log-subject": "Budget", "log-occurred_at": "now"},
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"activity_kind", "direction", "occurred_at"}
    assert 'value="Budget"' in answer.content.decode()
    assert not Activity.objects.exists()


def test_nothing_is_added_to_what_one_may_not_see(
    cast: Cast, globex: Tenant, client_for: Any
) -> None:
    hidden = LeadFactory(owner=cast.outsider)
    with globex:
        foreign = LeadFactory(pk=hidden.pk + 1000)
    client = client_for(cast.rep)
    for record in (hidden, foreign):
        for page in ("log", "add_task"):
            assert client.post(url("lead", page, record.pk), {}).status_code == 404
    assert not Activity.objects.exists()


def test_a_task_is_ticked_off(cast: Cast, client_for: Any) -> None:
    client, lead = client_for(cast.rep), LeadFactory()
    task = TaskFactory(lead=lead, owner=cast.teammate, title="Call back")
    address = f"/tasks/{task.pk}/done/"
    answer = client.post(address, {"next": lead.get_absolute_url()})
    assert (answer.status_code, answer["Location"]) == (302, lead.get_absolute_url())
    task.refresh_from_db()
    first_moment = task.completed_at
    assert (task.status, first_moment is None) == ("done", False)
    # Twice does no harm and leaves no second trace.
    client.post(address)
    task.refresh_from_db()
    assert task.completed_at == first_moment
    assert ChangeLog.objects.of_record("task", task.pk).filter(operation="changed").count() == 1


def test_a_task_is_ticked_by_post_alone_and_only_by_who_sees_it(
    cast: Cast, client_for: Any
) -> None:
    hidden = TaskFactory(owner=cast.outsider)
    client = client_for(cast.rep)
    assert client.get(f"/tasks/{hidden.pk}/done/").status_code == 405
    assert client.post(f"/tasks/{hidden.pk}/done/").status_code == 404
    hidden.refresh_from_db()
    assert hidden.status == "open"


def test_after_ticking_one_stays_on_this_host(cast: Cast, client_for: Any) -> None:
    task = TaskFactory()
    answer = client_for(cast.rep).post(f"/tasks/{task.pk}/done/", {"next": "//evil.example"})
    assert answer["Location"] == task.get_absolute_url()
