"""What a scan leaves behind when the database refuses a part of it. Rows are really committed here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from apps.conftest import owner_connection
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, Signal
from apps.triggers.services import scan_now

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


@contextmanager
def refusing(tenant: Tenant, table: str, condition: str) -> Iterator[None]:
    """The owner of the database lets in only rows of ``table`` for which ``condition`` holds."""
    name = f'"{tenant.schema_name}"."{table}"'
    _as_owner(tenant, f"ALTER TABLE {name} ADD CONSTRAINT refusing CHECK ({condition}) NOT VALID")
    yield
    _as_owner(tenant, f"ALTER TABLE {name} DROP CONSTRAINT refusing")


def _as_owner(tenant: Tenant, statement: str) -> None:
    with owner_connection(), connection.cursor() as cursor:
        cursor.execute(statement)
    tenant_connection().set_tenant(tenant)


def scan() -> Scan:
    return scan_now(kind=ScanKind.FULL, now=timezone.now())


def test_the_database_refuses_one_triggers_signals(committed_tenant: Tenant) -> None:
    LeadFactory(created_at=LONG_AGO)
    TaskFactory(due_on=LONG_AGO.date())
    with refusing(committed_tenant, "triggers_signal", "trigger <> 'lead_inactive'"):
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
    with refusing(committed_tenant, "suggestions_suggestion", "false"):
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
