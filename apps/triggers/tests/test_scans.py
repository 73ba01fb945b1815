"""Scans: one at a time per tenant, each trigger on its own, everything in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.services import current_tenant
from apps.tenants.tests.refusals import refusing
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.exceptions import ScanPermissionError, UnknownTriggerError
from apps.triggers.ledger import close_lost_scans, request_scan
from apps.triggers.models import Scan, ScanTrigger, Signal, TriggerSetting, TriggerState
from apps.triggers.querysets import LOST_AFTER
from apps.triggers.rules import registry
from apps.triggers.services import run_scan, scan_now
from apps.users.models import User

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


def quiet_lead() -> Lead:
    lead: Lead = LeadFactory(created_at=LONG_AGO)
    return lead


def scan(*triggers: str, now: Any = NOW) -> Scan:
    return scan_now(kind=ScanKind.MANUAL, now=now, triggers=list(triggers) or None)


@contextmanager
def another_worker_scanning(tenant: Tenant) -> Iterator[None]:
    """A second connection that holds the tenant's scan lock."""
    other = connection.copy()
    lock = [f"scan:{tenant.schema_name}"]
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", lock)
            yield
            # The end of a session frees it too, but some time after one has hung up.
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", lock)
    finally:
        other.close()


def test_the_ledger_has_a_row_for_each_trigger(acme: Tenant) -> None:
    quiet_lead()
    TaskFactory(due_on=LONG_AGO.date())
    ledger = scan()
    ledger.refresh_from_db()
    assert (ledger.status, ledger.error, ledger.stage) == (ScanStatus.SUCCEEDED, "", "")
    steps = len(registry.all()) + 1
    assert (ledger.steps_done, ledger.steps_total) == (steps, steps)
    assert ledger.started_at is not None
    assert ledger.finished_at is not None
    assert ledger.heartbeat_at is not None
    found = {row.trigger: (row.matched, row.fired, row.error) for row in ledger.results.all()}
    assert found == {
        **{trigger.key: (0, 0, "") for trigger in registry.all()},
        "lead_inactive": (1, 1, ""),
        "task_overdue": (1, 1, ""),
    }


def test_the_audit_log_counts_and_names_no_record(acme: Tenant) -> None:
    quiet_lead(), quiet_lead()
    ledger = scan("lead_inactive")
    Lead.objects.update(status="unqualified")
    second = scan("lead_inactive")
    told = AuditEntry.objects.filter(
        event__in=["scan.started", "signal.fired", "signal.cleared", "scan.finished"]
    ).order_by("id")
    counts = {"trigger": "lead_inactive", "count": 2}
    assert [(entry.event, entry.record_id, entry.details) for entry in told] == [
        ("scan.started", None, {"scan_id": ledger.pk, "kind": "manual"}),
        ("signal.fired", None, {"scan_id": ledger.pk, **counts}),
        ("scan.finished", None, {"scan_id": ledger.pk, "status": "succeeded"}),
        ("scan.started", None, {"scan_id": second.pk, "kind": "manual"}),
        ("signal.cleared", None, {"scan_id": second.pk, **counts}),
        ("scan.finished", None, {"scan_id": second.pk, "status": "succeeded"}),
    ]


def test_only_the_named_triggers_run(acme: Tenant) -> None:
    quiet_lead()
    TaskFactory(due_on=LONG_AGO.date())
    ledger = scan("task_overdue")
    assert [row.trigger for row in ledger.results.all()] == ["task_overdue"]
    assert [signal.trigger for signal in Signal.objects.all()] == ["task_overdue"]


def test_an_unknown_trigger_leaves_no_ledger_row(acme: Tenant) -> None:
    with pytest.raises(UnknownTriggerError):
        scan("lead_inactve")
    assert Scan.objects.count() == 0


def test_fault_05_one_trigger_that_raises_is_on_record_and_stops_no_other(acme: Tenant) -> None:
    quiet_lead()
    TaskFactory(due_on=LONG_AGO.date())
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": "many"})
    ledger = scan()
    ledger.refresh_from_db()
    assert ledger.status == ScanStatus.FAILED
    assert ledger.error == "lead_inactive: InvalidParametersError"
    errors = {row.trigger: row.error for row in ledger.results.all() if row.error}
    assert errors == {"lead_inactive": "InvalidParametersError"}
    assert [signal.trigger for signal in Signal.objects.all()] == ["task_overdue"]
    assert ledger.suggestions_created == 1


def test_a_queued_trigger_that_is_gone_since_is_on_record(acme: Tenant) -> None:
    quiet_lead()
    ledger = Scan.objects.create(
        kind=ScanKind.MANUAL, triggers=["retired", "lead_inactive"], queued_at=NOW
    )
    run_scan(ledger, now=NOW)
    assert ledger.error == "retired: UnknownTriggerError"
    assert [(row.trigger, row.fired) for row in ledger.results.all()] == [
        ("lead_inactive", 1),
        ("retired", 0),
    ]


