"""Scans of some records: what they look at, that they leave the rest alone, and that they can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.models import Lead
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.duplicates.enums import PairState, Subject
from apps.duplicates.models import MatchRun, Pair
from apps.duplicates.tests.pairs import make_pair
from apps.tenants.context import begin_request
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.tests.watching import probing
from apps.triggers import ledger, services
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.estimates import plan_scan
from apps.triggers.exceptions import (
    EmptyScopeError,
    ScanEndedError,
    ScanPermissionError,
    ScopeTooLargeError,
)
from apps.triggers.ledger import cancel_scan, request_scan
from apps.triggers.models import Scan, Signal, TriggerSetting, TriggerState
from apps.triggers.scopes import ScanScope, scope_of_list, scope_of_records
from apps.triggers.services import run_scan, scan_now
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)
Firing = set[tuple[str, str, int]]


def quiet_lead(**values: Any) -> Lead:
    lead: Lead = LeadFactory(created_at=LONG_AGO, **values)
    return lead


def scan(*leads: Lead) -> Scan:
    scope = ScanScope(RecordKind.LEAD, tuple(lead.pk for lead in leads)) if leads else None
    return scan_now(kind=ScanKind.MANUAL, now=NOW, scope=scope)


def firing() -> Firing:
    rows = Signal.objects.firing().values_list("trigger", "record_kind", "record_id")
    return set(rows)


def test_only_the_records_of_the_scope_fire(acme: Tenant) -> None:
    first, _ = quiet_lead(), quiet_lead()
    ledger_row = scan(first)
    assert firing() == {("lead_inactive", "lead", first.pk)}
    assert (ledger_row.status, ledger_row.scope_label) == (ScanStatus.SUCCEEDED, "1 lead")


def test_only_signals_of_the_scope_are_cleared_and_refreshed(acme: Tenant) -> None:
    first, second = quiet_lead(), quiet_lead()
    scan()
    for lead in (first, second):
        TaskFactory(lead=lead, due_on=(NOW + timedelta(days=3)).date())
    scan(first)
    assert firing() == {("lead_inactive", "lead", second.pk)}


def test_what_hangs_on_the_records_is_looked_at_with_them(acme: Tenant) -> None:
    lead, other = LeadFactory(), LeadFactory()
    tasks = [TaskFactory(lead=each, due_on=LONG_AGO.date()) for each in (lead, other)]
    scan(lead)
    assert firing() == {("task_overdue", "task", tasks[0].pk)}


def test_a_scan_of_some_records_finds_what_one_of_everything_finds_there(cast: Cast) -> None:
    leads: list[Lead] = [
        quiet_lead(),
        LeadFactory(status="new", created_at=NOW - timedelta(hours=3)),
    ]
    for lead in leads:
        ActivityFactory(
            lead=lead,
            activity_kind="email",
            direction="inbound",
            occurred_at=NOW - timedelta(days=4),
        )
    TaskFactory(lead=leads[0], due_on=LONG_AGO.date())
    deal = OpportunityFactory(expected_close_on=(NOW - timedelta(days=9)).date())
    for lead in leads:
        scan(lead)
    of_leads = firing()
    assert ("deal_close_date_past", "opportunity", deal.pk) not in of_leads
    scope = ScanScope(RecordKind.OPPORTUNITY, (deal.pk,))
    scan_now(kind=ScanKind.MANUAL, now=NOW, scope=scope)
    in_parts = firing()
    Signal.objects.all().delete()
    scan()
    assert firing() == in_parts
    assert len(of_leads) >= 3


def test_a_trigger_that_is_off_is_cleared_within_the_scope_alone(acme: Tenant) -> None:
    first, second = quiet_lead(), quiet_lead()
    scan()
    TriggerSetting.objects.create(trigger="lead_inactive", is_enabled=False)
    scan(first)
    assert firing() == {("lead_inactive", "lead", second.pk)}


def test_how_far_the_triggers_have_looked_stays_as_it_was(acme: Tenant) -> None:
    lead = quiet_lead()
    scan(lead)
    assert not TriggerState.objects.exists()


def test_the_triggers_of_other_kinds_do_not_run(acme: Tenant) -> None:
    ran = {result.trigger for result in scan(quiet_lead()).results.all()}
    assert {"lead_inactive", "task_overdue", "followup_missing"} <= ran
    assert not {"deal_stalled", "account_silent", "engagement_shift"} & ran


def test_a_pair_is_found_from_either_of_its_records(acme: Tenant) -> None:
    kept, other, contact = quiet_lead(), quiet_lead(), ContactFactory()
    make_pair(kept, other)
    make_pair(contact, other)
    make_pair(quiet_lead(), quiet_lead())
    scan(other)
    # At those who would survive; nothing else is asked about them.
    pairs = {("lead_duplicate", "lead", kept.pk), ("contact_duplicate", "contact", contact.pk)}
    assert firing() == {("lead_inactive", "lead", other.pk)} | pairs
    Pair.objects.update(state=PairState.NOT_DUPLICATE)
    scan(other)
    assert firing() == {("lead_inactive", "lead", other.pk)}


def test_the_scope_of_a_list_is_what_the_person_sees_in_it(cast: Cast) -> None:
    working = quiet_lead(owner=cast.rep, status="working")
    quiet_lead(owner=cast.rep, status="unqualified")
    quiet_lead(owner=cast.outsider, status="working")
    scope = scope_of_list(cast.rep, RecordKind.LEAD, "status=working&sort=-name", "Mine")
    assert scope == ScanScope(RecordKind.LEAD, (working.pk,), "Mine")
    assert scope_of_list(cast.rep, RecordKind.LEAD, "page=7").record_ids == (working.pk,)


def test_records_that_one_may_not_see_are_no_scope(cast: Cast) -> None:
    hidden = quiet_lead(owner=cast.outsider)
    with pytest.raises(EmptyScopeError):
        scope_of_records(cast.rep, RecordKind.LEAD, [hidden.pk])
    with pytest.raises(EmptyScopeError):
        scope_of_records(cast.manager, RecordKind.TASK, [TaskFactory().pk])


def test_too_many_records_are_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.triggers.scopes.MOST_RECORDS", 1)
    quiet_lead(), quiet_lead()
    with pytest.raises(ScopeTooLargeError, match="more than 1 records"):
        scope_of_list(cast.manager, RecordKind.LEAD, "")


def test_the_same_scope_is_joined_while_it_waits_and_no_other(cast: Cast) -> None:
    one, two = (ScanScope(RecordKind.LEAD, (quiet_lead().pk,)) for _ in range(2))
    first = request_scan(user=cast.rep, now=NOW, scope=one)
    assert request_scan(user=cast.manager, now=NOW, scope=one) == first
    assert request_scan(user=cast.rep, now=NOW, scope=two) != first
    assert request_scan(user=cast.rep, now=NOW) != first


def test_one_that_waits_is_stopped_at_once(cast: Cast) -> None:
    quiet_lead()
    waiting = request_scan(user=cast.rep, now=NOW)
    cancel_scan(waiting, user=cast.rep, now=NOW)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.finished_at) == (ScanStatus.CANCELLED, NOW)
    run_scan(waiting, now=NOW)
    assert firing() == set()
    with pytest.raises(ScanEndedError):
        cancel_scan(waiting, user=cast.rep, now=NOW)


def test_one_that_runs_stops_after_the_trigger_at_hand_and_is_followed_later(cast: Cast) -> None:
    lead = quiet_lead()
    running = request_scan(user=cast.rep, now=NOW, triggers=["lead_inactive", "task_overdue"])
    mine = Scan.objects.filter(pk=running.pk)
    with probing(services._run_trigger, lambda: mine.update(is_cancel_requested=True)):
        run_scan(running, now=NOW)
    running.refresh_from_db()
    assert running.status == ScanStatus.CANCELLED
    assert [result.trigger for result in running.results.all()] == ["lead_inactive"]
    assert firing() == {("lead_inactive", "lead", lead.pk)}
    assert running.awaits_pipeline is True
    assert running in Scan.objects.awaiting_pipeline()


def test_who_may_stop_a_scan(cast: Cast) -> None:
    theirs = request_scan(user=cast.teammate, now=NOW)
    with pytest.raises(ScanPermissionError):
        cancel_scan(theirs, user=cast.rep, now=NOW)
    daily = Scan.objects.create(kind=ScanKind.FULL, requested_by=None)
    with pytest.raises(ScanPermissionError):
        cancel_scan(daily, user=cast.admin, now=NOW)
    cancel_scan(theirs, user=cast.manager, now=NOW)


def test_the_plan_tells_records_and_seconds(acme: Tenant) -> None:
    lead = quiet_lead()
    quiet_lead()
    scope = ScanScope(RecordKind.LEAD, (lead.pk,))
    assert (plan_scan(acme, NOW).records, plan_scan(acme, NOW).seconds) == (2, None)
    Scan.objects.create(
        kind=ScanKind.FULL,
        status=ScanStatus.SUCCEEDED,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=30),
    )
    assert plan_scan(acme, NOW).seconds == 30
    of_one = plan_scan(acme, NOW, scope)
    assert (of_one.records, of_one.seconds, of_one.cost) == (1, 15, None)
    Scan.objects.create(
        kind=ScanKind.MANUAL,
        status=ScanStatus.SUCCEEDED,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=2),
        scope_kind=RecordKind.LEAD,
        scope_ids=[lead.pk],
    )
    assert plan_scan(acme, NOW, scope).seconds == 2
    assert plan_scan(acme, NOW).seconds == 30


def test_from_the_page_of_a_record_to_a_scan_of_it(cast: Cast, client_for: ClientFor) -> None:
    lead, client = quiet_lead(owner=cast.rep, last_name="Winter"), client_for(cast.rep)
    address = f"/scans/new/?record_kind=lead&record_id={lead.pk}"
    page = client.get(f"/leads/{lead.pk}/").content.decode()
    assert f'href="{address.replace("&", "&amp;")}"' in page
    asked = client.get(address).content.decode()
    assert "Scan Lee Winter" in asked
    answer = client.post("/scans/start/", {"record_kind": "lead", "record_id": lead.pk})
    made = Scan.objects.get()
    assert answer["Location"] == f"/scans/{made.pk}/"
    assert (made.scope_kind, made.scope_ids, made.requested_by) == ("lead", [lead.pk], cast.rep)
    assert "Stop" in client.get(f"/scans/{made.pk}/").content.decode()
    assert client.post(f"/scans/{made.pk}/stop/").status_code == 302
    made.refresh_from_db()
    assert made.status == ScanStatus.CANCELLED


def test_from_a_list_to_a_scan_of_what_it_shows(cast: Cast, client_for: ClientFor) -> None:
    lead, client = quiet_lead(owner=cast.rep, status="working"), client_for(cast.rep)
    page = client.get("/leads/?status=working&page=1").content.decode()
    query = "record_kind=lead&query=status%3Dworking"
    assert f'href="/scans/new/?{query.replace("&", "&amp;")}"' in page
    asked = client.get(f"/scans/new/?{query}&name=Busy").content.decode()
    assert "Scan 1 lead of “Busy”" in asked
    body = {"record_kind": "lead", "query": "status=working", "name": "Busy"}
    client.post("/scans/start/", body)
    made = Scan.objects.get()
    assert (made.scope_ids, made.scope_label) == ([lead.pk], "1 lead of “Busy”")
    assert "1 lead of “Busy”" in client.get("/scans/").content.decode()


@pytest.mark.parametrize(
    "query", ["record_kind=lead&record_id=99", "record_kind=task&record_id=1", "record_kind=x"]
)
def test_what_cannot_be_scanned_is_not_found(cast: Cast, client_for: ClientFor, query: str) -> None:
    assert client_for(cast.rep).get(f"/scans/new/?{query}").status_code == 404


def test_a_view_that_lists_nothing_says_so(cast: Cast, client_for: ClientFor) -> None:
    body = {"record_kind": "lead", "query": "status=working", "name": "Busy"}
    client = client_for(cast.rep)
    for answer in (
        client.get("/scans/new/", body, follow=True),
        client.post("/scans/start/", body, follow=True),
    ):
        assert answer.redirect_chain == [("/leads/?status=working", 302)]
        (said,) = answer.context["messages"]
        assert str(said) == "“Busy” shows no record at present: nothing was scanned."
    assert not Scan.objects.exists()


def test_in_the_api(cast: Cast, api_for: ApiFor) -> None:
    mine, hidden = quiet_lead(owner=cast.rep), quiet_lead(owner=cast.outsider)
    api = api_for(cast.rep)
    body = {"record_kind": "lead", "record_ids": [mine.pk, hidden.pk]}
    answer = api.send("POST", "/api/v1/scans/", body)
    assert answer.status_code == 202
    made = answer.json()
    assert (made["scope_kind"], made["scope_count"], made["records"]) == ("lead", 1, 1)
    assert (made["seconds"], made["estimate"]) == (None, None)
    assert Scan.objects.get().scope_ids == [mine.pk]
    stopped = api.send("POST", f"/api/v1/scans/{made['id']}/cancel/")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")
    assert api.send("POST", f"/api/v1/scans/{made['id']}/cancel/").status_code == 409
    for wrong in ({"record_kind": "lead"}, {"record_ids": [1]}, {"record_kind": "task"}):
        assert api.send("POST", "/api/v1/scans/", wrong).status_code == 400
    none = {"record_kind": "lead", "record_ids": [hidden.pk]}
    assert api.send("POST", "/api/v1/scans/", none).status_code == 400


def test_on_the_command_line(acme: Tenant) -> None:
    lead, _ = quiet_lead(), quiet_lead()
    out = StringIO()
    call_command("scan", tenant="acme", record=[f"lead:{lead.pk}"], stdout=out)
    assert firing() == {("lead_inactive", "lead", lead.pk)}
    for wrong in ([f"lead:{lead.pk}", "contact:1"], ["task:1"], ["lead"], ["lead:x"]):
        with pytest.raises(CommandError, match="Name records of one kind"):
            call_command("scan", tenant="acme", record=wrong, stdout=out)


def test_a_scan_of_nothing_there_ends_well(acme: Tenant) -> None:
    row = scan_now(
        kind=ScanKind.MANUAL, now=NOW, scope=ScanScope(RecordKind.CONTACT, (ContactFactory().pk,))
    )
    assert row.status == ScanStatus.SUCCEEDED
    assert AuditEntry.objects.filter(event="scan.finished").count() == 1
    assert ledger.close_lost_scans(NOW) == 0


def test_a_manual_scan_compares_for_duplicates_first(acme: Tenant) -> None:
    scan(quiet_lead())
    asked = {run.subject for run in MatchRun.objects.all()}
    assert asked == set(Subject)
    MatchRun.objects.all().delete()
    ModuleGate.objects.filter(tenant=acme, module=Module.DUPLICATES).update(is_on=False)
    begin_request()
    scan(quiet_lead())
    scan_now(kind=ScanKind.FULL, now=NOW)
    assert not MatchRun.objects.exists()
