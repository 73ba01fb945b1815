"""Scans and signals by the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.brain.enums import Goal
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind, Severity
from apps.triggers.models import Scan, Signal, TriggerSetting
from apps.triggers.services import scan_now
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


def ids_of(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def signal_on(record: Record, **values: Any) -> Signal:
    return Signal.objects.create(
        trigger="lead_inactive" if record.kind == RecordKind.LEAD else "task_overdue",
        goal=Goal.REVIVE_LEAD if record.kind == RecordKind.LEAD else Goal.CLEAR_TASK,
        record_kind=record.kind,
        record_id=record.pk,
        severity=Severity.NORMAL,
        **values,
    )


def test_strangers_get_401_and_people_without_a_role_403(
    cast: Cast, anonymous_client: TenantClient, api_for: ApiFor
) -> None:
    cast.rep.groups.clear()
    client = api_for(cast.rep)
    for path in ("/api/v1/scans/", "/api/v1/signals/"):
        assert anonymous_client.get(path).status_code == 401
        assert client.get(path).status_code == 403
    assert client.send("POST", "/api/v1/scans/").status_code == 403
    assert Scan.objects.count() == 0


def test_a_scan_is_queued_once_and_joined_by_the_next(
    cast: Cast,
    api_for: ApiFor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        first = api_for(cast.rep).send("POST", "/api/v1/scans/")
        second = api_for(cast.teammate).send("POST", "/api/v1/scans/")
    scan = Scan.objects.get()
    assert [first.status_code, second.status_code] == [202, 202]
    assert first.json()["id"] == second.json()["id"] == scan.pk
    assert first["Location"] == f"http://acme.localhost/api/v1/scans/{scan.pk}/"
    assert (scan.status, scan.kind, scan.requested_by) == ("queued", "manual", cast.rep)
    # The second message finds the scan taken; a lost first one is made good by it.
    assert len(queued) == 2


def test_a_finished_scan_tells_what_each_trigger_found(cast: Cast, api_for: ApiFor) -> None:
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan = scan_now(kind=ScanKind.MANUAL, now=NOW, requested_by=cast.rep)
    body = api_for(cast.rep).get(f"/api/v1/scans/{scan.pk}/").json()
    assert (body["status"], body["kind"], body["requested_by"]) == (
        "succeeded", "manual", cast.rep.pk,
    )  # fmt: skip
    found = {row["trigger"]: (row["matched"], row["fired"]) for row in body["results"]}
    assert found["lead_inactive"] == (1, 1)
    assert found["task_overdue"] == (0, 0)
    assert body["suggestions_created"] == 1


def test_scans_are_listed_newest_first_at_a_fixed_cost(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    client.get("/api/v1/scans/")
    counts = []
    for total in (1, 3):
        while Scan.objects.count() < total:
            scan_now(kind=ScanKind.FULL, now=NOW, triggers=["lead_inactive"])
        with CaptureQueriesContext(connection) as queries:
            answer = client.get("/api/v1/scans/")
        assert ids_of(answer) == list(Scan.objects.order_by("-id").values_list("pk", flat=True))
        counts.append(len(queries))
    assert counts == [7, 7]
    assert ids_of(client.get("/api/v1/scans/", {"kind": "manual"})) == []


def test_scans_are_filtered_by_every_kind_there_is(cast: Cast, api_for: ApiFor) -> None:
    scans = {kind: Scan.objects.create(kind=kind) for kind in ScanKind}
    client = api_for(cast.rep)
    for kind, scan in scans.items():
        assert ids_of(client.get("/api/v1/scans/", {"kind": kind.value})) == [scan.pk]
    both = client.get("/api/v1/scans/", {"kind": ["incremental", "realtime"]})
    assert ids_of(both) == [scans[ScanKind.REALTIME].pk, scans[ScanKind.INCREMENTAL].pk]
    assert client.get("/api/v1/scans/", {"kind": "hourly"}).status_code == 400


def test_a_rep_sees_signals_of_records_that_they_may_see(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    mine = signal_on(LeadFactory(owner=cast.rep))
    teams = signal_on(TaskFactory(owner=cast.teammate))
    foreign = signal_on(LeadFactory(owner=cast.outsider))
    with globex:
        signal_on(LeadFactory(owner=None))
    rep, manager = api_for(cast.rep), api_for(cast.manager)
    assert sorted(ids_of(rep.get("/api/v1/signals/"))) == sorted([mine.pk, teams.pk])
    assert sorted(ids_of(manager.get("/api/v1/signals/"))) == sorted(
        [mine.pk, teams.pk, foreign.pk]
    )
    assert rep.get(f"/api/v1/signals/{foreign.pk}/").status_code == 404
    assert rep.get(f"/api/v1/signals/{mine.pk}/").json()["is_firing"] is True


def test_a_signal_belongs_to_its_kind_of_record_and_not_to_another_of_the_same_id(
    cast: Cast, api_for: ApiFor
) -> None:
    hidden = TaskFactory(owner=cast.outsider)
    LeadFactory(pk=hidden.pk, owner=cast.rep)
    signal_on(hidden)
    assert ids_of(api_for(cast.rep).get("/api/v1/signals/")) == []


def test_a_signal_tells_by_which_parameters_it_fired(cast: Cast, api_for: ApiFor) -> None:
    LeadFactory(owner=cast.rep, created_at=NOW - timedelta(days=30))
    TriggerSetting.objects.create(trigger="lead_inactive", parameters={"silent_days": 21})
    scan_now(kind=ScanKind.FULL, now=timezone.now())
    answer = api_for(cast.rep).get("/api/v1/signals/", {"trigger": "lead_inactive"})
    (signal,) = answer.json()["results"]
    assert signal["parameters"] == Signal.objects.get(pk=signal["id"]).parameters
    assert signal["parameters"]["silent_days"] == 21


def test_signals_are_filtered(cast: Cast, api_for: ApiFor) -> None:
    lead, task = LeadFactory(owner=cast.rep), TaskFactory(owner=cast.rep)
    firing, cleared = signal_on(lead), signal_on(task, cleared_at=NOW)
    client = api_for(cast.rep)

    def found(**parameters: Any) -> list[int]:
        return ids_of(client.get("/api/v1/signals/", parameters))

    assert found(is_firing="true") == [firing.pk]
    assert found(is_firing="false") == [cleared.pk]
    assert found(trigger="task_overdue") == [cleared.pk]
    assert found(record_kind="lead", record_id=lead.pk) == [firing.pk]
    assert found(goal="clear_task", severity=2) == [cleared.pk]


def test_signals_are_listed_at_a_fixed_cost(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    client.get("/api/v1/signals/")
    counts = []
    for total in (1, 3):
        while Signal.objects.count() < total:
            signal_on(LeadFactory(owner=cast.rep))
        with CaptureQueriesContext(connection) as queries:
            assert len(ids_of(client.get("/api/v1/signals/"))) == total
        counts.append(len(queries))
    assert counts == [6, 6]
