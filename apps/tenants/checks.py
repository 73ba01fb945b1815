"""Whether the database accounts may do what they are meant to do, and nothing else.

Part of ``manage.py check --database default``: a table made by hand, a schema that was cloned or a grant that
somebody gave in a hurry shows here, with the SQL that puts it right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connection
from django_tenants.utils import get_public_schema_name

from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Role
from apps.tenants.grants import existing_accounts, wanted_privileges
from apps.tenants.models import Tenant
from apps.tenants.roles import RUN_TIME_LOGIN

# A privilege, and the column that it is bounded to or an empty text.
Privilege = tuple[str, str]
EVERYBODY = "PUBLIC"


@dataclass(frozen=True, slots=True)
class GrantFault:
    """One account that may do more or less with one table than it is meant to."""

    schema: str
    table: str
    account: str
    missing: frozenset[Privilege]
    excess: frozenset[Privilege]
    sql: str

    def __str__(self) -> str:
        parts = [
            f"{words} {', '.join(_worded(privilege) for privilege in sorted(privileges))}"
            for words, privileges in (("lacks", self.missing), ("has too much:", self.excess))
            if privileges
        ]
        return f"{self.account} on {self.schema}.{self.table} {' and '.join(parts)}"


def find_grant_faults(schema: str) -> list[GrantFault]:
    """Compare the grants in force in a schema with the ones that are wanted."""
    accounts = existing_accounts()
    actual = _read_grants(schema, [*accounts, EVERYBODY])
    faults = []
    for table in _read_tables(schema):
        wanted = dict(wanted_privileges(schema, table))
        for account in [*accounts, EVERYBODY]:
            text = wanted.get(account) or ""
            should, has = _parse(text), actual[table, account]
            if should != has:
                sql = _mending_sql(schema, table, account, text)
                faults.append(
                    GrantFault(
                        schema,
                        table,
                        account,
                        frozenset(should - has),
                        frozenset(has - should),
                        sql,
                    )
                )
    return faults


def find_role_faults() -> list[str]:
    """The roles that the run-time login cannot take, as the SQL that lets it."""
    present = existing_accounts()
    if RUN_TIME_LOGIN not in present:
        return []
    faults = []
    for role in Role:
        if role.value not in present:
            faults.append(f"CREATE ROLE {role.value} NOLOGIN NOINHERIT;")
            continue
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_has_role(%s, %s, 'MEMBER')", [RUN_TIME_LOGIN, role.value])
            if not cursor.fetchone()[0]:
                faults.append(f'GRANT {role.value} TO "{RUN_TIME_LOGIN}";')
    return faults


@dataclass(frozen=True, slots=True)
class PowerFault:
    """Something that a process must not start with, and the SQL that mends it."""

    reason: str
    sql: str


def find_power_faults() -> list[PowerFault]:
    """What stands between the connected login and least power: its own rank, its roles, every grant."""
    faults = [
        *_find_rank_faults(),
        *(PowerFault("the run-time login cannot take the role", sql) for sql in find_role_faults()),
    ]
    for schema in _schemas_to_check():
        faults.extend(PowerFault(str(fault), fault.sql) for fault in find_grant_faults(schema))
    return faults


def _find_rank_faults() -> list[PowerFault]:
    """A login that is above the law, or owns what it works on, is bound by no grant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolbypassrls, EXISTS ("
            "  SELECT 1 FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner"
            "  WHERE o.rolname = current_user AND c.relkind = 'r'"
            "    AND c.relnamespace = 'public'::regnamespace)"
            " FROM pg_roles WHERE rolname = current_user"
        )
        login, is_above, is_owner = cursor.fetchone()
    faults = []
    if is_above:
        faults.append(
            PowerFault("no grant binds it", f'ALTER ROLE "{login}" NOSUPERUSER NOBYPASSRLS;')
        )
    if is_owner:
        faults.append(
            PowerFault(
                f"{login} owns the tables: connect as the run-time login instead",
                f"CREATE ROLE {RUN_TIME_LOGIN} LOGIN PASSWORD '…';",
            )
        )
    return faults


@register(Tags.database)
def check_roles_in_force(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **_: Any
) -> list[CheckMessage]:
    """Warn of accounts that may do more or less than they are meant to.

    A warning, because ``migrate`` runs the checks too, and mends most of what they find.
    """
    if not databases:
        return []
    messages: list[CheckMessage] = [
        Warning("The run-time login cannot take a role that it needs.", hint=sql, id="tenants.W001")
        for sql in find_role_faults()
    ]
    for schema in _schemas_to_check():
        messages.extend(
            Warning(str(fault), hint=fault.sql, id="tenants.W002")
            for fault in find_grant_faults(schema)
        )
    return messages


def _schemas_to_check() -> list[str]:
    """The tenant's own inside a tenant, as when its schema is migrated; outside, all of them."""
    current = tenant_connection().schema_name
    if current != get_public_schema_name():
        return [current]
    if Tenant._meta.db_table not in connection.introspection.table_names():
        return []
    schemas = Tenant.objects.order_by("schema_name").values_list("schema_name", flat=True)
    return list(dict.fromkeys([current, *schemas]))


def _read_tables(schema: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename", [schema]
        )
        return [name for (name,) in cursor.fetchall()]


def _read_grants(
    schema: str, accounts: Sequence[str]
) -> defaultdict[tuple[str, str], set[Privilege]]:
    """What each account may do, by table: rights on the whole table and on single columns."""
    found: defaultdict[tuple[str, str], set[Privilege]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT given.table_name, CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE r.rolname END,
                   given.privilege, given.column_name
            FROM (
                SELECT c.relname, a.grantee, a.privilege_type, ''
                FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.relnamespace = to_regnamespace(%(schema)s) AND c.relkind IN ('r', 'p')
                UNION ALL
                SELECT c.relname, a.grantee, a.privilege_type, t.attname
                FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
                WHERE c.relnamespace = to_regnamespace(%(schema)s) AND c.relkind IN ('r', 'p')
            ) AS given (table_name, grantee, privilege, column_name)
            LEFT JOIN pg_roles r ON r.oid = given.grantee
            WHERE given.grantee = 0 OR r.rolname = ANY(%(accounts)s)
            """,
            {"schema": f'"{schema}"', "accounts": list(accounts)},
        )
        for table, account, privilege, column in cursor.fetchall():
            found[table, account].add((privilege, column))
    return found


def _parse(privileges: str) -> set[Privilege]:
    """Read a privilege list such as ``INSERT, SELECT (id, name)``."""
    found: set[Privilege] = set()
    for privilege, columns in re.findall(r"(\w+)\s*(?:\(([^)]*)\))?\s*(?:,|$)", privileges):
        names = [name.strip() for name in columns.split(",")] if columns else [""]
        found.update((privilege, name) for name in names)
    return found


def _mending_sql(schema: str, table: str, account: str, privileges: str) -> str:
    who = account if account == EVERYBODY else f'"{account}"'
    sql = f'REVOKE ALL ON "{schema}"."{table}" FROM {who};'
    return f'{sql} GRANT {privileges} ON "{schema}"."{table}" TO {who};' if privileges else sql


def _worded(privilege: Privilege) -> str:
    name, column = privilege
    return f"{name} ({column})" if column else name
