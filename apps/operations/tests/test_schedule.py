"""The schedule: known tasks, and a message's whole way from beat to a tenant's schema."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta

from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from aisha.celery import app
from apps.brain.enums import Goal
from apps.crm.tests.factories import LeadFactory
from apps.duplicates.enums import Subject
from apps.duplicates.services.work import carry_out_run, request_run
from apps.duplicates.tests.pairs import add_people, add_twins
from apps.operations.tests.programs import celery, copied_database, program
from apps.predictions.models import PredictionRun
from apps.suggestions.models import Suggestion
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.services import enabled_schemas
from apps.triggers.enums import ScanStatus
from apps.triggers.models import Scan, Signal
from apps.triggers.querysets import LOST_AFTER
from apps.triggers.tasks import close_all_lost_scans

__all__ = ["copied_database"]

ROUND_SUCCEEDED = re.compile(r"Task triggers\.look_around_current_tenant\[\S+\] succeeded")
PREDICTION_SUCCEEDED = re.compile(r"Task predictions\.carry_out\[\S+\] succeeded")
MATCHED = re.compile(r"Task duplicates\.match_changes_of_current_tenant\[\S+\] succeeded")
SCAN_SUCCEEDED = re.compile(r"Task triggers\.scan_current_tenant\[\S+\] succeeded")


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled - set(app.tasks) == set()
    assert {"triggers.scan_all_tenants", "suggestions.keep_all_true"} <= scheduled


def test_lost_scans_are_closed_in_every_tenant(acme: Tenant, globex: Tenant) -> None:
    long_ago = timezone.now() - LOST_AFTER - timedelta(minutes=1)
    for tenant in (acme, globex):
        with tenant:
            Scan.objects.create(kind="full", status=ScanStatus.RUNNING, heartbeat_at=long_ago)
            Scan.objects.create(kind="full", status=ScanStatus.QUEUED)
    tenant_connection().set_schema_to_public()
    close_all_lost_scans()
    for tenant in (acme, globex):
        with tenant:
            statuses = list(Scan.objects.order_by("id").values_list("status", flat=True))
            assert statuses == [ScanStatus.LOST, ScanStatus.QUEUED]


def test_beat_reaches_every_tenant_through_a_worker(copied_database: dict[str, str]) -> None:
    for schema in ("acme", "globex"):
        with Tenant.objects.get(schema_name=schema):
            assert Scan.objects.count() == 0
    with Tenant.objects.get(schema_name="acme"):
        lead = LeadFactory(created_at=timezone.now() - timedelta(days=30))
    tenant_connection().set_schema_to_public()
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.create(
        name="soon", task="triggers.scan_all_tenants", interval=every_second, one_off=True
    )

    with (
        celery("worker", "--pool", "solo", env=copied_database) as worker,
        celery("beat", "--pidfile", "", "--max-interval", "1", env=copied_database),
    ):
        finished = _count_lines(worker, SCAN_SUCCEEDED, wanted=len(enabled_schemas()))

    assert finished == len(enabled_schemas())
    ledgers = {}
    for schema in ("acme", "globex"):
        with Tenant.objects.get(schema_name=schema):
            ledgers[schema] = list(Scan.objects.values_list("status", "suggestions_created"))
    assert ledgers == {"acme": [("succeeded", 1)], "globex": [("succeeded", 0)]}
    with Tenant.objects.get(schema_name="acme"):
        fired = list(Signal.objects.values_list("trigger", "record_id"))
        assert fired == [("lead_inactive", lead.pk)]
    tenant_connection().set_schema_to_public()
    stored = set(PeriodicTask.objects.filter(enabled=True).values_list("name", flat=True))
    assert stored == set(app.conf.beat_schedule)


def test_a_change_becomes_a_signal_and_a_suggestion_without_a_scan_being_asked_for(
    copied_database: dict[str, str],
) -> None:
    acme = Tenant.objects.get(schema_name="acme")
    with (
        celery("worker", "--pool", "solo", env=copied_database) as worker,
        program("manage.py", "watch_changes", env=copied_database),
    ):
        # At its start the listener asks for a round of every tenant: the first look of each trigger.
        assert _count_lines(worker, ROUND_SUCCEEDED, wanted=2) == 2
        with acme:
            lead = LeadFactory(created_at=timezone.now() - timedelta(days=30))
        assert _count_lines(worker, ROUND_SUCCEEDED, wanted=1) == 1
    with acme:
        scan = Scan.objects.latest("id")
        assert (scan.kind, scan.status, scan.suggestions_created) == ("realtime", "succeeded", 1)
        fired = list(Signal.objects.values_list("trigger", "record_id"))
        assert fired == [("lead_inactive", lead.pk)]


def test_a_lead_who_is_a_contact_already_becomes_a_suggestion_to_merge(
    copied_database: dict[str, str],
) -> None:
    acme = Tenant.objects.get(schema_name="acme")
    with acme:
        add_people(60)
        contact, twin = add_twins()
        twin.delete()
        carry_out_run(request_run(Subject.PERSON), now=timezone.now())
    with (
        celery("worker", "--pool", "solo", env=copied_database) as worker,
        program("manage.py", "watch_changes", env=copied_database),
    ):
        assert _count_lines(worker, ROUND_SUCCEEDED, wanted=2) == 2
        with acme:
            twin.pk = None
            twin.save()
        # The one that its change woke, or the one that the pair did.
        assert _count_lines(worker, MATCHED, wanted=1) == 1
        assert _count_lines(worker, ROUND_SUCCEEDED, wanted=1) == 1
    with acme:
        merge = Suggestion.objects.get(goal=Goal.MERGE_DUPLICATES)
        assert (merge.record_kind, merge.record_id) == ("contact", contact.pk)
        assert (merge.arguments["duplicate_kind"], merge.arguments["duplicate_id"]) == (
            "lead",
            twin.pk,
        )


def test_the_night_of_predictions_reaches_every_tenant_through_a_worker(
    copied_database: dict[str, str],
) -> None:
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.create(
        name="tonight",
        task="predictions.begin_night_of_all_tenants",
        interval=every_second,
        one_off=True,
    )
    # Three trainings, engagement and the forecast of both.
    with (
        celery("worker", "--pool", "solo", env=copied_database) as worker,
        celery("beat", "--pidfile", "", "--max-interval", "1", env=copied_database),
    ):
        assert _count_lines(worker, PREDICTION_SUCCEEDED, wanted=10) == 10
    for schema in ("acme", "globex"):
        with Tenant.objects.get(schema_name=schema):
            runs = PredictionRun.objects.values_list("kind", "status")
            assert sorted(runs) == [
                ("forecast", "succeeded"),
                ("scoring", "succeeded"),
                *[("training", "succeeded")] * 3,
            ]


def _count_lines(process: subprocess.Popen[str], pattern: re.Pattern[str], *, wanted: int) -> int:
    """Read a program's output until enough lines match; fewer when it ends before."""
    assert process.stdout is not None
    found = 0
    for line in process.stdout:
        found += bool(pattern.search(line))
        if found == wanted:
            break
    return found
