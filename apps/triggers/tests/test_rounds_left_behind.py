"""A trigger that is off, broken or slow holds up no other, and no tenant another."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.crm.tests.factories import ActivityFactory, LeadFactory
from apps.suggestions.models import Suggestion
from apps.tenants.connections import tenant_connection
from apps.tenants.locks import holding
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import background
from apps.triggers import changes, crossings, followers, looks
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.ledger import close_lost_scans
from apps.triggers.locks import FOLLOW, ROUND, WAITING
from apps.triggers.models import Scan, Signal, TriggerSetting
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters
from apps.triggers.rules import registry
from apps.triggers.services import look_around
from apps.triggers.tests.test_raising_trigger import KEY, Raising, raising  # noqa: F401
from apps.triggers.tests.test_rounds import NOW, around, full, in_another_session, quiet_lead


def test_one_that_is_off_keeps_no_round_busy(committed_tenant: Tenant) -> None:
    lead = quiet_lead()
    full()
    TriggerSetting.objects.create(trigger="task_overdue", is_enabled=False)
    around()
    ActivityFactory(lead=lead, occurred_at=NOW + timedelta(minutes=90))
    hours = [NOW + timedelta(hours=hour) for hour in range(10)]
    busy = [around(hour) is not None for hour in hours]
    # The activity itself, and then the hour in which it takes place; nothing afterwards but a new day, on
    # which what counts by days looks at everything.
    new_days = {place for place in range(1, 10) if hours[place].date() != hours[place - 1].date()}
    assert busy == [place in {0, 2} | new_days for place in range(10)]


def test_parameters_that_do_not_fit_are_told_once_a_day(committed_tenant: Tenant) -> None:
    # Not about midnight, when a new day begins.
    ten = timezone.localtime(NOW).replace(hour=10)
    full(ten)
    TriggerSetting.objects.create(trigger="task_overdue", parameters={"grace_days": 1000})
    rounds = [around(ten + timedelta(minutes=5 * n)) for n in range(1, 5)]
    told = rounds[0]
    assert told is not None
    assert (told.status, told.error) == (
        ScanStatus.FAILED, "task_overdue: InvalidParametersError",
    )  # fmt: skip
    assert rounds[1:] == [None, None, None]
    again = around(ten + timedelta(days=1, minutes=6))
    assert again is not None
    assert again.error == "task_overdue: InvalidParametersError"


def test_one_that_raises_does_not_make_the_others_look_at_everything(
    raising: Raising,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (changes, looks):
        monkeypatch.setattr(module, "MOST_CHANGES", 5)
    raising.fault = "query"
    LeadFactory.create_batch(8, status="converted")
    looked = []
    for n in range(1, 4):
        LeadFactory(status="converted")
        scan = around(NOW + timedelta(minutes=5 * n))
        assert scan is not None
        looked.append(KEY in scan.triggers and "deal_stalled" not in scan.triggers)
    # Too much had changed for all of them; after that for the one that could not look.
    assert looked == [False, True, True]


def test_what_nobody_could_look_at_for_days_is_looked_at_in_full(committed_tenant: Tenant) -> None:
    full()
    lead = quiet_lead()
    scan = around(NOW + timedelta(days=3))
    assert scan is not None
    assert "contact_unresponsive" in scan.triggers
    assert Signal.objects.firing().filter(trigger="lead_inactive", record_id=lead.pk).exists()


class Waiting(Raising):
    """The first of all triggers; once it is told to, it holds up the full scan until it may go on."""

    key = "a_waiting"
    label = "Waiting"

    def __init__(self) -> None:
        self.waits, self.has_arrived, self.may_go = False, threading.Event(), threading.Event()

    def matching(self, moment: ScanMoment, parameters: Parameters) -> QuerySet[Any]:
        if self.waits:
            self.has_arrived.set()
            assert self.may_go.wait(20)
        return super().matching(moment, parameters)


def test_a_full_scan_that_began_before_a_round_undoes_nothing(committed_tenant: Tenant) -> None:
    trigger = Waiting()
    registry.register(trigger)
    try:
        full()
        lead = quiet_lead(created_at=NOW - timedelta(days=14) + timedelta(seconds=10))
        trigger.waits = True
        # As long as some transaction is open, the round's cursor stands where the scan found it.
        with in_another_session(LeadFactory), background(committed_tenant) as start:
            scan = start(full)
            assert trigger.has_arrived.wait(20)
            later = NOW + timedelta(seconds=20)
            around(later)
            assert Signal.objects.get(record_id=lead.pk).fired_at == later
            trigger.may_go.set()
        assert scan.result().status == ScanStatus.SUCCEEDED
        signal = Signal.objects.get(record_id=lead.pk)
        assert (signal.fired_at, signal.cleared_at) == (later, None)
    finally:
        trigger.may_go.set()
        del registry._triggers[trigger.key]
        crossings._compiled.clear()


def test_while_one_round_waits_no_other_does(committed_tenant: Tenant) -> None:
    full()
    LeadFactory()
    with _held_elsewhere(committed_tenant, ROUND, WAITING):
        assert look_around(ScanKind.REALTIME, now=NOW) is None
    assert not Scan.objects.filter(kind=ScanKind.REALTIME).exists()
    assert look_around(ScanKind.REALTIME, now=NOW) is not None


def test_a_round_leaves_the_pipeline_to_who_runs_it_and_the_next_makes_up(
    committed_tenant: Tenant,
) -> None:
    full()
    quiet_lead()
    with _held_elsewhere(committed_tenant, FOLLOW):
        scan = around()
        assert scan is not None
        assert (scan.status, scan.awaits_pipeline) == (ScanStatus.SUCCEEDED, True)
        assert Suggestion.objects.count() == 0
    again = around(NOW + timedelta(minutes=5))
    assert again is not None
    assert Suggestion.objects.count() == 1
    assert not Scan.objects.filter(awaits_pipeline=True).exists()
    assert around(NOW + timedelta(minutes=10)) is None


def test_who_runs_the_pipeline_does_it_again_for_what_was_left(committed_tenant: Tenant) -> None:
    full()
    quiet_lead()
    Scan.objects.create(
        kind=ScanKind.REALTIME, status=ScanStatus.SUCCEEDED, awaits_pipeline=True, queued_at=NOW
    )
    scan = full(NOW + timedelta(seconds=1))
    assert (scan.status, scan.awaits_pipeline) == (ScanStatus.SUCCEEDED, False)
    assert not Scan.objects.filter(awaits_pipeline=True).exists()


def test_a_round_that_makes_suggestions_is_not_lost(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    full()
    quiet_lead()
    seen: list[tuple[int, str]] = []

    def look_for_lost(scan: Scan, moment: ScanMoment) -> None:
        def close() -> tuple[int, str]:
            return close_lost_scans(timezone.now()), Scan.objects.get(pk=scan.pk).status

        with background(committed_tenant) as start:
            seen.append(start(close).result())

    # Beside those that follow anyway; afterwards it is forgotten.
    monkeypatch.setattr(followers, "_followers", [*followers._followers])
    followers.register_follower("Looking for lost scans", look_for_lost)
    assert around() is not None
    assert seen == [(0, ScanStatus.RUNNING)]


class _held_elsewhere:  # noqa: N801 - reads as a function
    """Hold locks of the tenant in another session for the block."""

    def __init__(self, tenant: Tenant, *names: str) -> None:
        self.tenant = tenant
        self.names = names
        self.may_end, self.holds = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        tenant_connection().set_tenant(self.tenant)
        try:
            with holding(self.names[0]), holding(self.names[-1]):
                self.holds.set()
                assert self.may_end.wait(30)
        finally:
            connection.close()

    def __enter__(self) -> None:
        self.thread.start()
        assert self.holds.wait(20)

    def __exit__(self, *_: object) -> None:
        self.may_end.set()
        self.thread.join()
