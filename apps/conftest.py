"""Fixtures for every app: two tenants, a cast of people, and clients that speak to a tenant's host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import setup_databases
from django_tenants.utils import schema_exists
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from aisha.environment import parse_database_url
from apps.audit.schemas import Actor
from apps.crm.models import Stage
from apps.crm.rules import DEFAULT_STAGES
from apps.operations.provisioning import create_tenant
from apps.tenants.connections import tenant_connection
from apps.tenants.context import begin_request
from apps.tenants.enums import Module
from apps.tenants.models import Domain, ModuleGate, Tenant
from apps.users.enums import PersonRole
from apps.users.models import ApiToken, Team, User
from apps.users.tests.factories import TeamFactory, UserFactory
from stubs.openai_server.testing import stand_in as stand_in
from stubs.openai_server.testing import stand_in_process as stand_in_process

# A busy machine fails no test: no example has a deadline, and none may be too slow to be made up.
hypothesis_settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("untimed")

PASSWORD = "correct horse battery"


def connect_as(url: str) -> None:
    """Close the connection and let the next one sign in with the account of ``url``."""
    account = parse_database_url(url)
    connection.close()
    connection.settings_dict["USER"] = account["USER"]
    connection.settings_dict["PASSWORD"] = account["PASSWORD"]


@contextmanager
def owner_connection() -> Iterator[None]:
    """Run the block as the owner of the database, then go back to the run-time login."""
    connect_as(settings.DATABASE_OWNER_URL)
    try:
        yield
    finally:
        connect_as(settings.DATABASE_URL)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_createdb: bool,
) -> Iterator[None]:
    """Make the test database and the two tenants, committed; then sign in as the run-time login.

    pytest-django's own fixture makes no database when every chosen test asks for ``committed_tenant``
    and none for ``db``: those would then run on the real one.
    """
    with django_db_blocker.unblock():
        keepdb = django_db_keepdb and not django_db_createdb
        setup_databases(verbosity=0, interactive=False, keepdb=keepdb)
        tenant_connection().set_schema_to_public()
        if not Tenant.objects.filter(schema_name="public").exists():
            public = Tenant.objects.create(schema_name="public", name="Operator")
            Domain.objects.create(domain="localhost", tenant=public, is_primary=True)
        for schema, name in (("acme", "Acme"), ("globex", "Globex")):
            if not Tenant.objects.filter(schema_name=schema).exists():
                create_tenant(
                    schema=schema,
                    name=name,
                    host=f"{schema}.localhost",
                    time_zone="Europe/Berlin",
                    actor=Actor.for_system("tests"),
                )
        _work_every_day()
        connect_as(settings.DATABASE_URL)
    yield
    with django_db_blocker.unblock():
        connect_as(settings.DATABASE_OWNER_URL)


def _work_every_day() -> None:
    """Let the companies have no days off, so that no test depends on the day on which it runs.

    Tests of working days say themselves which days those are.
    """
    Tenant.objects.exclude(schema_name="public").update(working_week="1234567", holidays=[])


@pytest.fixture(autouse=True)
def clean_context() -> Iterator[None]:
    """Each test begins without a request, a tenant or a cached value."""
    begin_request()
    yield
    tenant_connection().set_schema_to_public()


@pytest.fixture
def acme(db: None) -> Tenant:
    """The tenant that most tests live in; the connection stands in its schema."""
    cache.clear()
    tenant: Tenant = Tenant.objects.get(schema_name="acme")
    tenant_connection().set_tenant(tenant)
    return tenant


@pytest.fixture
def globex(acme: Tenant) -> Tenant:
    """The other tenant; enter it with ``with globex:``."""
    tenant_connection().set_schema_to_public()
    tenant: Tenant = Tenant.objects.get(schema_name="globex")
    tenant_connection().set_tenant(acme)
    return tenant


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a tenant: two reps of one team, a rep of another, a manager, an administrator."""

    rep: User
    teammate: User
    outsider: User
    manager: User
    admin: User
    team: Team
    other_team: Team


def make_cast() -> Cast:
    """Make the people in the schema that the connection stands in."""
    team, other_team = TeamFactory(name="North"), TeamFactory(name="South")
    return Cast(
        rep=UserFactory(username="rep", first_name="Rita", last_name="Rep", team=team),
        teammate=UserFactory(username="teammate", first_name="Tom", last_name="Mate", team=team),
        outsider=UserFactory(
            username="outsider", first_name="Olga", last_name="Out", team=other_team
        ),
        manager=UserFactory(
            username="manager", first_name="Mona", role=PersonRole.MANAGER, team=other_team
        ),
        admin=UserFactory(username="admin", first_name="Adam", role=PersonRole.ADMIN, team=None),
        team=team,
        other_team=other_team,
    )


