"""A trigger class that raises, wherever it does: it is on record, and no other trigger suffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import JSONObject
from pydantic import JsonValue

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers import crossings
from apps.triggers.edges import Edge, days_ago
from apps.triggers.enums import ScanStatus, Severity
from apps.triggers.models import Baseline, Scan, TriggerState
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules import registry
from apps.triggers.tests.test_rounds import LONG_AGO, around, full, quiet_lead
from apps.triggers.watches import Changes, Watch

KEY = "raising"
# The database itself refuses this, when it is asked.
IMPOSSIBLE = Q(pk__in=RawSQL("SELECT 1 / (random() * 0)::int", []))


class RaisingWatch(Watch):
    def touched(self, changes: Changes, kind: RecordKind) -> set[int]:
        raise RuntimeError("a fault of the watch")


class NoParameters(Parameters):
    pass


class Raising(Trigger[Any]):
    key = KEY
    label = "Raising"
    record_kind = RecordKind.LEAD
    goal = Goal.REVIVE_LEAD
    discovers = None
    tools: ClassVar[tuple[str, ...]] = ("create_followup",)
    severity = Severity.LOW
    watches: ClassVar[tuple[Watch, ...]] = ()
    parameters_type: type[Parameters] = NoParameters
    fault = ""

    def matching(self, moment: ScanMoment, parameters: Parameters) -> QuerySet[Any]:
        if self.fault == "matching":
            raise RuntimeError("a fault of the query")
        leads = Lead.objects.annotate(facts=JSONObject(revision="revision"))
        return leads.filter(IMPOSSIBLE) if self.fault == "query" else leads.filter(pk=0)

    def edges(self, moment: ScanMoment, parameters: Parameters) -> tuple[Edge, ...]:
        if self.fault == "edges":
            raise RuntimeError("a fault of the edges")
        return (
            (Edge(Lead, "created_at", days_ago(30), only=IMPOSSIBLE),)
            if self.fault == "edge"
            else ()
        )

    def epoch(self, moment: ScanMoment, parameters: Parameters) -> JsonValue:
        if self.fault == "epoch":
            raise RuntimeError("a fault of the epoch")
        return None

    def measure(self, moment: ScanMoment) -> Mapping[str, JsonValue] | None:
        if self.fault == "measure":
            raise RuntimeError("a fault of the measure")
        return None


@pytest.fixture
def raising(committed_tenant: Tenant) -> Iterator[Raising]:
    """The trigger among the others, sound at first; all of them have looked."""
    trigger = Raising()
    registry.register(trigger)
    try:
        assert full().status == ScanStatus.SUCCEEDED
        yield trigger
    finally:
        del registry._triggers[KEY]
        # Edges are compiled once for each trigger; the next one of this name has others.
        crossings._compiled.clear()


def errors_of(scan: Scan | None) -> dict[str, str]:
    assert scan is not None
    return {row.trigger: row.error for row in scan.results.all() if row.error}


@pytest.mark.parametrize(
    ("fault", "error"),
    [("matching", "RuntimeError"), ("query", "DataError"), ("epoch", "RuntimeError")],
)
def test_in_a_full_scan(raising: Raising, fault: str, error: str) -> None:
    raising.fault = fault
    TaskFactory(due_on=LONG_AGO.date())
    LeadFactory(status="converted")
    scan = full()
    assert (scan.status, scan.error) == (ScanStatus.FAILED, f"{KEY}: {error}")
    assert errors_of(scan) == {KEY: error}
    assert scan.results.get(trigger="task_overdue").fired == 1
    assert scan.suggestions_created == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("edges", "RuntimeError"),
        ("edge", "DataError"),
        ("epoch", "RuntimeError"),
        ("watch", "RuntimeError"),
    ],
)
def test_in_a_round(raising: Raising, fault: str, error: str) -> None:
    before = TriggerState.objects.get(trigger=KEY)
    raising.fault = fault
    if fault == "watch":
        raising.watches = (RaisingWatch(),)  # type: ignore[misc]
    TaskFactory(due_on=LONG_AGO.date())
    quiet_lead()
    scan = around()
    assert errors_of(scan) == {KEY: error}
    assert scan is not None
    assert (scan.status, scan.error) == (ScanStatus.FAILED, f"{KEY}: {error}")
    assert scan.results.get(trigger="task_overdue").fired == 1
    assert TriggerState.objects.get(trigger=KEY).cursor == before.cursor
    # Mended, it makes up for what it missed, which is nothing, and nobody else looks again.
    crossings._compiled.clear()
    raising.fault, raising.watches = "", ()  # type: ignore[misc]
    assert around() is None
    assert TriggerState.objects.get(trigger=KEY).cursor > before.cursor


def test_figures_that_cannot_be_measured_stay_those_of_the_day_before(raising: Raising) -> None:
    raising.fault = "measure"
    Baseline.objects.create(trigger=KEY, version="2020-01-01 a", values={}, measured_at=LONG_AGO)
    scan = full()
    assert (scan.status, scan.error) == (ScanStatus.FAILED, f"{KEY}: figures: RuntimeError")
    assert Baseline.objects.in_force().get(trigger=KEY).version == "2020-01-01 a"
