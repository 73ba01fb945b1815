"""Rounds that find nothing, over many tenants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from django.utils import timezone
from django_tenants.clone import CLONE_SCHEMA_FUNCTION
from django_tenants.utils import get_public_schema_name, schema_context

from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.roles import RUN_TIME_LOGIN
from apps.triggers.bench.scanning import owner, without_suggestions
from apps.triggers.enums import ScanKind
from apps.triggers.services import look_around, scan_now

_TENANTS = 200
_LONGEST_ROUND_MS = 15.0
_PASSES = 3


def measure_idle_rounds() -> Iterator[dict[str, object]]:
    """A round per tenant when nothing has changed and nothing has come due, 200 tenants in turn."""
    pattern = tenant_connection().schema_name
    with without_suggestions():
        scan_now(kind=ScanKind.FULL, now=timezone.now())
    with owner() as cursor:
        tenants = _make_tenants(cursor, pattern)
        try:
            times: list[float] = []
            for _ in range(_PASSES):
                times.extend(_idle_ms(tenant) for tenant in tenants)
        finally:
            _remove_tenants(cursor, tenants)
    yield {
        "name": "idle incremental round per tenant, 200 tenants",
        "value": round(median(times), 1),
        "unit": "ms",
        "target": _LONGEST_ROUND_MS,
        "better": "lower",
        "remark": f"median of {len(times)} rounds; the slowest of a hundred: "
        f"{sorted(times)[len(times) * 99 // 100]:.1f} ms",
    }


def _idle_ms(tenant: Tenant) -> float:
    began = time.perf_counter()
    with schema_context(tenant.schema_name):
        scan = look_around(ScanKind.INCREMENTAL, now=timezone.now())
    elapsed_ms = (time.perf_counter() - began) * 1000
    if scan is not None:
        raise AssertionError("The round was not idle.")
    return elapsed_ms


def _make_tenants(cursor: Any, pattern: str) -> list[Tenant]:
    """Empty copies of a tenant whose triggers have all looked already."""
    cursor.execute(CLONE_SCHEMA_FUNCTION.format(db_user=_owner_name(cursor)))
    tenants = []
    for number in range(_TENANTS):
        schema = f"idle_{number}"
        cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        cursor.execute("SELECT clone_schema(%s, %s, 'NODATA')", [pattern, schema])
        # Figures and stages with them: a trigger for which these are others looks at everything.
        for table in ("triggers_triggerstate", "triggers_baseline", "crm_stage"):
            cursor.execute(
                f'INSERT INTO "{schema}".{table} OVERRIDING SYSTEM VALUE '  # noqa: S608
                f'SELECT * FROM "{pattern}".{table}'
            )
        cursor.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {RUN_TIME_LOGIN}')
        cursor.execute(
            f'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA "{schema}" TO {RUN_TIME_LOGIN}'
        )
        tenants.append(Tenant(schema_name=schema, name=f"Idle {number}"))
    with schema_context(get_public_schema_name()):
        Tenant.objects.filter(schema_name__startswith="idle_").delete()
        Tenant.objects.bulk_create(tenants)
        ModuleGate.objects.bulk_create(
            ModuleGate(tenant=tenant, module=Module.TRIGGERS, is_on=True) for tenant in tenants
        )
    return tenants


def _remove_tenants(cursor: Any, tenants: list[Tenant]) -> None:
    for tenant in tenants:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{tenant.schema_name}" CASCADE')
    with schema_context(get_public_schema_name()):
        Tenant.objects.filter(pk__in=[tenant.pk for tenant in tenants]).delete()


def _owner_name(cursor: Any) -> str:
    cursor.execute("SELECT current_user")
    return str(cursor.fetchone()[0])