@pytest.fixture
def cast(acme: Tenant) -> Cast:
    """The people of acme."""
    return make_cast()


@pytest.fixture
def globex_cast(globex: Tenant) -> Cast:
    """The people of globex, with the same user names as acme's."""
    with globex:
        return make_cast()


class TenantClient(Client):
    """A test client that speaks to one tenant's host."""

    def __init__(self, host: str, **defaults: Any) -> None:
        super().__init__(HTTP_HOST=host, **defaults)


@pytest.fixture
def client_for(acme: Tenant) -> Callable[[User], TenantClient]:
    """Return a function: person → client of acme, signed in."""

    def make(user: User) -> TenantClient:
        tenant_connection().set_tenant(acme)
        client = TenantClient("acme.localhost")
        client.force_login(user)
        return client

    return make


class ApiClient(TenantClient):
    """A client of a tenant's API: speaks JSON and signs in with a token."""

    def __init__(self, host: str, key: str) -> None:
        super().__init__(host, HTTP_AUTHORIZATION=f"Token {key}")

    def send(self, method: str, path: str, payload: object = None, **headers: str) -> Any:
        """Send ``payload`` as JSON; header names are written as in ``If_Match``."""
        return self.generic(
            method,
            path,
            json.dumps(payload),
            "application/json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture
def api_for(acme: Tenant) -> Callable[[User], ApiClient]:
    """Return a function: person → client of acme's API."""

    def make(user: User) -> ApiClient:
        tenant_connection().set_tenant(acme)
        _, key = ApiToken.issue(user=user, name="tests", expires_at=None)
        return ApiClient("acme.localhost", key)

    return make


@pytest.fixture
def anonymous_client(acme: Tenant) -> TenantClient:
    """A client of acme that nobody has signed in to."""
    return TenantClient("acme.localhost")


@pytest.fixture
def committed_tenant(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    """A tenant whose rows are really committed, for races between connections.

    Its schema is made once and emptied for each test, because the migrations of a new one take seconds; its
    row is there during the test alone, so that no other test finds it among the tenants.
    """
    with django_db_blocker.unblock():
        with owner_connection():
            _remove_race()
            _make_race()
        tenant: Tenant = Tenant.objects.get(schema_name=_RACE)
        tenant_connection().set_tenant(tenant)
        try:
            yield tenant
        finally:
            with owner_connection():
                _remove_race()


_RACE = "race"
# What a new schema holds and no test changes.
_KEPT_TABLES = (
    "django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions",
)  # fmt: skip

_APPEND_ONLY = ("audit_auditentry", "audit_auditseal")


def _make_race() -> None:
    """Make the tenant, in the schema that an earlier test left behind if there is one."""
    host, actor = f"{_RACE}.localhost", Actor.for_system("tests")
    if not schema_exists(_RACE):
        create_tenant(schema=_RACE, name="Race", host=host, actor=actor)
        _work_every_day()
        return
    tenant = Tenant.objects.create(schema_name=_RACE, name="Race")
    _work_every_day()
    Domain.objects.create(domain=host, tenant=tenant, is_primary=True)
    ModuleGate.objects.bulk_create(
        ModuleGate(tenant=tenant, module=module.value, is_on=True) for module in Module
    )
    tenant_connection().set_tenant(tenant)
    Stage.objects.bulk_create(
        Stage(key=key, label=label, position=position, outcome=outcome)
        for position, (key, label, outcome) in enumerate(DEFAULT_STAGES, start=1)
    )


def _remove_race() -> None:
    """Take the tenant's rows away, in its schema and in the public one."""
    tenant_connection().set_schema_to_public()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname = %s AND tablename <> ALL (%s)",
            [_RACE, list(_KEPT_TABLES)],
        )
        tables = [name for (name,) in cursor.fetchall()]
        if tables:
            for table in _APPEND_ONLY:
                cursor.execute(f"ALTER TABLE {_RACE}.{table} DISABLE TRIGGER USER")
            cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
            for table in _APPEND_ONLY:
                cursor.execute(f"ALTER TABLE {_RACE}.{table} ENABLE TRIGGER USER")
    Tenant.objects.filter(schema_name=_RACE).delete()
