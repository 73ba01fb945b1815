"""task_overdue: an open task whose due day has passed, by days in the tenant's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from apps.crm.enums import TaskStatus
from apps.crm.tests.factories import TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import BERLIN, facts_of, matching

KEY = "task_overdue"
# On this day Berlin is two hours ahead: its midnight is 22:00 UTC of the day before.
DUE = date(2026, 6, 10)
BEFORE_MIDNIGHT = datetime(2026, 6, 12, 21, 59, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 12, 22, 0, tzinfo=UTC)


def test_two_days_of_grace_end_at_midnight_in_berlin(acme: Tenant) -> None:
    task = TaskFactory(due_on=DUE)
    assert acme.zone == BERLIN
    assert matching(KEY, now=BEFORE_MIDNIGHT) == []
    assert matching(KEY, now=MIDNIGHT) == [task.pk]


def test_elsewhere_the_day_ends_later(acme: Tenant) -> None:
    task = TaskFactory(due_on=DUE)
    new_york = ZoneInfo("America/New_York")
    assert matching(KEY, now=MIDNIGHT, zone=new_york) == []
    assert matching(KEY, now=datetime(2026, 6, 13, 4, 0, tzinfo=UTC), zone=new_york) == [task.pk]


def test_the_day_on_which_clocks_change_is_a_day(acme: Tenant) -> None:
    # 29 March 2026 has 23 hours in Berlin; the grace for the 27th ends as it ends.
    task = TaskFactory(due_on=date(2026, 3, 27))
    assert matching(KEY, now=datetime(2026, 3, 29, 21, 59, tzinfo=UTC)) == []
    assert matching(KEY, now=datetime(2026, 3, 29, 22, 0, tzinfo=UTC)) == [task.pk]


@pytest.mark.parametrize(("grace_days", "fires"), [(0, True), (2, True), (3, False)])
def test_the_grace_is_a_parameter(acme: Tenant, grace_days: int, fires: bool) -> None:
    task = TaskFactory(due_on=DUE)
    assert matching(KEY, {"grace_days": grace_days}, now=MIDNIGHT) == ([task.pk] if fires else [])


def test_without_grace_the_due_day_itself_is_not_overdue(acme: Tenant) -> None:
    TaskFactory(due_on=DUE)
    assert matching(KEY, {"grace_days": 0}, now=datetime(2026, 6, 10, 21, 59, tzinfo=UTC)) == []


@pytest.mark.parametrize("status", [TaskStatus.DONE, TaskStatus.CANCELLED])
def test_fault_14_a_settled_task_is_never_overdue(acme: Tenant, status: TaskStatus) -> None:
    TaskFactory(due_on=DUE, status=status)
    assert matching(KEY, now=MIDNIGHT) == []


def test_a_task_without_a_due_day_never_is(acme: Tenant) -> None:
    TaskFactory(due_on=None)
    assert matching(KEY, now=MIDNIGHT) == []


def test_facts(acme: Tenant) -> None:
    task = TaskFactory(due_on=date(2026, 2, 1))
    assert facts_of(KEY, task.pk) == {"due_on": "2026-02-01", "revision": 1}
