"""tasks_piling_up: somebody has many overdue tasks at once; the oldest stands for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from apps.crm.enums import TaskStatus
from apps.crm.models import Task
from apps.crm.tests.factories import TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind
from apps.triggers.models import Signal
from apps.triggers.rules import registry
from apps.triggers.services import look_around, scan_now
from apps.triggers.tests.asking import BERLIN, NOW, facts_of, matching
from apps.users.models import User
from apps.users.tests.factories import UserFactory

KEY = "tasks_piling_up"
# Today is 2 March; with two days of grace what was due on 27 February is overdue.
LAST_DAY = date(2026, 2, 27)


def overdue(owner: User | None, count: int, due_on: date = LAST_DAY) -> list[Task]:
    """So many open tasks of somebody, due on one day."""
    tasks: list[Task] = TaskFactory.create_batch(count, owner=owner, due_on=due_on)
    return tasks


def test_eight_are_a_pile_and_seven_are_not(acme: Tenant) -> None:
    somebody = UserFactory()
    tasks = overdue(somebody, 7)
    assert matching(KEY) == []
    overdue(somebody, 1)
    assert matching(KEY) == [tasks[0].pk]


def test_the_oldest_stands_for_all(acme: Tenant) -> None:
    somebody = UserFactory()
    overdue(somebody, 8)
    older = overdue(somebody, 2, due_on=date(2026, 2, 20))
    assert matching(KEY) == [older[0].pk]


def test_each_person_has_their_own_pile(acme: Tenant) -> None:
    one, other = UserFactory(), UserFactory()
    ones, others = overdue(one, 8), overdue(other, 9)
    overdue(UserFactory(), 7)
    assert matching(KEY) == [ones[0].pk, others[0].pk]


def test_tasks_of_nobody_do_not_pile_up(acme: Tenant) -> None:
    overdue(None, 20)
    assert matching(KEY) == []


@pytest.mark.parametrize("status", [TaskStatus.DONE, TaskStatus.CANCELLED])
def test_it_clears_when_one_is_settled(acme: Tenant, status: TaskStatus) -> None:
    tasks = overdue(UserFactory(), 8)
    tasks[3].status = status
    tasks[3].save()
    assert matching(KEY) == []


def test_it_moves_on_when_the_oldest_is_settled(acme: Tenant) -> None:
    tasks = overdue(UserFactory(), 9)
    tasks[0].status = TaskStatus.DONE
    tasks[0].save()
    assert matching(KEY) == [tasks[1].pk]


def test_it_clears_when_one_is_handed_over(acme: Tenant) -> None:
    tasks = overdue(UserFactory(), 8)
    tasks[0].owner = UserFactory()
    tasks[0].save()
    assert matching(KEY) == []


def test_the_grace_ends_at_midnight_in_the_tenant_s_zone(acme: Tenant) -> None:
    somebody = UserFactory()
    tasks = overdue(somebody, 7)
    overdue(somebody, 1, due_on=LAST_DAY + timedelta(days=1))
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert matching(KEY, now=midnight - timedelta(seconds=1)) == []
    assert matching(KEY, now=midnight) == [tasks[0].pk]
    assert matching(KEY, now=midnight, zone=ZoneInfo("America/New_York")) == []
    assert acme.zone == BERLIN


def test_tasks_without_a_due_day_or_due_later_do_not_count(acme: Tenant) -> None:
    somebody = UserFactory()
    overdue(somebody, 7)
    TaskFactory(owner=somebody, due_on=None)
    TaskFactory(owner=somebody, due_on=NOW.date() + timedelta(days=30))
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"overdue_count": 9}, False),
        ({"overdue_count": 2}, True),
        ({"grace_days": 3}, False),
        ({"grace_days": 0}, True),
    ],
)
def test_parameters_move_both_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    tasks = overdue(UserFactory(), 8)
    assert matching(KEY, parameters) == ([tasks[0].pk] if fires else [])


def test_it_shares_its_goal_with_the_overdue_task(acme: Tenant) -> None:
    tasks = overdue(UserFactory(), 8)
    assert tasks[0].pk in matching("task_overdue")
    assert registry.get(KEY).goal == registry.get("task_overdue").goal


def test_facts_name_the_person_and_the_number(acme: Tenant) -> None:
    somebody = UserFactory()
    tasks = overdue(somebody, 10)
    assert facts_of(KEY, tasks[0].pk) == {
        "owner_id": somebody.pk,
        "overdue_count": 10,
        "due_on": "2026-02-27",
        "revision": 1,
    }


def firing() -> list[int]:
    return [*Signal.objects.firing().filter(trigger=KEY).values_list("record_id", flat=True)]


def test_a_round_looks_at_the_oldest_of_whoever_has_something_changed(
    committed_tenant: Tenant,
) -> None:
    now = timezone.now()
    due_on = timezone.localdate(now, committed_tenant.zone) - timedelta(days=10)
    somebody = UserFactory()
    tasks = overdue(somebody, 7, due_on)
    scan_now(kind=ScanKind.FULL, now=now, triggers=[KEY])
    assert firing() == []
    # The younger ones change, the oldest stands for them.
    overdue(somebody, 2, due_on + timedelta(days=1))
    look_around(ScanKind.INCREMENTAL, now=now)
    assert firing() == [tasks[0].pk]
    Task.objects.filter(pk=tasks[0].pk).update(status=TaskStatus.DONE)
    look_around(ScanKind.INCREMENTAL, now=now)
    assert firing() == [tasks[1].pk]


def test_a_round_after_midnight_looks_at_the_oldest(committed_tenant: Tenant) -> None:
    now = timezone.now()
    last_day = timezone.localdate(now, committed_tenant.zone) - timedelta(days=3)
    somebody = UserFactory()
    tasks = overdue(somebody, 7, last_day)
    overdue(somebody, 1, last_day + timedelta(days=1))
    scan_now(kind=ScanKind.FULL, now=now, triggers=[KEY])
    assert firing() == []
    look_around(ScanKind.INCREMENTAL, now=now + timedelta(days=1))
    assert firing() == [tasks[0].pk]
