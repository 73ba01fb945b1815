"""Time limits: a look that runs too long fails by itself, is on record, and stops no other trigger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import JSONObject

from aisha.celery import app
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers import crossings, looks
from apps.triggers.enums import ScanStatus
from apps.triggers.models import Scan, Signal, TriggerState
from apps.triggers.moments import ScanMoment
from apps.triggers.querysets import LOST_AFTER
from apps.triggers.registry import Parameters
from apps.triggers.rules import registry
from apps.triggers.tests.test_raising_trigger import KEY, Raising
from apps.triggers.tests.test_rounds import LONG_AGO, around, full
from apps.triggers.watches import Own, Watch

# Far longer than the test's limit, which ends it.
RUNS_AWAY = Q(pk__in=RawSQL("SELECT 1 FROM pg_sleep(60)", []))
LIMIT_S = 1


class Slow(Raising):
    """A trigger whose query runs away, or whose look meets the soft limit of its task."""

    watches: tuple[Watch, ...] = (Own(),)  # type: ignore[misc]

    def matching(self, moment: ScanMoment, parameters: Parameters) -> QuerySet[Any]:
        if self.fault == "soft limit":
            raise SoftTimeLimitExceeded
        if self.fault == "query":
            return Lead.objects.filter(RUNS_AWAY).annotate(facts=JSONObject(revision="revision"))
        return super().matching(moment, parameters)


@pytest.fixture
def slow(committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """The trigger among the others, quick at first; all of them have looked."""
    trigger = Slow()
    registry.register(trigger)
    monkeypatch.setattr(looks, "STATEMENT_TIMEOUT_S", LIMIT_S)
    try:
        assert full().status == ScanStatus.SUCCEEDED
        yield trigger
    finally:
        del registry._triggers[KEY]
        crossings._compiled.clear()


def errors_of(scan: Scan) -> dict[str, str]:
    return {row.trigger: row.error for row in scan.results.all() if row.error}


FAULTS = [("query", "OperationalError"), ("soft limit", "SoftTimeLimitExceeded")]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
def test_a_look_that_runs_too_long_fails_and_the_full_scan_goes_on(
    slow: Slow, fault: str, error: str
) -> None:
    TaskFactory(due_on=LONG_AGO.date())
    LeadFactory(status="converted")
    slow.fault = fault
    scan = full()
    assert (scan.status, scan.error) == (ScanStatus.FAILED, f"{KEY}: {error}")
    assert errors_of(scan) == {KEY: error}
    assert scan.results.count() == len(registry.all())
    assert scan.results.get(trigger="task_overdue").fired == 1
    assert scan.suggestions_created == 1
    if fault == "query":
        assert LIMIT_S <= scan.results.get(trigger=KEY).duration_s < 30


@pytest.mark.parametrize(("fault", "error"), FAULTS)
def test_a_look_that_runs_too_long_fails_and_the_round_goes_on(
    slow: Slow, fault: str, error: str
) -> None:
    before = TriggerState.objects.get(trigger=KEY).cursor
    TaskFactory(due_on=LONG_AGO.date())
    LeadFactory(status="converted")
    slow.fault = fault
    scan = around()
    assert scan is not None
    assert errors_of(scan) == {KEY: error}
    assert [signal.trigger for signal in Signal.objects.firing()] == ["task_overdue"]
    # It saw nothing: quick again, it looks at what it missed.
    assert TriggerState.objects.get(trigger=KEY).cursor == before
    slow.fault = ""
    again = around()
    assert again is not None
    assert [row.trigger for row in again.results.all()] == [KEY]


def test_the_limits_stand_in_this_order() -> None:
    """A statement ends before its round, that before other tasks, and all before a scan counts as lost."""
    app.loader.import_default_modules()
    round_ = app.tasks["triggers.look_around_current_tenant"]
    limits = [
        looks.STATEMENT_TIMEOUT_S,
        round_.soft_time_limit,
        round_.time_limit,
        app.conf.task_soft_time_limit,
        app.conf.task_time_limit,
    ]
    assert limits == [300, 600, 660, 1500, 1800]
    assert timedelta(seconds=app.conf.task_time_limit) <= LOST_AFTER


def test_every_task_has_a_soft_limit_below_its_hard_one() -> None:
    """Celery refuses to send a task whose soft limit lies above: nothing of it would ever run."""
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    assert "triggers.scan_current_tenant" in ours
    wrong = [
        name
        for name, task in ours.items()
        if not 0
        < (task.soft_time_limit or app.conf.task_soft_time_limit)
        < (task.time_limit or app.conf.task_time_limit)
    ]
    assert wrong == []
