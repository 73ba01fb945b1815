"""The schedule: known tasks, and a message's whole way from beat to a tenant's schema."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django.plugin import DjangoDbBlocker

from aisha.celery import app
from aisha.environment import parse_database_url
from apps.crm.tests.factories import LeadFactory
from apps.operations.processes import PROJECT_ROOT
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.services import enabled_schemas
from apps.triggers.enums import ScanStatus
from apps.triggers.models import Scan, Signal
from apps.triggers.querysets import LOST_AFTER
from apps.triggers.tasks import close_all_lost_scans

PATIENCE_S = 90
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


@pytest.fixture
def copied_database(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, str]]:
    """A copy of the test database that other processes may commit to: environment variables for them."""
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
        copy = f"{name}_schedule"
        # A database that is copied must have no other session.
        connection.close()
        with _as_owner("postgres") as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
        connection.settings_dict["NAME"] = copy
        try:
            yield {
                "DATABASE_URL": _at_database(settings.DATABASE_URL, copy),
                "DATABASE_OWNER_URL": _at_database(settings.DATABASE_OWNER_URL, copy),
            }
        finally:
            connection.close()
            connection.settings_dict["NAME"] = name
            with _as_owner("postgres") as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')


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
        _celery("worker", "--pool", "solo", env=copied_database) as worker,
        _celery("beat", "--pidfile", "", "--max-interval", "1", env=copied_database),
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


@contextmanager
def _celery(command: str, *options: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a Celery program for the length of the block; after ``PATIENCE_S`` it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "aisha", command, "--loglevel", "INFO", *options],
        cwd=PROJECT_ROOT,
        env={**os.environ, **env, "AISHA_DATABASE_ACCOUNT": "app", "LOG_LEVEL": "INFO"},
        stdout=subprocess.PIPE if command == "worker" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
    )
    alarm = threading.Timer(PATIENCE_S, process.kill)
    alarm.start()
    try:
        yield process
    finally:
        alarm.cancel()
        process.kill()
        process.communicate()


def _count_lines(process: subprocess.Popen[str], pattern: re.Pattern[str], *, wanted: int) -> int:
    """Read a program's output until enough lines match; fewer when it ends before."""
    assert process.stdout is not None
    found = 0
    for line in process.stdout:
        found += bool(pattern.search(line))
        if found == wanted:
            break
    return found


@contextmanager
def _as_owner(database: str) -> Iterator[psycopg.Cursor]:
    account = parse_database_url(settings.DATABASE_OWNER_URL)
    with (
        psycopg.connect(
            dbname=database,
            user=account["USER"],
            password=account["PASSWORD"] or None,
            host=account["HOST"] or None,
            port=account["PORT"] or None,
            autocommit=True,
        ) as session,
        session.cursor() as cursor,
    ):
        yield cursor


def _at_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
