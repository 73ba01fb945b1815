"""What the accounts are: their attributes, what they are members of, and what they own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import connection

from apps.tenants.checks.faults import PowerFault
from apps.tenants.enums import Role
from apps.tenants.roles import RUN_TIME_LOGIN

CANNOT_TAKE = "tenants.W001"
TOO_MIGHTY = "tenants.W003"

_ROLES = tuple(role.value for role in Role)

# Attribute → what it means, as the rest of a sentence.
_ATTRIBUTES = {
    "SUPERUSER": "is a superuser, whom no grant binds",
    "BYPASSRLS": "passes over row security",
    "CREATEROLE": "may make and change roles",
    "CREATEDB": "may make databases",
    "REPLICATION": "may copy the whole database cluster",
    "LOGIN": "is a role that may sign in by itself",
}


def find_account_faults(accounts: Sequence[str]) -> list[PowerFault]:
    """What the accounts are beyond, or short of, what they are meant to be."""
    return [
        *_find_attributes(accounts),
        *_find_missing_roles(accounts),
        *_find_memberships(accounts),
        *_find_ownership(accounts),
    ]


def find_login_faults(accounts: Sequence[str]) -> list[PowerFault]:
    """What the connected login is, where it is none of the accounts: nobody else's rights are known."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper OR rolbypassrls, EXISTS ("
            "  SELECT FROM pg_class WHERE relowner = r.oid AND relkind IN ('r', 'p')"
            "    AND relpersistence <> 't'"
            "    AND relnamespace <> ALL ('{pg_catalog,information_schema}'::regnamespace[]))"
            " FROM pg_roles r WHERE rolname = session_user"
        )
        login, is_above, is_owner = cursor.fetchone()
    if login in accounts:
        return []
    faults = []
    if is_above:
        faults.append(
            PowerFault(
                f"{login} is bound by no grant",
                f'ALTER ROLE "{login}" NOSUPERUSER NOBYPASSRLS;',
                TOO_MIGHTY,
            )
        )
    if is_owner:
        faults.append(
            PowerFault(
                f"{login} owns the tables: connect as the run-time login instead",
                f"CREATE ROLE {RUN_TIME_LOGIN} LOGIN PASSWORD '…';",
                TOO_MIGHTY,
            )
        )
    return faults or [
        PowerFault(
            f"{login} is not the run-time login, whose rights alone are known: connect as {RUN_TIME_LOGIN}",
            f"CREATE ROLE {RUN_TIME_LOGIN} LOGIN PASSWORD '…';",
            TOO_MIGHTY,
        )
    ]


def _find_attributes(accounts: Sequence[str]) -> list[PowerFault]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT rolname, array_remove(ARRAY[
                CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
                CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
                CASE WHEN rolreplication THEN 'REPLICATION' END,
                CASE WHEN rolcanlogin AND rolname = ANY(%(roles)s) THEN 'LOGIN' END
            ], NULL)
            FROM pg_roles WHERE rolname = ANY(%(accounts)s) ORDER BY rolname
            """,
            {"accounts": list(accounts), "roles": list(_ROLES)},
        )
        found = cursor.fetchall()
    return [
        PowerFault(
            f"{account} {_ATTRIBUTES[attribute]}",
            f'ALTER ROLE "{account}" NO{attribute};',
            TOO_MIGHTY,
        )
        for account, attributes in found
        for attribute in attributes
    ]


def _find_missing_roles(accounts: Sequence[str]) -> list[PowerFault]:
    """The roles that the run-time login cannot take."""
    if RUN_TIME_LOGIN not in accounts:
        return []
    faults = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int >= 160000")
        (can_be_barred,) = cursor.fetchone()
        # Since PostgreSQL 16 a member may be barred from SET ROLE.
        how, options = ("SET", " WITH INHERIT FALSE, SET TRUE") if can_be_barred else ("MEMBER", "")
        for role in _ROLES:
            if role in accounts:
                cursor.execute("SELECT pg_has_role(%s, %s, %s)", [RUN_TIME_LOGIN, role, how])
                if cursor.fetchone()[0]:
                    continue
                make = ""
            else:
                make = f"CREATE ROLE {role} NOLOGIN NOINHERIT; "
            faults.append(
                PowerFault(
                    f"{RUN_TIME_LOGIN} cannot take the role {role}",
                    f'{make}GRANT {role} TO "{RUN_TIME_LOGIN}"{options};',
                    CANNOT_TAKE,
                )
            )
    return faults


def _find_memberships(accounts: Sequence[str]) -> list[PowerFault]:
    """Every membership of an account but that of the run-time login in the two roles.

    What is held by way of a role that is held hangs on one of these, so one step is enough.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.rolname, r.rolname, g.rolname, a.admin_option,
                   current_setting('server_version_num')::int >= 160000
            FROM pg_auth_members a
            JOIN pg_roles m ON m.oid = a.member
            JOIN pg_roles r ON r.oid = a.roleid
            LEFT JOIN pg_roles g ON g.oid = a.grantor
            WHERE m.rolname = ANY(%s)
            ORDER BY 1, 2, 3
            """,
            [list(accounts)],
        )
        found = cursor.fetchall()
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for member, role, grantor, is_admin, is_by_grantor in found:
        is_meant = member == RUN_TIME_LOGIN and role in _ROLES
        if is_meant and not is_admin:
            continue
        what = "ADMIN OPTION FOR " if is_meant else ""
        by = f' GRANTED BY "{grantor}"' if is_by_grantor else ""
        reason = (
            f"{member} may let others take the role {role}"
            if is_meant
            else f"{member} is a member of {role} and may do what that may"
        )
        reasons[reason].append(f'REVOKE {what}"{role}" FROM "{member}"{by};')
    return [
        PowerFault(reason, " ".join(statements), TOO_MIGHTY)
        for reason, statements in reasons.items()
    ]


def _find_ownership(accounts: Sequence[str]) -> list[PowerFault]:
    """What the accounts own: no grant binds an owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH owned AS (
                SELECT c.relowner AS owner, format('%%I.%%I', n.nspname, c.relname) AS name
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
                UNION ALL
                SELECT nspowner, format('the schema %%I', nspname) FROM pg_namespace
                UNION ALL
                SELECT p.proowner, format('the function %%I.%%I', n.nspname, p.proname)
                FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname NOT LIKE 'pg\\_temp\\_%%'
                UNION ALL
                SELECT datdba, 'the database' FROM pg_database WHERE datname = current_database()
            )
            SELECT r.rolname, min(owned.name), count(*),
                   (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database())
            FROM owned JOIN pg_roles r ON r.oid = owned.owner
            WHERE r.rolname = ANY(%s) GROUP BY r.rolname ORDER BY r.rolname
            """,
            [list(accounts)],
        )
        found = cursor.fetchall()
    return [
        PowerFault(
            f"{account} owns {first}{f' and {count - 1} more' if count > 1 else ''}",
            f'REASSIGN OWNED BY "{account}" TO "{owner if owner != account else "…"}";',
            TOO_MIGHTY,
        )
        for account, first, count, owner in found
    ]
