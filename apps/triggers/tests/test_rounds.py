"""Incremental scans: what changed, what came due, and nothing else. Rows are committed here, because the
change log is followed by transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.conftest import owner_connection
from apps.crm.enums import RecordKind
from apps.crm.models import ChangeLog, Lead
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.crm.tests.importing.files import import_text
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.locks import holding
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.tests.refusals import refusing
from apps.triggers import changes
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.ledger import close_lost_scans
from apps.triggers.locks import ROUND
from apps.triggers.models import ReadingCursor, Scan, Signal, TriggerSetting, TriggerState
from apps.triggers.reading.services import read_activities
from apps.triggers.rules import registry
from apps.triggers.services import look_around, scan_now

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)
KEY = "lead_inactive"


def full(now: datetime = NOW) -> Scan:
    return scan_now(kind=ScanKind.FULL, now=now)


def around(now: datetime = NOW) -> Scan | None:
    return look_around(ScanKind.INCREMENTAL, now=now)


def results(scan: Scan | None) -> dict[str, tuple[int, int, int, int]]:
    assert scan is not None
    return {
        row.trigger: (row.matched, row.fired, row.refreshed, row.cleared)
        for row in scan.results.all()
    }


def quiet_lead(**fields: Any) -> Lead:
    lead: Lead = LeadFactory(**{"created_at": LONG_AGO, **fields})
    return lead


@contextmanager
def in_another_session(work: Callable[[], object]) -> Iterator[threading.Event]:
    """Run ``work`` in a transaction of another session, which commits when the event is set."""
    may_commit, has_worked = threading.Event(), threading.Event()
    tenant = Tenant.objects.get(schema_name=tenant_connection().schema_name)

    def run() -> None:
        tenant_connection().set_tenant(tenant)
        try:
            with transaction.atomic():
                work()
                has_worked.set()
                assert may_commit.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert has_worked.wait(20)
    try:
        yield may_commit
    finally:
        may_commit.set()
        thread.join()


def test_the_first_round_looks_at_everything_and_the_next_at_nothing(
    committed_tenant: Tenant,
) -> None:
    quiet_lead()
    first = around()
    assert first is not None
    assert set(first.triggers) == {trigger.key for trigger in registry.all()}
    assert results(first)[KEY] == (1, 1, 0, 0)
    assert around(NOW + timedelta(seconds=1)) is None
    assert Scan.objects.count() == 1
    assert set(TriggerState.objects.values_list("looked_at", flat=True)) == {
        NOW + timedelta(seconds=1)
    }


def test_only_changed_records_are_looked_at(committed_tenant: Tenant) -> None:
    first, second = quiet_lead(), quiet_lead()
    full()
    # The log does not tell of this one: whoever looks at everything finds it, a round does not.
    Signal.objects.filter(record_id=second.pk).delete()
    Lead.objects.filter(pk=first.pk).update(company="Lead Works II")
    scan = around()
    assert scan is not None
    assert (scan.kind, scan.status) == ("incremental", "succeeded")
    assert results(scan)[KEY] == (1, 0, 1, 0)


def test_after_an_import_of_deals_their_days_in_the_stage_are_counted_anew(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    text = "id,name,stage,Last Stage Change Date\n1,A,Proposal,{:%Y-%m-%d}\n"
    import_text(tmp_path, RecordKind.OPPORTUNITY, text.format(NOW - timedelta(days=1)))
    full()
    traces = ChangeLog.objects.count()
    import_text(tmp_path, RecordKind.OPPORTUNITY, text.format(NOW - timedelta(days=200)))
    # The stage is the same: the change log tells nothing.
    assert ChangeLog.objects.count() == traces
    assert results(around()) == {"account_silent": (0, 0, 0, 0), "deal_stalled": (1, 1, 0, 0)}
    import_text(tmp_path, RecordKind.LEAD, "id,last name,company\n1,Lund,Lead Works\n")
    assert "deal_stalled" not in results(around())


def test_a_change_of_what_hangs_on_the_record_counts(committed_tenant: Tenant) -> None:
    lead = quiet_lead()
    full()
    task = TaskFactory(lead=lead, due_on=None)
    assert results(around())[KEY] == (0, 0, 0, 1)
    task.lead = None
    task.save()
    assert results(around())[KEY] == (1, 1, 0, 0)
    activity = ActivityFactory(lead=lead, occurred_at=NOW - timedelta(days=1))
    assert results(around())[KEY] == (0, 0, 0, 1)
    activity.delete()
    assert results(around())[KEY] == (1, 1, 0, 0)


def test_of_a_row_that_only_leads_on_coming_and_going_counts(committed_tenant: Tenant) -> None:
    deal = OpportunityFactory(account=AccountFactory())
    other = AccountFactory()
    full()
    leading_on = {"account_at_risk", "account_engagement_shift"}
    deal.next_step = "Ask again"
    deal.save()
    assert leading_on.isdisjoint(results(around()))
    deal.account = other
    deal.save()
    assert leading_on <= set(results(around()))
    deal.delete()
    assert leading_on <= set(results(around()))


def test_what_comes_due_by_the_clock_fires_at_its_time(committed_tenant: Tenant) -> None:
    # At midnight other things come due.
    ten = timezone.localtime(NOW).replace(hour=10)
    quiet_lead(created_at=ten - timedelta(days=13, hours=23))
    full(ten)
    assert around(ten + timedelta(minutes=59)) is None
    assert results(around(ten + timedelta(minutes=60))) == {KEY: (1, 1, 0, 0)}
    # The edge belongs to both spans that meet at it.
    assert results(around(ten + timedelta(minutes=61))) == {KEY: (1, 0, 0, 0)}
    assert around(ten + timedelta(minutes=62)) is None


def test_a_clock_that_was_set_back_takes_it_back(committed_tenant: Tenant) -> None:
    # Shortly after midnight the hour before is another day, for which others look at everything.
    ten = timezone.localtime(NOW).replace(hour=10)
    quiet_lead(created_at=ten - timedelta(days=14))
    assert results(full(ten))[KEY] == (1, 1, 0, 0)
    assert results(around(ten - timedelta(hours=1))) == {KEY: (0, 0, 0, 1)}
    assert results(around(ten)) == {KEY: (1, 1, 0, 0)}


def test_an_appointment_counts_from_its_own_time(committed_tenant: Tenant) -> None:
    lead = quiet_lead()
    ActivityFactory(lead=lead, occurred_at=NOW + timedelta(hours=2))
    assert results(full())[KEY] == (1, 1, 0, 0)
    around(NOW + timedelta(hours=1))
    assert Signal.objects.firing().filter(trigger=KEY).count() == 1
    assert results(around(NOW + timedelta(hours=2)))[KEY] == (0, 0, 0, 1)
    lead.refresh_from_db()
    assert lead.last_activity_at == NOW + timedelta(hours=2)


def test_an_appointment_counts_though_nobody_looked_for_weeks(committed_tenant: Tenant) -> None:
    lead = quiet_lead()
    ActivityFactory(lead=lead, occurred_at=NOW + timedelta(days=2))
    full()
    around(NOW + timedelta(days=40))
    lead.refresh_from_db()
    assert lead.last_activity_at == NOW + timedelta(days=2)


def test_an_appointment_that_was_committed_late_counts_from_the_daily_scan_on(
    committed_tenant: Tenant,
) -> None:
    full()
    lead = quiet_lead()
    at = NOW + timedelta(minutes=30)
    with in_another_session(lambda: ActivityFactory(lead=lead, occurred_at=at)):
        around(NOW + timedelta(hours=1))
    around(NOW + timedelta(hours=2))
    full(NOW + timedelta(hours=12))
    lead.refresh_from_db()
    assert lead.last_activity_at == at


def test_a_slow_transaction_is_read_late_and_not_lost(committed_tenant: Tenant) -> None:
    full()
    with in_another_session(quiet_lead) as may_commit:
        # A later one commits first.
        early = quiet_lead()
        assert results(around())[KEY] == (1, 1, 0, 0)
        assert around() is None or Signal.objects.firing().count() == 1
        may_commit.set()
    assert results(around())[KEY] == (2, 1, 0, 0)
    assert Signal.objects.firing().exclude(record_id=early.pk).count() == 1


def test_a_look_that_fails_leaves_the_cursor_and_is_made_up_for(committed_tenant: Tenant) -> None:
    full()
    before = TriggerState.objects.get(trigger=KEY)
    quiet_lead()
    with refusing(committed_tenant, "triggers_signal", unless=f"trigger <> '{KEY}'"):
        scan = around()
    assert scan is not None
    assert (scan.status, scan.error) == (ScanStatus.FAILED, f"{KEY}: IntegrityError")
    after = TriggerState.objects.get(trigger=KEY)
    assert (after.cursor, after.looked_at) == (before.cursor, before.looked_at)
    assert results(around())[KEY] == (1, 1, 0, 0)


def test_a_pipeline_that_failed_is_made_up_for_without_another_change(
    committed_tenant: Tenant,
) -> None:
    full()
    quiet_lead()
    with refusing(committed_tenant, "suggestions_suggestion"):
        scan = around()
    assert scan is not None
    assert (scan.status, scan.suggestions_created) == (ScanStatus.FAILED, 0)
    again = around()
    assert again is not None
    assert (again.status, again.suggestions_created) == (ScanStatus.SUCCEEDED, 1)
    assert around() is None


@pytest.mark.parametrize("what", ["parameters", "holidays", "restored"])
def test_what_concerns_everything_calls_for_a_full_look(
    committed_tenant: Tenant, what: str
) -> None:
    lead = quiet_lead(created_at=NOW - timedelta(days=10))
    full()
    if what == "parameters":
        TriggerSetting.objects.create(trigger=KEY, parameters={"silent_days": 9})
        assert results(around()) == {KEY: (1, 1, 0, 0)}
        return
    # Nothing that the log tells of: only who looks at everything finds it.
    TriggerSetting.objects.create(trigger=KEY, parameters={"silent_days": 14})
    Signal.objects.create(
        trigger=KEY, goal="revive_lead", record_kind="lead", record_id=lead.pk, severity=2
    )
    if what == "holidays":
        committed_tenant.holidays = [NOW.date()]
        committed_tenant.save(update_fields=["holidays"])
    else:
        # A cursor from a database that had got further than this one.
        TriggerState.objects.filter(trigger=KEY).update(cursor=2**40)
    assert results(around())[KEY] == (0, 0, 0, 1)


def test_what_came_with_a_restored_database_is_no_change(committed_tenant: Tenant) -> None:
    lead = quiet_lead()
    # At no trigger's edge, where every round looks.
    ActivityFactory(lead=lead, occurred_at=LONG_AGO + timedelta(hours=1))
    full()
    with owner_connection():
        tenant_connection().set_tenant(committed_tenant)
        # Written in a cluster that had come further than this one.
        ChangeLog.objects.update(transaction_id=F("transaction_id") + 2**40)
    tenant_connection().set_tenant(committed_tenant)
    assert around() is None
    assert read_activities(NOW, committed_tenant.zone) == 0
    Lead.objects.filter(pk=lead.pk).update(company="Lead Works II")
    assert results(around())[KEY] == (1, 0, 1, 0)


def test_past_so_many_changes_everything_is_looked_at(committed_tenant: Tenant) -> None:
    full()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO crm_lead
                (created_at, last_name, status, first_name, company, title, email, phone, lead_source,
                 currency, do_not_contact, notes, source, external_id, attributes)
            SELECT %s, 'Lead ' || n, 'working', '', '', '', '', '', '', '', false, '', '', '', '{}'
            FROM generate_series(1, %s) n
            """,
            [LONG_AGO, changes.MOST_CHANGES + 1],
        )
    scan = around()
    assert scan is not None
    assert set(scan.triggers) == {trigger.key for trigger in registry.all()}
    assert results(scan)[KEY] == (changes.MOST_CHANGES + 1, changes.MOST_CHANGES + 1, 0, 0)
    fully = TriggerState.objects.get(trigger=KEY)
    assert fully.looked_fully_at == NOW


