"""What the accounts may do with tables, sequences, schemas and the database, held against the list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from django.db import connection
from django_tenants.utils import get_public_schema_name

from apps.tenants.checks.faults import PowerFault
from apps.tenants.grants import wanted_privileges
from apps.tenants.roles import RUN_TIME_LOGIN

WRONG_GRANT = "tenants.W002"

EVERYBODY = "PUBLIC"
SEQUENCE_RIGHTS = "USAGE, SELECT"


def find_grant_faults(schemas: Sequence[str], accounts: Sequence[str]) -> list[PowerFault]:
    """Compare the grants in force in the schemas, and on the database, with the ones that are wanted.

    Functions are looked at wherever they stand: one that runs with its owner's rights is a way around grants.

    What an account owns is another fault, and left out here.
    """
    return [
        *_find_database_faults(accounts),
        *_find_schema_faults(schemas, accounts),
        *_find_relation_faults(schemas, accounts),
        *_find_function_faults(accounts),
    ]


def _find_relation_faults(schemas: Sequence[str], accounts: Sequence[str]) -> list[PowerFault]:
    """Tables, sequences and views, all schemas in one statement.

    The same rights on the same table in many schemas are one row. What an extension brought with it is the
    extension's.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH accounts AS (
                SELECT oid, rolname AS name FROM pg_roles WHERE rolname = ANY(%(accounts)s)
                UNION ALL SELECT 0::oid, 'PUBLIC'
            ), relations AS (
                SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relacl, c.relowner
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                                  AND d.objid = c.oid AND d.deptype = 'e')
            ), given AS (
                SELECT r.oid, a.grantee, a.privilege_type AS privilege, a.is_grantable
                FROM relations r, aclexplode(r.relacl) a
                UNION ALL
                SELECT r.oid, a.grantee, format('%%s (%%s)', a.privilege_type, t.attname), a.is_grantable
                FROM relations r
                JOIN pg_attribute t ON t.attrelid = r.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped,
                    aclexplode(t.attacl) a
            ), held AS (
                SELECT g.oid, a.name, array_agg(DISTINCT g.privilege
                    || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS privileges
                FROM given g JOIN accounts a ON a.oid = g.grantee
                GROUP BY g.oid, a.name
            )
            SELECT r.relname, r.relkind, a.name, COALESCE(h.privileges, '{}'),
                   array_agg(r.nspname ORDER BY r.nspname)
            FROM relations r JOIN accounts a ON a.oid <> r.relowner
            LEFT JOIN held h ON h.oid = r.oid AND h.name = a.name
            GROUP BY 1, 2, 3, 4 ORDER BY 1, 3
            """,
            {"schemas": list(schemas), "accounts": list(accounts)},
        )
        found = cursor.fetchall()
    faults = []
    for name, kind, account, privileges, where in found:
        has = frozenset(privileges)
        for schema in where:
            text = _wanted(name, kind, account, schema == get_public_schema_name())
            should = _parse(text)
            if should != has:
                faults.append(
                    PowerFault(
                        _worded(f"{account} on {schema}.{name}", should - has, has - should),
                        _mending_sql(schema, name, kind, account, text),
                        WRONG_GRANT,
                    )
                )
    return faults


def _find_schema_faults(schemas: Sequence[str], accounts: Sequence[str]) -> list[PowerFault]:
    """Each account uses each schema, and nobody makes anything in one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH accounts AS (
                SELECT oid, rolname AS name FROM pg_roles WHERE rolname = ANY(%(accounts)s)
                UNION ALL SELECT 0::oid, 'PUBLIC'
            )
            SELECT n.nspname, a.name, COALESCE(bool_or(g.privilege_type = 'USAGE'), false),
                   COALESCE(bool_or(g.privilege_type = 'CREATE'), false)
            FROM pg_namespace n JOIN accounts a ON a.oid <> n.nspowner
            LEFT JOIN LATERAL aclexplode(COALESCE(n.nspacl, acldefault('n', n.nspowner))) g
                ON g.grantee = a.oid
            WHERE n.nspname = ANY(%(schemas)s)
            GROUP BY 1, 2 ORDER BY 1, 2
            """,
            {"schemas": list(schemas), "accounts": list(accounts)},
        )
        found = cursor.fetchall()
    faults = []
    for schema, account, may_use, may_make in found:
        who = _quoted(account)
        if may_make:
            reason = f"{account} may make tables and functions in the schema {schema}"
            statement = f'REVOKE CREATE ON SCHEMA "{schema}" FROM {who};'
            faults.append(PowerFault(reason, statement, WRONG_GRANT))
        if not may_use and account != EVERYBODY:
            reason = f"{account} may not use the schema {schema}"
            statement = f'GRANT USAGE ON SCHEMA "{schema}" TO {who};'
            faults.append(PowerFault(reason, statement, WRONG_GRANT))
        if may_use and account == EVERYBODY and schema != get_public_schema_name():
            reason = f"{account} may use the schema {schema}"
            statement = f'REVOKE USAGE ON SCHEMA "{schema}" FROM {who};'
            faults.append(PowerFault(reason, statement, WRONG_GRANT))
    return faults


def _find_database_faults(accounts: Sequence[str]) -> list[PowerFault]:
    """Nobody makes schemas. Temporary tables are everybody's: replays work on them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH accounts AS (
                SELECT oid, rolname AS name FROM pg_roles WHERE rolname = ANY(%(accounts)s)
                UNION ALL SELECT 0::oid, 'PUBLIC'
            )
            SELECT DISTINCT a.name, d.datname
            FROM pg_database d, aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) g
            JOIN accounts a ON a.oid = g.grantee
            WHERE d.datname = current_database() AND g.privilege_type = 'CREATE'
              AND a.oid <> d.datdba
            ORDER BY 1
            """,
            {"accounts": list(accounts)},
        )
        found = cursor.fetchall()
    return [
        PowerFault(
            f"{account} may make schemas in the database",
            f'REVOKE CREATE ON DATABASE "{database}" FROM {_quoted(account)};',
            WRONG_GRANT,
        )
        for account, database in found
    ]


def _find_function_faults(accounts: Sequence[str]) -> list[PowerFault]:
    """Nobody executes what runs with another's rights (SECURITY DEFINER), in whatever schema they reach.

    What an extension brought with it is the extension's, and nobody calls what answers events of the server.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH accounts AS (
                SELECT oid, rolname AS name FROM pg_roles WHERE rolname = ANY(%(accounts)s)
                UNION ALL SELECT 0::oid, 'PUBLIC'
            )
            SELECT DISTINCT a.name, p.oid::regprocedure::text, pg_get_userbyid(p.proowner)
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
                 aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) g
            JOIN accounts a ON a.oid = g.grantee
            WHERE p.prosecdef AND a.oid <> p.proowner AND p.prorettype <> 'event_trigger'::regtype
              AND EXISTS (SELECT FROM unnest(%(accounts)s::text[]) who
                          WHERE has_schema_privilege(who, n.oid, 'USAGE'))
              AND n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND n.nspname NOT LIKE 'pg\\_temp\\_%%'
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                              AND d.objid = p.oid AND d.deptype = 'e')
            ORDER BY 2, 1
            """,
            {"accounts": list(accounts)},
        )
        found = cursor.fetchall()
    return [
        PowerFault(
            f"{account} may execute {signature}, which runs with the rights of {owner}",
            f"REVOKE ALL ON ROUTINE {signature} FROM {_quoted(account)};",
            WRONG_GRANT,
        )
        for account, signature, owner in found
    ]


@cache
def _wanted(name: str, kind: str, account: str, is_public: bool) -> str:
    """The privilege list that an account is to have on a table, a sequence or a view."""
    if kind == "S":
        return SEQUENCE_RIGHTS if account == RUN_TIME_LOGIN else ""
    if kind not in {"r", "p"}:
        return ""
    return dict(wanted_privileges(name, is_public=is_public)).get(account) or ""


@cache
def _parse(privileges: str) -> frozenset[str]:
    """Read a privilege list such as ``INSERT, SELECT (id, name)``, one entry for each column."""
    found: set[str] = set()
    for privilege, columns in re.findall(r"(\w+)\s*(?:\(([^)]*)\))?\s*(?:,|$)", privileges):
        names = [name.strip() for name in columns.split(",")] if columns else []
        found.update([f"{privilege} ({name})" for name in names] or [privilege])
    return frozenset(found)


def _worded(where: str, missing: frozenset[str], excess: frozenset[str]) -> str:
    parts = [
        f"{words} {', '.join(sorted(privileges))}"
        for words, privileges in (("lacks", missing), ("has too much:", excess))
        if privileges
    ]
    return f"{where} {' and '.join(parts)}"


def _mending_sql(schema: str, name: str, kind: str, account: str, privileges: str) -> str:
    what = f'{"SEQUENCE " if kind == "S" else ""}"{schema}"."{name}"'
    who = _quoted(account)
    statement = f"REVOKE ALL ON {what} FROM {who};"
    return f"{statement} GRANT {privileges} ON {what} TO {who};" if privileges else statement


def _quoted(account: str) -> str:
    return account if account == EVERYBODY else f'"{account}"'
