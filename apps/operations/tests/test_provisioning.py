"""Making a tenant: all of it or nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError, connection
from django_tenants.utils import schema_exists
from pytest_django.plugin import DjangoDbBlocker

from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.conftest import owner_connection
from apps.crm.models import ChangeLog, Stage
from apps.crm.rules import DEFAULT_STAGES
from apps.crm.tests.factories import ActivityFactory, LeadFactory
from apps.operations.provisioning import create_tenant
from apps.tenants.checks import find_grant_faults
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.exceptions import TenantExistsError
from apps.tenants.models import Domain, ModuleGate, Tenant
from apps.triggers.rules import registry
from apps.users.services import PERMISSIONS

SCHEMA, HOST = "initech", "initech.localhost"
ACTOR = Actor.for_system("tests")


@pytest.fixture
def clean_slate(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Committed work in a database without this tenant, before and after."""
    with django_db_blocker.unblock():
        _forget()
        yield
        _forget()


def _forget() -> None:
    tenant_connection().set_schema_to_public()
    with owner_connection(), connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{SCHEMA}" CASCADE')
        Tenant.objects.filter(schema_name=SCHEMA).delete()


def make(**changes: Any) -> Tenant:
    values = {"schema": SCHEMA, "name": "Initech", "host": HOST, "actor": ACTOR, **changes}
    tenant: Tenant = create_tenant(**values)
    return tenant


def test_the_command_makes_everything_and_says_so(clean_slate: None) -> None:
    out = StringIO()
    with owner_connection():
        call_command(
            "create_tenant",
            SCHEMA,
            "--name=Initech",
            f"--host={HOST}",
            "--time-zone=Europe/Berlin",
            "--currency=EUR",
            stdout=out,
        )
    assert out.getvalue() == f"Created Initech at {HOST} (schema {SCHEMA}).\n"
    tenant = Tenant.objects.get(schema_name=SCHEMA)
    assert (tenant.name, tenant.time_zone, tenant.currency, tenant.is_enabled) == (
        "Initech", "Europe/Berlin", "EUR", True,
    )  # fmt: skip
    assert (tenant.suggestions_per_day, tenant.silence_days) == (15, 30)
    assert list(tenant.domains.values_list("domain", "is_primary")) == [(HOST, True)]
    gates = ModuleGate.objects.filter(tenant=tenant, is_on=True).values_list("module", flat=True)
    assert set(gates) == set(Module.values)
    entry = AuditEntry.objects.filter(event="tenant.created").first()
    assert entry is not None
    assert entry.details == {"tenant_id": tenant.pk, "schema": SCHEMA}

    tenant_connection().set_tenant(tenant)
    stages = [(stage.key, stage.label, stage.outcome) for stage in Stage.objects.all()]
    assert stages == [(key, label, outcome) for key, label, outcome in DEFAULT_STAGES]
    for role, names in PERMISSIONS.items():
        granted = Group.objects.get(name=role.value).permissions.values_list(
            "content_type__app_label", "codename"
        )
        assert {f"{app}.{codename}" for app, codename in granted} == names
    # The database keeps history and derived columns from the first row on.
    lead = LeadFactory()
    activity = ActivityFactory(lead=lead)
    lead.refresh_from_db()
    assert lead.last_activity_at == activity.occurred_at
    assert ChangeLog.objects.count() == 2
    assert find_grant_faults(SCHEMA) == []
    assert len(registry.all()) == 6

    # And it cannot be made a second time, by whatever name.
    with owner_connection():
        for again in (
            {"host": "other.localhost"},
            {"schema": SCHEMA.upper(), "host": "other.localhost"},
            {"schema": "another"},
        ):
            with pytest.raises(TenantExistsError):
                make(**again)
        with pytest.raises(CommandError, match="belongs to another tenant"):
            call_command("create_tenant", "another", "--name=X", f"--host={HOST}")
    assert not schema_exists("another")
    assert tenant_connection().schema_name == "public"


def test_a_failure_after_the_tables_were_made_leaves_nothing(clean_slate: None) -> None:
    entries = AuditEntry.objects.count()
    other = connection.copy()
    try:
        # Somebody else prepares a schema and does not come to an end; ours waits, and gives up.
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('crm_changelog'))")
        with owner_connection():
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '500ms'")
            with pytest.raises(OperationalError, match="lock timeout"):
                make()
    finally:
        other.close()
    assert not schema_exists(SCHEMA)
    assert not Tenant.objects.filter(schema_name=SCHEMA).exists()
    assert not Domain.objects.filter(domain=HOST).exists()
    assert AuditEntry.objects.count() == entries
    assert tenant_connection().schema_name == "public"


def test_an_account_that_may_not_make_schemas_leaves_nothing(clean_slate: None) -> None:
    entries = AuditEntry.objects.count()
    with pytest.raises(ProgrammingError, match="permission denied for database"):
        make()
    assert not Tenant.objects.filter(schema_name=SCHEMA).exists()
    assert not Domain.objects.filter(domain=HOST).exists()
    assert AuditEntry.objects.count() == entries
    assert tenant_connection().schema_name == "public"


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "pg_initech"},
        {"schema": "1nitech tech"},
        {"schema": 'x"; DROP SCHEMA acme; --'},
        {"schema": ""},
        {"schema": "x" * 64},
        {"name": ""},
        {"name": "x" * 121},
        {"host": "bad_host.localhost"},
        {"host": "http://initech.localhost"},
        {"host": "initech.localhost:8000"},
        {"host": "-initech.localhost"},
        {"host": "x" * 254},
        {"host": ""},
        {"time_zone": "Berlin"},
        {"currency": "Euro"},
        {"currency": "eur"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_name_that_will_not_do_is_refused_before_anything_is_made(
    clean_slate: None, changes: dict[str, Any]
) -> None:
    before = set(Tenant.objects.values_list("schema_name", flat=True))
    with pytest.raises(ValidationError):
        make(**changes)
    assert set(Tenant.objects.values_list("schema_name", flat=True)) == before
    assert not schema_exists(SCHEMA)


def test_the_command_says_what_will_not_do(clean_slate: None) -> None:
    with pytest.raises(CommandError, match="'Mars' is not a known time zone"):
        call_command(
            "create_tenant", SCHEMA, "--name=Initech", f"--host={HOST}", "--time-zone=Mars"
        )
    with pytest.raises(CommandError, match="is not a host name"):
        call_command("create_tenant", SCHEMA, "--name=Initech", "--host=no_good")
