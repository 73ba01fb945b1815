"""A small company of the demo: each of the daily, the manual and the realtime run finds all six kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.plugin import DjangoDbBlocker

from apps.conftest import owner_connection
from apps.crm.changelog import record_models
from apps.crm.models import Record
from apps.duplicates.enums import Subject
from apps.duplicates.models import Pair
from apps.duplicates.services.matching import match_all
from apps.operations.demo import installing
from apps.operations.demo.installing import DemoTenant, install_demo
from apps.operations.demo.simulation.acme import TIME_ZONE, simulate_acme
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.triggers.enums import Discovery, ScanKind, ScanStatus
from apps.triggers.models import Scan, Signal
from apps.triggers.rules import registry
from apps.triggers.services import look_around, scan_now

NOW = datetime(2025, 3, 18, 15, 30, tzinfo=UTC)
SMALL = DemoTenant(
    "demokinds",
    "Small Acme",
    TIME_ZONE,
    "USD",
    lambda now: simulate_acme(now=now, seed=3, share=0.12),
)
MODELS = {model.kind.value: model for model in record_models()}


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    """The loaded company, really committed, with the duplicates of the night; taken away afterwards."""
    with django_db_blocker.unblock(), owner_connection():
        remove()
        try:
            install_demo(now=NOW, say=lambda line: None, tenants=(SMALL,))
            tenant = Tenant.objects.get(schema_name=SMALL.schema)
            tenant_connection().set_tenant(tenant)
            match_everything()
            yield tenant
        finally:
            tenant_connection().set_schema_to_public()
            remove()


@pytest.fixture
def small_acme(loaded: Tenant) -> Iterator[Tenant]:
    """The connection stands in its schema."""
    tenant_connection().set_tenant(loaded)
    yield loaded
    tenant_connection().set_schema_to_public()


def remove() -> None:
    tenant_connection().set_schema_to_public()
    installing._remove(SMALL)


def match_everything() -> None:
    for subject in Subject:
        match_all(subject, now=NOW, tell=lambda stage: None)


def forget_what_was_found() -> None:
    Signal.objects.firing().update(cleared_at=NOW)


def found() -> dict[Discovery, set[tuple[str, int]]]:
    """The records of which something is found, by kind."""
    records: dict[Discovery, set[tuple[str, int]]] = defaultdict(set)
    for signal in Signal.objects.firing():
        discovery = registry.get(signal.trigger).discovers
        if discovery is not None:
            records[discovery].add((signal.record_kind, signal.record_id))
    return records


def ended_well(scan: Scan | None) -> bool:
    return scan is not None and scan.status == ScanStatus.SUCCEEDED


def test_the_daily_run_finds_all_six_kinds(small_acme: Tenant) -> None:
    forget_what_was_found()
    scan = scan_now(kind=ScanKind.FULL, now=NOW + timedelta(minutes=1))
    assert ended_well(scan), scan.error
    assert set(found()) == set(Discovery)


def test_a_manual_run_finds_all_six_kinds_and_compares_for_duplicates_itself(
    small_acme: Tenant,
) -> None:
    forget_what_was_found()
    gone = Pair.objects.likely().order_by("pk").first()
    assert gone is not None
    gone.delete()
    change(gone.duplicate_kind, gone.duplicate_id)
    scan = scan_now(kind=ScanKind.MANUAL, now=NOW + timedelta(minutes=2))
    assert ended_well(scan), scan.error
    assert set(found()) == set(Discovery)
    assert Pair.objects.likely().filter(key=gone.key).exists()


def test_a_realtime_run_finds_all_six_kinds_among_what_has_just_changed(
    small_acme: Tenant,
) -> None:
    scan_now(kind=ScanKind.FULL, now=NOW + timedelta(minutes=3))
    before = found()
    forget_what_was_found()
    changed = {discovery: min(records) for discovery, records in before.items()}
    for record_kind, record_id in changed.values():
        change(record_kind, record_id)
    scan = look_around(ScanKind.REALTIME, now=NOW + timedelta(minutes=4))
    assert ended_well(scan)
    assert {discovery for discovery, record in changed.items() if record in found()[discovery]} == (
        set(Discovery)
    )


def change(record_kind: str, record_id: int) -> None:
    """Somebody enters something about a record, which the database's triggers note."""
    model: type[Record] = MODELS[record_kind]
    row = model._default_manager.get(pk=record_id)
    row.attributes = {**row.attributes, "visited": "yes"}
    row.save()
