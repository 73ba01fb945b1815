"""An incremental scan finds what a full one would find, whatever happened in between."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from apps.tenants.models import Tenant
from apps.tenants.services import current_tenant
from apps.triggers import statements
from apps.triggers.detection import Detection, clear_all, detect
from apps.triggers.enums import ScanKind
from apps.triggers.models import TriggerSetting
from apps.triggers.rules import registry
from apps.triggers.services import look_around, moment_at, scan_now
from apps.triggers.tests.random_history import Company
from apps.users.tests.factories import UserFactory


def what_a_full_scan_would_change(now: Any) -> dict[str, Detection]:
    """By trigger, what a full look would fire, refresh or clear; it is taken back."""
    moment = moment_at(current_tenant(), now)
    settings = {row.trigger: row for row in TriggerSetting.objects.all()}
    found = {}
    for trigger in registry.all():
        setting = settings.get(trigger.key)
        with transaction.atomic():
            if setting is not None and not setting.is_enabled:
                found[trigger.key] = clear_all(trigger, moment)
            else:
                parameters = trigger.parse(setting.parameters if setting else {})
                found[trigger.key] = detect(trigger, moment, parameters)
            transaction.set_rollback(True)
    return {
        key: detection
        for key, detection in found.items()
        if detection.fired or detection.refreshed or detection.cleared
    }


def tell(seed: int, steps: int, tenant: Tenant) -> set[str]:
    """Live through a history, looking around at odd moments; return the triggers that ever fired."""
    company = Company(seed, tenant, UserFactory.create_batch(2), timezone.now())
    scan_now(kind=ScanKind.FULL, now=company.now)
    fired: set[str] = set()
    for _ in range(steps):
        for _ in range(company.random.choice([1, 1, 2, 6])):
            company.live()
        scan = look_around(ScanKind.INCREMENTAL, now=company.now)
        if scan is not None:
            assert scan.error == "", company.story
            fired |= {row.trigger for row in scan.results.all() if row.fired}
        assert what_a_full_scan_would_change(company.now) == {}, (seed, company.story)
    return fired


@pytest.mark.parametrize(("seed", "most"), [(1, 5_000), (2, 5_000), (3, 1)])
def test_after_each_round_a_full_scan_would_change_nothing(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch, seed: int, most: int
) -> None:
    # With the statement that is written once for a day, and with that for many records.
    monkeypatch.setattr(statements, "MOST_CANDIDATES", most)
    tell(seed, 40, committed_tenant)


@pytest.mark.soak
def test_long_histories_in_which_every_trigger_fires(committed_tenant: Tenant) -> None:
    fired: set[str] = set()
    for seed in range(100, 120):
        fired |= tell(seed, 60, committed_tenant)
    assert fired == {trigger.key for trigger in registry.all()}
