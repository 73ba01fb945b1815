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
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django_tenants.utils import schema_exists
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.conftest import owner_connection
from apps.crm.models import ChangeLog, Stage
from apps.crm.rules import DEFAULT_STAGES
from apps.crm.tests.factories import ActivityFactory, LeadFactory
from apps.operations.provisioning import FirstAdministrator, create_tenant
from apps.tenants.checks import find_power_faults
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.exceptions import TenantExistsError
from apps.tenants.models import Domain, ModuleGate, Tenant
from apps.users.models import User
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
    assert find_power_faults() == []

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


GOOD = "correct horse 42"


def create(*options: str) -> str:
    """Run the command as the owner; what it says."""
    out = StringIO()
    with owner_connection():
        call_command(
            "create_tenant", SCHEMA, "--name=Initech", f"--host={HOST}", *options, stdout=out
        )
    return out.getvalue()


def give_line(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Have standard input be a pipe with this text."""
    monkeypatch.setattr("sys.stdin", StringIO(text))


class Terminal(StringIO):
    """Standard input as a terminal."""

    def isatty(self) -> bool:
        return True


def type_in(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Have a person at a terminal type these passwords; what they are asked."""
    monkeypatch.setattr("sys.stdin", Terminal())
    asked: list[str] = []
    typed = iter(answers)

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return next(typed)

    monkeypatch.setattr("apps.operations.management.commands.create_tenant.getpass", answer)
    return asked


def assert_nothing_was_made() -> None:
    assert not schema_exists(SCHEMA)
    assert not Tenant.objects.filter(schema_name=SCHEMA).exists()
    assert not Domain.objects.filter(domain=HOST).exists()
    assert tenant_connection().schema_name == "public"


def test_the_first_administrator_can_sign_in_and_make_others(
    clean_slate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISHA_ADMIN_PASSWORD", GOOD)
    give_line(monkeypatch, "another password 1\n")
    assert create("--admin-username=ada") == (
        f"Created Initech at {HOST} (schema {SCHEMA}).\nada is its administrator.\n"
    )
    assert not User.objects.filter(username="ada").exists()  # an operator she is not
    with Tenant.objects.get(schema_name=SCHEMA):
        ada = User.objects.get()
        assert (ada.username, ada.is_staff, ada.is_superuser, ada.is_active) == (
            "ada", True, False, True,
        )  # fmt: skip
        assert [group.name for group in ada.groups.all()] == ["admin"]
        assert ada.has_perm("users.add_user")
        entry = AuditEntry.objects.get()
        assert (entry.event, entry.actor_name, entry.details) == (
            "settings.changed",
            "create_tenant",
            {"change": "added", "model": "users.user", "id": ada.pk, "role": "admin"},
        )
    client = Client(HTTP_HOST=HOST)
    answer = client.post("/sign-in/", {"username": "ada", "password": GOOD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.get("/admin/").status_code == 200


def test_the_password_is_one_line_of_a_pipe(
    clean_slate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AISHA_ADMIN_PASSWORD", raising=False)
    give_line(monkeypatch, f" {GOOD} \r\nand more\n")
    create("--admin-username=ada")
    with Tenant.objects.get(schema_name=SCHEMA):
        assert User.objects.get().check_password(f" {GOOD} ")


def test_the_password_is_typed_twice_at_a_terminal(
    clean_slate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AISHA_ADMIN_PASSWORD", raising=False)
    asked = type_in(monkeypatch, GOOD, GOOD)
    create("--admin-username=ada")
    assert asked == ["Password for ada: ", "The same again: "]
    with Tenant.objects.get(schema_name=SCHEMA):
        assert User.objects.get().check_password(GOOD)


def test_two_passwords_that_differ_make_nothing(
    clean_slate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AISHA_ADMIN_PASSWORD", raising=False)
    type_in(monkeypatch, GOOD, GOOD + "x")
    with pytest.raises(CommandError, match="The two passwords differ"):
        create("--admin-username=ada")
    assert_nothing_was_made()


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("ada", "short1", "This password is too short. It must contain at least 10 characters."),
        ("ada", "password1234", "This password is too common."),
        ("adalovelace", "adalovelace1", "The password is too similar to the username."),
        ("ada", "", "No password for ada: set AISHA_ADMIN_PASSWORD"),
        ("ada lovelace", GOOD, "Enter a valid username."),
        ("a" * 151, GOOD, "Ensure this value has at most 150 characters"),
        ("", GOOD, "This field cannot be blank."),
    ],
)
def test_an_administrator_that_will_not_do_leaves_nothing(
    clean_slate: None,
    monkeypatch: pytest.MonkeyPatch,
    username: str,
    password: str,
    message: str,
) -> None:
    monkeypatch.delenv("AISHA_ADMIN_PASSWORD", raising=False)
    give_line(monkeypatch, password + "\n")
    entries = AuditEntry.objects.count()
    with pytest.raises(CommandError) as refusal:
        create(f"--admin-username={username}")
    assert message in str(refusal.value)
    assert GOOD not in str(refusal.value)
    assert AuditEntry.objects.count() == entries
    assert_nothing_was_made()


def test_a_tenant_that_exists_gets_no_administrator(
    clean_slate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISHA_ADMIN_PASSWORD", GOOD)
    create()
    with pytest.raises(CommandError, match="'initech' exists already"):
        create("--admin-username=ada")
    with Tenant.objects.get(schema_name=SCHEMA):
        assert User.objects.count() == 0


def test_a_failure_while_the_administrator_is_made_leaves_nothing(
    clean_slate: None, settings: Settings
) -> None:
    entries = AuditEntry.objects.count()
    # The tables are there by then; the first thing that needs a hasher is the person's row.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.NoSuchHasher"]
    with owner_connection(), pytest.raises(ImportError, match="NoSuchHasher"):
        make(administrator=FirstAdministrator("ada", GOOD))
    assert AuditEntry.objects.count() == entries
    assert_nothing_was_made()


def test_an_administrators_password_is_not_shown() -> None:
    assert repr(FirstAdministrator("ada", GOOD)) == "FirstAdministrator(username='ada')"


def test_a_schema_of_another_version_is_refused(clean_slate: None) -> None:
    with owner_connection():
        tenant = make()
        call_command("migrate_schemas", schema_name=SCHEMA, verbosity=0)
        tenant_connection().set_tenant(tenant)
        for name in ("0002_later", "0003_later", "0004_later", "0005_later"):
            MigrationRecorder(connection).record_applied("crm", name)
        with pytest.raises(CommandError) as caught:
            call_command("migrate_schemas", schema_name=SCHEMA, verbosity=0)
    assert str(caught.value).startswith(
        f"The schema {SCHEMA!r} was made by another version: it knows migrations that this one has not"
        " (crm.0002_later, crm.0003_later, crm.0004_later, …). "
    )