def test_a_trigger_that_is_switched_off_clears_once(committed_tenant: Tenant) -> None:
    quiet_lead()
    full()
    setting = TriggerSetting.objects.create(trigger=KEY, is_enabled=False)
    assert results(around()) == {KEY: (0, 0, 0, 1)}
    assert around() is None
    setting.is_enabled = True
    setting.save()
    assert results(around()) == {KEY: (1, 1, 0, 0)}


def test_parameters_that_make_no_sense_stop_no_other_trigger(committed_tenant: Tenant) -> None:
    full()
    TriggerSetting.objects.create(trigger=KEY, parameters={"silent_days": "many"})
    quiet_lead()
    TaskFactory(due_on=LONG_AGO.date())
    scan = around()
    assert scan is not None
    assert (scan.status, scan.error) == (ScanStatus.FAILED, f"{KEY}: InvalidParametersError")
    assert results(scan)["task_overdue"] == (1, 1, 0, 0)


def test_a_round_beside_another_is_skipped_and_says_so(committed_tenant: Tenant) -> None:
    full()
    quiet_lead()

    def hold(held: threading.Event, let_go: threading.Event) -> None:
        tenant_connection().set_tenant(committed_tenant)
        try:
            with holding(ROUND) as is_ours:
                assert is_ours
                held.set()
                assert let_go.wait(20)
        finally:
            connection.close()

    held, let_go = threading.Event(), threading.Event()
    other = threading.Thread(target=hold, args=[held, let_go])
    other.start()
    assert held.wait(20)
    skipped = around()
    assert skipped is not None
    assert (skipped.status, skipped.error) == ("skipped", "Another scan was running.")
    # One that was woken by a change waits instead: the other may have begun before the change.
    threading.Timer(0.3, let_go.set).start()
    woken = look_around(ScanKind.REALTIME, now=NOW)
    other.join()
    assert woken is not None
    assert (woken.kind, woken.status, results(woken)[KEY]) == (
        "realtime",
        "succeeded",
        (1, 1, 0, 0),
    )


