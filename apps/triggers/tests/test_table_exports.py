"""The tables of triggers, health, scans and replays as CSV files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.crm.tests.test_record_export import rows_of
from apps.tenants.work.enums import WorkStatus
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.models import Scan, TriggerSetting
from apps.triggers.rules import registry
from apps.triggers.services import scan_now
from apps.triggers.tests.replay.test_pages import NOW, answered, curious, firings
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

TRIGGERS, HEALTH, SCANS = "/triggers/export.csv", "/triggers/health/export.csv", "/scans/export.csv"
REPLAYS = "/triggers/lead_inactive/replays/export.csv"
LATE = datetime(2026, 3, 18, 23, 30, tzinfo=UTC)


def silent_lead() -> None:
    LeadFactory(created_at=NOW - timedelta(days=30))


def test_the_triggers(cast: Cast, client_for: ClientFor) -> None:
    silent_lead()
    scan_now(kind=ScanKind.FULL, now=LATE)
    TriggerSetting.objects.create(
        trigger="lead_inactive", is_enabled=False, parameters={"silent_days": 21}
    )
    answer = client_for(cast.rep).get(TRIGGERS)
    assert answer["Content-Disposition"].startswith('attachment; filename="triggers-')
    rows = rows_of(answer)
    assert {row["Trigger"] for row in rows} == {trigger.label for trigger in registry.all()}
    (row,) = [row for row in rows if row["Trigger"] == registry.label("lead_inactive")]
    assert row == {
        "Trigger": "Lead gone quiet",
        "Records": "Leads",
        "State": "Off",
        "Parameters": "Own",
        "Firing now": "0",
        "Urgency": "This week",
        "Goal": "Revive the lead",
        "Suggests": "Create follow-up",
        "Last look": "2026-03-19T00:30+01:00",
    }


def test_the_health(cast: Cast, client_for: ClientFor) -> None:
    silent_lead()
    scan_now(kind=ScanKind.FULL, now=NOW)
    rows = rows_of(client_for(cast.rep).get(HEALTH))
    assert len(rows) == len(registry.all())
    (row,) = [row for row in rows if row["Trigger"] == registry.label("lead_inactive")]
    assert float(row["Last full look (s)"]) == float(row["Average (s)"]) > 0
    told = ("State", "Firing now", "Fired", "Cleared", "Errors")
    assert [row[name] for name in told] == ["On", "1", "1", "0", "0"]


def test_the_scans_as_they_are_narrowed_all_pages_of_them(
    cast: Cast, client_for: ClientFor
) -> None:
    for kind in (ScanKind.FULL, ScanKind.MANUAL):
        for _ in range(30):
            Scan.objects.create(
                kind=kind,
                status=ScanStatus.SUCCEEDED,
                requested_by=cast.manager,
                started_at=LATE,
                finished_at=LATE + timedelta(seconds=2.5),
            )
    rows = rows_of(client_for(cast.rep).get(SCANS, {"kind": ScanKind.MANUAL.value, "page": "2"}))
    assert len(rows) == 30
    newest = Scan.objects.order_by("-id").first()
    assert newest is not None
    assert rows[0] == {
        "Scan": str(newest.pk),
        "Kind": "Manual",
        "Of": "",
        "By": cast.manager.display_name,
        "Started": "2026-03-19T00:30+01:00",
        "State": "Finished",
        "Took (s)": "2.5",
        "Fired": "0",
        "Cleared": "0",
        "New suggestions": "0",
        "Withdrawn": "0",
        "Held back": "0",
        "Signals waiting": "",
    }


def test_the_replays_and_the_records_of_one(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory(first_name="=1+1", last_name="Lopez", company="One")
    answered(cast.manager, queued_at=LATE, present=firings(7, 5))
    run = answered(cast.manager, sample=(lead.pk,), status=WorkStatus.SUCCEEDED)
    client = client_for(cast.manager)
    assert [row["Fired"] + "/" + row["At present"] for row in rows_of(client.get(REPLAYS))] == [
        "1037/", "1037/7",
    ]  # fmt: skip
    assert rows_of(client.get(REPLAYS))[1] == {
        "Asked": "2026-03-19T00:30+01:00",
        "With": "as at present",
        "By": cast.manager.display_name,
        "Days": "90",
        "State": "Done",
        "Fired": "1037",
        "At present": "7",
    }
    (row,) = rows_of(client.get(f"{run.get_absolute_url()}export.csv"))
    assert (row["Id"], row["Lead"], row["Times"], row["Today"]) == (
        str(lead.pk), f"'{lead}", "1", "open",
    )  # fmt: skip


def test_records_that_the_person_may_not_see_are_not_in_it(
    cast: Cast, client_for: ClientFor
) -> None:
    theirs = LeadFactory(owner=cast.outsider)
    run = answered(curious(cast.rep), counts_all=False, sample=(theirs.pk,))
    assert rows_of(client_for(cast.rep).get(f"{run.get_absolute_url()}export.csv")) == []


def test_each_is_on_record(cast: Cast, client_for: ClientFor) -> None:
    run = answered(cast.manager)
    client = client_for(cast.manager)
    for path in (TRIGGERS, HEALTH, SCANS, REPLAYS, f"{run.get_absolute_url()}export.csv"):
        assert client.get(path, {"kind": "full"}).status_code == 200
    entries = AuditEntry.objects.filter(event=Event.EXPORTED).order_by("id")
    assert [(entry.details["what"], entry.details["filters"]) for entry in entries] == [
        ("triggers", []),
        ("trigger-health", []),
        ("scans", ["kind"]),
        ("replays-lead_inactive", []),
        (f"replay-{run.pk}", []),
    ]


@pytest.mark.parametrize("path", [TRIGGERS, HEALTH, REPLAYS])
def test_who_may_not_look_gets_no_file(cast: Cast, client_for: ClientFor, path: str) -> None:
    cast.rep.groups.clear()
    assert client_for(cast.rep).get(path).status_code == 403
    assert not AuditEntry.objects.filter(event=Event.EXPORTED).exists()


def test_the_ledger_costs_the_same_with_one_scan_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.rep), []
    for more in (1, 2):
        Scan.objects.bulk_create(
            Scan(kind=ScanKind.FULL, requested_by=cast.manager) for _ in range(more)
        )
        with CaptureQueriesContext(connection) as queries:
            rows_of(client.get(SCANS))
        counts.append(len(queries))
    assert counts[0] == counts[1]
