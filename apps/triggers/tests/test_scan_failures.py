"""What a scan leaves behind when the database refuses a part of it. Rows are really committed here."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.tenants.tests.refusals import refusing
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, Signal
from apps.triggers.services import scan_now

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


def scan() -> Scan:
    return scan_now(kind=ScanKind.FULL, now=timezone.now())


def test_the_database_refuses_one_triggers_signals(committed_tenant: Tenant) -> None:
    LeadFactory(created_at=LONG_AGO)
    TaskFactory(due_on=LONG_AGO.date())
    with refusing(committed_tenant, "triggers_signal", unless="trigger <> 'lead_inactive'"):
        ledger = scan()
    ledger.refresh_from_db()
    assert (ledger.status, ledger.error) == (ScanStatus.FAILED, "lead_inactive: IntegrityError")
    results = {row.trigger: (row.matched, row.fired, row.error) for row in ledger.results.all()}
    assert results["lead_inactive"] == (0, 0, "IntegrityError")
    assert results["task_overdue"] == (1, 1, "")
    assert [signal.trigger for signal in Signal.objects.all()] == ["task_overdue"]


def test_fault_06_the_pipeline_fails_and_the_next_scan_makes_up_for_it(
    committed_tenant: Tenant,
) -> None:
    LeadFactory(created_at=LONG_AGO)
    with refusing(committed_tenant, "suggestions_suggestion"):
        ledger = scan()
    ledger.refresh_from_db()
    assert (ledger.status, ledger.error, ledger.suggestions_created) == (
        ScanStatus.FAILED,
        "Writing suggestions: IntegrityError",
        0,
    )
    assert Signal.objects.firing().count() == 1
    again = scan()
    assert (again.status, again.suggestions_created) == (ScanStatus.SUCCEEDED, 1)
    assert Signal.objects.count() == 1
