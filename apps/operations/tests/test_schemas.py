"""Every table in its schema, every privilege as listed, and no look-up that falls through."""

from __future__ import annotations

import re

import pytest
from django.apps import apps as django_apps
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import connection

from apps.conftest import ApiClient, Cast, TenantClient
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Role
from apps.tenants.grants import GRANTS, TableGrants
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN
from apps.users.models import ApiToken, User

# Tables that stand in both: a tenant's people and log, and the operators' own.
IN_BOTH = {
    "audit_auditentry", "audit_auditseal", "auth_group", "auth_group_permissions", "auth_permission",
    "django_admin_log", "django_content_type", "django_migrations", "django_session",
    "users_apitoken", "users_keptanswer", "users_team", "users_user", "users_user_groups",
    "users_user_user_permissions",
}  # fmt: skip
OURS = (
    "tenants", "users", "audit", "crm", "execution", "brain", "predictions", "duplicates",
    "triggers", "suggestions", "assistant", "realtime",
)  # fmt: skip


def tables_of(schema: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        return {name for (name,) in cursor.fetchall()}


def tables_for(installed: list[str]) -> set[str]:
    """The tables of the models of these apps."""
    return {
        model._meta.db_table
        for config in django_apps.get_app_configs()
        if config.name in installed
        for model in config.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    } | {"django_migrations"}


def test_a_tenants_schema_holds_exactly_the_tables_of_tenant_apps(acme: Tenant) -> None:
    assert tables_of("acme") == tables_for(settings.TENANT_APPS)


def test_the_public_schema_holds_exactly_the_tables_of_shared_apps(acme: Tenant) -> None:
    assert tables_of("public") == tables_for(settings.SHARED_APPS)


def test_only_the_listed_tables_stand_in_both(acme: Tenant) -> None:
    assert tables_of("acme") & tables_of("public") == IN_BOTH


def test_both_tenants_hold_the_same_tables_columns_and_constraints(globex: Tenant) -> None:
    def shape(schema: str) -> set[tuple[str, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT table_name, column_name, data_type, is_nullable
                FROM information_schema.columns WHERE table_schema = %(schema)s
                UNION ALL
                SELECT event_object_table, trigger_name, event_manipulation, action_timing
                FROM information_schema.triggers WHERE trigger_schema = %(schema)s
                UNION ALL
                SELECT tablename, indexname, replace(indexdef, %(schema)s, ''), ''
                FROM pg_indexes WHERE schemaname = %(schema)s
                """,
                {"schema": schema},
            )
            return set(cursor.fetchall())

    assert shape("acme") == shape("globex")


def test_every_name_of_a_tenants_table_leads_to_the_tenants_table(acme: Tenant) -> None:
    """The public schema stands in the search path, behind the tenant's."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
            WHERE c.oid = ANY(%s::text[]::regclass[]) AND s.nspname <> 'acme'
            """,
            [sorted(tables_of("acme"))],
        )
        assert cursor.fetchall() == []


def test_every_table_of_ours_is_in_the_list_of_grants(acme: Tenant) -> None:
    tables = {
        table
        for table in tables_of("acme") | tables_of("public")
        if table.startswith(tuple(f"{app}_" for app in OURS))
    }
    assert set(GRANTS) == tables


@pytest.mark.parametrize("schema", ["acme", "globex", "public"])
def test_each_account_has_exactly_the_privileges_of_the_list(acme: Tenant, schema: str) -> None:
    wanted = set()
    for table in tables_of(schema):
        grants = GRANTS.get(table, TableGrants())
        wanted |= parse_privileges(RUN_TIME_LOGIN, table, grants.run_time)
        if schema != "public":
            wanted |= parse_privileges(Role.AI.value, table, grants.ai)
            wanted |= parse_privileges(Role.APPLY.value, table, grants.apply)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH tables AS (
                SELECT c.oid, c.relname, c.relacl FROM pg_class c
                WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r'
            )
            SELECT a.grantee::regrole::text, t.relname, a.privilege_type, ''
            FROM tables t, aclexplode(t.relacl) a WHERE a.grantee <> 0
            UNION ALL
            SELECT a.grantee::regrole::text, t.relname, a.privilege_type, col.attname
            FROM tables t JOIN pg_attribute col ON col.attrelid = t.oid, aclexplode(col.attacl) a
            """,
            {"schema": schema},
        )
        accounts = {RUN_TIME_LOGIN, *(role.value for role in Role)}
        actual = {row for row in cursor.fetchall() if row[0] in accounts}
    assert actual == wanted


def parse_privileges(
    account: str, table: str, privileges: str | None
) -> set[tuple[str, str, str, str]]:
    """Read a list as in ``INSERT, SELECT (id)``: account, table, privilege, column or nothing."""
    return {
        (account, table, privilege, column.strip())
        for privilege, columns in re.findall(r"([A-Z]+)(?: \(([^)]*)\))?", privileges or "")
        for column in columns.split(",")
    }


def test_nobody_at_large_may_read_a_table(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.oid::regclass::text FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.relnamespace = ANY(ARRAY['acme', 'public']::regnamespace[]) AND a.grantee = 0
            """
        )
        assert cursor.fetchall() == []


def test_the_run_time_login_owns_nothing_and_is_no_superuser(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (RUN_TIME_LOGIN,)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles "
            "WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False, False)


def test_an_operator_is_nobody_in_a_tenant(acme: Tenant, anonymous_client: TenantClient) -> None:
    tenant_connection().set_schema_to_public()
    operator = User.objects.create_superuser("operator", password="correct horse battery")
    _, key = ApiToken.issue(user=operator, name="operator's", expires_at=None)
    tenant_connection().set_tenant(acme)
    assert not User.objects.filter(username="operator").exists()
    assert authenticate(username="operator", password="correct horse battery") is None
    assert ApiClient("acme.localhost", key).get("/api/v1/leads/").status_code == 401
    form = {"username": "operator", "password": "correct horse battery"}
    anonymous_client.post("/sign-in/", form)
    assert anonymous_client.get("/").status_code == 302


def test_a_session_of_one_host_is_worth_nothing_on_another(
    cast: Cast, globex: Tenant, globex_cast: Cast, acme: Tenant
) -> None:
    client = TenantClient("acme.localhost")
    client.force_login(cast.manager)
    assert client.get("/suggestions/").status_code == 200
    for host in ("globex.localhost", "localhost"):
        thief = TenantClient(host)
        thief.cookies = client.cookies
        answer = thief.get("/suggestions/")
        assert answer.status_code in {302, 404}
        assert "Mona" not in answer.content.decode()
