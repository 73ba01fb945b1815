"""Web and worker do not start where the database accounts may do more, or less, than they are meant to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from apps.conftest import owner_connection
from apps.operations.tests.serving import environment_on_test_database, free_port
from apps.tenants.checks import find_power_faults
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant

WEB = ("uvicorn", "aisha.asgi:application")
WORKER = ("celery", "-A", "aisha", "worker", "--pool", "solo")


@contextmanager
def changed(tenant: Tenant, statement: str, back: str) -> Iterator[None]:
    """The owner of the database does something and, afterwards, takes it back."""
    with owner_connection(), connection.cursor() as cursor:
        cursor.execute(statement)
    tenant_connection().set_tenant(tenant)
    try:
        yield
    finally:
        with owner_connection(), connection.cursor() as cursor:
            cursor.execute(back)
        tenant_connection().set_tenant(tenant)


def start(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Start it; a process that does not end by itself within the time fails the test."""
    port = ("--port", str(free_port())) if command == WEB else ()
    return subprocess.run(
        [sys.executable, "-m", *command, *port],
        cwd=settings.BASE_DIR,
        env=environment_on_test_database(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_stands_between_the_tests_and_least_power(committed_tenant: Tenant) -> None:
    assert find_power_faults() == []


@pytest.mark.parametrize("command", [WEB, WORKER], ids=["web", "worker"])
def test_it_does_not_start_and_says_what_to_run(
    committed_tenant: Tenant, command: tuple[str, ...]
) -> None:
    with changed(
        committed_tenant,
        "GRANT DELETE ON race.crm_lead TO aisha_ai",
        "REVOKE DELETE ON race.crm_lead FROM aisha_ai",
    ):
        ended = start(command)
    assert ended.returncode not in (0, None)
    assert "Roles and grants are not in force." in ended.stdout
    assert "aisha_ai on race.crm_lead has too much: DELETE" in ended.stdout
    assert "Traceback" not in ended.stdout


@pytest.mark.parametrize(
    ("statement", "back", "reason"),
    [
        (
            "REVOKE aisha_apply FROM aisha_app",
            "GRANT aisha_apply TO aisha_app WITH INHERIT FALSE, SET TRUE",
            "aisha_app cannot take the role aisha_apply",
        ),
        (
            "REVOKE SELECT ON race.crm_lead FROM aisha_apply",
            "GRANT SELECT ON race.crm_lead TO aisha_apply",
            "aisha_apply on race.crm_lead lacks SELECT",
        ),
        (
            "GRANT UPDATE ON race.audit_auditentry TO aisha_app",
            "REVOKE UPDATE ON race.audit_auditentry FROM aisha_app",
            "aisha_app on race.audit_auditentry has too much: UPDATE",
        ),
    ],
)
def test_each_kind_of_fault_is_found(
    committed_tenant: Tenant, statement: str, back: str, reason: str
) -> None:
    with changed(committed_tenant, statement, back):
        found = [fault.reason for fault in find_power_faults()]
    assert found == [reason]
    assert find_power_faults() == []


def test_the_owner_is_no_run_time_login(committed_tenant: Tenant) -> None:
    with owner_connection():
        reasons = [fault.reason for fault in find_power_faults()]
    tenant_connection().set_tenant(committed_tenant)
    assert reasons == ["aisha_owner owns the tables: connect as the run-time login instead"]