@pytest.mark.parametrize("how", ["tenant off", "gate off"])
def test_nothing_is_looked_at_where_nothing_may_be(committed_tenant: Tenant, how: str) -> None:
    quiet_lead()
    if how == "tenant off":
        Tenant.objects.filter(pk=committed_tenant.pk).update(is_enabled=False)
    else:
        ModuleGate.objects.filter(tenant=committed_tenant, module=Module.TRIGGERS).update(
            is_on=False
        )
    assert around() is None
    assert (Scan.objects.count(), Signal.objects.count()) == (0, 0)


def test_the_database_goes_away_in_the_middle(committed_tenant: Tenant) -> None:
    """A restart ends every session: one trigger fails, the others go on in a new one, nothing is lost."""
    quiet_lead()
    TaskFactory(due_on=LONG_AGO.date())
    other = connection.copy()

    def end_session(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO triggers_signal" in sql and KEY in (params or ()):
            pid = connection.connection.info.backend_pid
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(end_session):
            scan = full()
    finally:
        other.close()
    assert (scan.status, scan.error) == (ScanStatus.FAILED, f"{KEY}: OperationalError")
    assert results(scan)["task_overdue"] == (1, 1, 0, 0)
    assert tenant_connection().schema_name == committed_tenant.schema_name
    assert results(around())[KEY] == (1, 1, 0, 0)


def test_a_scan_whose_worker_was_killed_is_closed_and_made_up_for(committed_tenant: Tenant) -> None:
    full()
    quiet_lead()
    # As the worker leaves it: a row that runs, and nobody who holds the lock.
    Scan.objects.create(kind=ScanKind.REALTIME, status=ScanStatus.RUNNING, heartbeat_at=NOW)
    assert close_lost_scans(NOW) == 1
    assert results(around())[KEY] == (1, 1, 0, 0)


def test_looks_do_not_wait_for_the_disk_and_the_ledger_does(committed_tenant: Tenant) -> None:
    waiting = "current_setting('synchronous_commit') = '{}'"
    with (
        refusing(committed_tenant, "triggers_signal", unless=waiting.format("off")),
        refusing(committed_tenant, "triggers_scan", unless=waiting.format("on")),
    ):
        quiet_lead()
        assert results(full())[KEY] == (1, 1, 0, 0)
        quiet_lead()
        assert results(around())[KEY] == (1, 1, 0, 0)


def test_an_idle_round_asks_little(
    committed_tenant: Tenant, django_assert_num_queries: Any
) -> None:
    for times in (1, 3):
        for _ in range(times):
            quiet_lead()
        around()
        # What was read is noted every hundred transactions: not in this one.
        ReadingCursor.objects.update(transaction_id=changes.read_horizon().oldest_open)
        with django_assert_num_queries(IDLE_STATEMENTS):
            assert around() is None


IDLE_STATEMENTS = 18
