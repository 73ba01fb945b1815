"""Taking a least-power database role for the length of a block, and making the roles themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection, transaction

from apps.tenants.enums import Role
from apps.tenants.exceptions import NestedRoleError, RoleEscapeError
from apps.tenants.statements import Asked, Prepared, ask_together

RUN_TIME_LOGIN = "aisha_app"

_current_role: ContextVar[Role | None] = ContextVar("current_role", default=None)

# Any statement that would leave or change the role, or end the transaction that bounds it. The block's own
# statements do not pass here: they are sent before the guard is installed and after it is removed.
_ROLE_CHANGE = re.compile(
    r"""
    \bset\s+(local\s+|session\s+)?"?(role|session_authorization|session\s+authorization)\b
    | \breset\s+"?(role|session_authorization|session\s+authorization|all)\b
    | \bset_config\s*\(
    | \bdiscard\s+all\b
    | (^|;)\s*(commit|end|abort|rollback(?!\s+to)|prepare\s+transaction)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def current_role() -> Role | None:
    """Return the role that the running block has taken, or None outside any."""
    return _current_role.get()


# Local to the transaction.
_TAKE = Prepared.with_text("SELECT set_config('role', $1, true)", ["text"])


@contextmanager
def taking_role(role: Role, *first: Asked[Any], savepoint: bool = True) -> Iterator[list[Any]]:
    """Run the block's SQL as ``role``, inside a transaction (a savepoint if one is open).

    ``first`` is what the block begins with, asked as ``role`` and sent along; the block is given what became
    of it.

    On a clean exit from within a transaction the role is given back explicitly, because ``SET LOCAL ROLE``
    outlives a released savepoint; otherwise the commit gives it back, and on an exception the rollback.
    Taking the same role again is harmless.
    ``savepoint`` is False where an exception rolls back the open transaction as a whole: Django sees to
    that, and sends no statement before.

    Raises:
        NestedRoleError: another role is already taken.
        RoleEscapeError: a statement in the block tries to change the role.
    """
    taken = _current_role.get()
    if taken == role:
        yield ask_together(*first)
        return
    if taken is not None:
        raise NestedRoleError(taken=taken, wanted=role)
    is_within = connection.in_atomic_block
    with transaction.atomic(savepoint=savepoint):
        answers = ask_together(Asked(_TAKE, [role.value], lambda _: None), *first)[1:]
        token = _current_role.set(role)
        try:
            with connection.execute_wrapper(_refuse_role_change):
                yield answers
        finally:
            _current_role.reset(token)
        if is_within:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL ROLE NONE")


def _refuse_role_change(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    if _ROLE_CHANGE.search(str(sql)):
        raise RoleEscapeError()
    return execute(sql, params, many, context)


def ensure_roles() -> None:
    """Make the two roles and let the run-time login take them; safe to run twice and at once.

    Needs CREATEROLE; ``docs/operations.md`` has the SQL for a managed server.
    """
    with connection.cursor() as cursor:
        for role in Role:
            cursor.execute(
                f"""
                DO $$ BEGIN
                    CREATE ROLE {role.value} NOLOGIN NOINHERIT;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END $$
                """
            )
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [RUN_TIME_LOGIN])
        logins = [RUN_TIME_LOGIN] if cursor.fetchone() else []
        cursor.execute("SELECT current_user, current_setting('server_version_num')::int")
        owner, version = cursor.fetchone()
        for login in dict.fromkeys([*logins, owner]):
            for role in Role:
                options = " WITH INHERIT FALSE, SET TRUE" if version >= 160000 else ""
                cursor.execute(f'GRANT {role.value} TO "{login}"{options}')