def test_a_setting_of_the_tenant_is_honoured(acme: Tenant) -> None:
    quiet_lead()
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": 31})
    assert scan("lead_inactive").results.get().matched == 0
    TriggerSetting.objects.update(parameters={"silent_days": 30})
    assert scan("lead_inactive").results.get().matched == 1
    assert Signal.objects.get().parameters == {"silent_days": 30, "past_reviving_days": 120}


def test_switching_a_trigger_off_clears_what_it_found_and_withdraws(acme: Tenant) -> None:
    quiet_lead()
    assert scan().suggestions_created == 1
    TriggerSetting.objects.create(trigger="lead_inactive", is_enabled=False)
    ledger = scan(now=NOW + timedelta(hours=1))
    row = ledger.results.get(trigger="lead_inactive")
    assert (row.matched, row.fired, row.cleared, row.error) == (0, 0, 1, "")
    assert ledger.suggestions_withdrawn == 1
    assert scan(now=NOW + timedelta(hours=2)).results.get(trigger="lead_inactive").cleared == 0


def test_a_scan_beside_another_is_skipped_and_says_so(acme: Tenant) -> None:
    quiet_lead()
    with another_worker_scanning(acme):
        ledger = scan()
    ledger.refresh_from_db()
    assert (ledger.status, ledger.error) == (ScanStatus.SKIPPED, "Another scan was running.")
    assert (Signal.objects.count(), ScanTrigger.objects.count()) == (0, 0)
    assert scan().status == ScanStatus.SUCCEEDED


def test_another_tenants_scan_does_not_stand_in_the_way(acme: Tenant, globex: Tenant) -> None:
    quiet_lead()
    with another_worker_scanning(globex):
        assert scan().status == ScanStatus.SUCCEEDED


def test_a_second_delivery_of_the_message_runs_nothing(acme: Tenant) -> None:
    ledger = scan("lead_inactive")
    quiet_lead()
    run_scan(ledger, now=NOW)
    ledger.refresh_from_db()
    assert (ledger.status, Signal.objects.count()) == (ScanStatus.SUCCEEDED, 0)


def test_a_running_scan_without_a_worker_is_lost_at_once(acme: Tenant) -> None:
    cut_off = Scan.objects.create(
        kind=ScanKind.FULL, status=ScanStatus.RUNNING, heartbeat_at=NOW, stage="Lead gone quiet"
    )
    with another_worker_scanning(acme):
        assert close_lost_scans(NOW) == 0
    assert close_lost_scans(NOW) == 1
    cut_off.refresh_from_db()
    assert (cut_off.status, cut_off.finished_at, cut_off.stage) == (ScanStatus.LOST, NOW, "")


@pytest.mark.parametrize(("late", "lost"), [(timedelta(), 0), (timedelta(seconds=1), 1)])
def test_a_queued_one_waits_half_an_hour(acme: Tenant, late: timedelta, lost: int) -> None:
    Scan.objects.create(kind=ScanKind.MANUAL, queued_at=NOW - LOST_AFTER - late)
    assert close_lost_scans(NOW) == lost


@pytest.mark.parametrize(("late", "lost"), [(timedelta(), 0), (timedelta(seconds=1), 1)])
def test_a_worker_that_is_silent_for_half_an_hour_is_lost(
    acme: Tenant, late: timedelta, lost: int
) -> None:
    Scan.objects.create(
        kind=ScanKind.MANUAL, status=ScanStatus.RUNNING, heartbeat_at=NOW - LOST_AFTER - late
    )
    with another_worker_scanning(acme):
        assert close_lost_scans(NOW) == lost


def test_finished_scans_are_never_lost(acme: Tenant) -> None:
    for status in set(ScanStatus) - {ScanStatus.QUEUED, ScanStatus.RUNNING}:
        Scan.objects.create(kind=ScanKind.FULL, status=status, queued_at=LONG_AGO)
    assert close_lost_scans(NOW) == 0


def test_a_person_asks_for_a_scan_and_joins_the_one_that_waits(cast: Cast) -> None:
    first = request_scan(user=cast.rep, now=NOW)
    assert (first.status, first.kind, first.requested_by) == ("queued", "manual", cast.rep)
    assert first.triggers == [trigger.key for trigger in registry.all()]
    assert request_scan(user=cast.manager, now=NOW).pk == first.pk
    run_scan(first, now=NOW)
    assert request_scan(user=cast.manager, now=NOW).pk != first.pk


def test_a_dead_scan_does_not_stop_a_person_from_scanning(cast: Cast) -> None:
    dead = Scan.objects.create(kind=ScanKind.FULL, status=ScanStatus.RUNNING, heartbeat_at=NOW)
    assert request_scan(user=cast.rep, now=NOW).pk != dead.pk


def test_who_may_not_scan_is_refused(cast: Cast) -> None:
    visitor = User.objects.create(username="visitor")
    with pytest.raises(ScanPermissionError):
        request_scan(user=visitor, now=NOW)
    assert Scan.objects.count() == 0


@pytest.mark.parametrize("how", ["gate off", "no gate"])
def test_fault_17_a_gate_that_is_off_or_missing_lets_nothing_run(acme: Tenant, how: str) -> None:
    quiet_lead()
    gate = ModuleGate.objects.filter(tenant=acme, module=Module.TRIGGERS)
    if how == "gate off":
        gate.update(is_on=False)
    else:
        gate.delete()
    ledger = scan()
    assert (ledger.status, ledger.error) == (
        ScanStatus.SKIPPED,
        "Triggers are switched off for this company.",
    )
    assert (Signal.objects.count(), ScanTrigger.objects.count()) == (0, 0)


def test_fault_17_the_gate_of_another_tenant_does_not_count(acme: Tenant, globex: Tenant) -> None:
    quiet_lead()
    ModuleGate.objects.filter(tenant=globex).update(is_on=False)
    assert scan().status == ScanStatus.SUCCEEDED
    ModuleGate.objects.filter(tenant=globex).update(is_on=True)
    ModuleGate.objects.filter(tenant=acme).update(is_on=False)
    assert scan().status == ScanStatus.SKIPPED


def test_without_the_suggestions_module_signals_fire_and_nothing_is_suggested(
    acme: Tenant,
) -> None:
    quiet_lead()
    ModuleGate.objects.filter(tenant=acme, module=Module.SUGGESTIONS).update(is_on=False)
    ledger = scan()
    assert (ledger.status, ledger.suggestions_created) == (ScanStatus.SUCCEEDED, 0)
    assert Signal.objects.firing().count() == 1


def test_a_disabled_tenant_is_not_scanned(acme: Tenant) -> None:
    quiet_lead()
    Tenant.objects.filter(pk=acme.pk).update(is_enabled=False)
    assert scan().status == ScanStatus.SKIPPED
    assert Signal.objects.count() == 0


def test_fault_12_each_scan_stays_in_its_tenant(acme: Tenant, globex: Tenant) -> None:
    quiet_lead()
    with globex:
        quiet_lead(), quiet_lead()
        assert scan().results.get(trigger="lead_inactive").fired == 2
        assert current_tenant() == globex
    assert Signal.objects.count() == 0
    assert scan().results.get(trigger="lead_inactive").fired == 1
    with globex:
        assert Signal.objects.count() == 2


def test_the_database_knows_the_states(acme: Tenant) -> None:
    with pytest.raises(IntegrityError, match="scan_status_is_known"), transaction.atomic():
        Scan.objects.create(kind=ScanKind.FULL, status="resting")


def signal_of_unknown(key: str, lead: Lead) -> Signal:
    return Signal.objects.create(
        trigger=key, goal="revive_lead", record_kind="lead", record_id=lead.pk, severity=2
    )


def test_a_daily_scan_ends_the_signals_of_a_trigger_that_was_taken_away(acme: Tenant) -> None:
    lead = quiet_lead()
    removed, newer = signal_of_unknown("lead_forgotten", lead), signal_of_unknown("newer", lead)
    for key, ago in (("lead_forgotten", timedelta(days=1)), ("newer", timedelta(hours=23))):
        TriggerState.objects.create(
            trigger=key, cursor=1, looked_at=NOW - ago, looked_fully_at=NOW - ago
        )
    scan()
    assert {removed, newer} < set(Signal.objects.firing())
    daily = scan_now(kind=ScanKind.FULL, now=NOW)
    assert daily.status == ScanStatus.SUCCEEDED
    firing = Signal.objects.firing().values_list("trigger", flat=True)
    assert {"lead_inactive", "newer"} <= set(firing)
    removed.refresh_from_db()
    assert removed.cleared_at == NOW
    told = AuditEntry.objects.get(event="signal.cleared", details__trigger="lead_forgotten")
    assert (told.record_kind, told.details) == (
        "lead",
        {"scan_id": daily.pk, "trigger": "lead_forgotten", "count": 1},
    )


def test_a_daily_scan_that_cannot_end_them_says_so_and_ends(committed_tenant: Tenant) -> None:
    removed = signal_of_unknown("lead_forgotten", quiet_lead())
    kept = "trigger <> 'lead_forgotten' OR cleared_at IS NULL"
    with refusing(committed_tenant, "triggers_signal", unless=kept):
        daily = scan_now(kind=ScanKind.FULL, now=NOW)
    assert (daily.status, daily.error) == (ScanStatus.FAILED, "removed triggers: IntegrityError")
    removed.refresh_from_db()
    assert removed.cleared_at is None
