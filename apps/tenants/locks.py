"""A tenant's advisory locks: the database frees them when the process that holds one dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

from apps.tenants.connections import tenant_connection
from apps.tenants.statements import Asked, Prepared

_LOCK_NOT_AVAILABLE = "55P03"

_FOR_TRANSACTION = Prepared.with_text(
    "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", ["text"]
)


@contextmanager
def holding(name: str, *, wait_ms: int = 0) -> Iterator[bool]:
    """Hold the tenant's lock for the block, if it is to be had within ``wait_ms``; yields whether it is."""
    key = _key(name)
    is_ours = _wait_for(key, wait_ms) if wait_ms else _try(key)
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def lock_for_transaction(name: str) -> None:
    """Wait for the tenant's lock and keep it until the running transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_key(name)])


def asking_lock_for_transaction(name: str) -> Asked[None]:
    """The same, to be asked together with what is done under the lock."""
    return Asked(_FOR_TRANSACTION, [_key(name)], lambda _: None)


def is_held(*names: str) -> bool:
    """Whether somebody holds one of the tenant's locks, seen without taking it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM pg_locks,
                              (SELECT hashtextextended(name, 0) AS key FROM unnest(%s::text[]) name) k
                WHERE locktype = 'advisory' AND granted AND objsubid = 1
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND classid = ((k.key >> 32) & 4294967295)::oid
                  AND objid = (k.key & 4294967295)::oid
            )
            """,
            [[_key(name) for name in names]],
        )
        return bool(cursor.fetchone()[0])


def _try(key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        return bool(cursor.fetchone()[0])


def _wait_for(key: str, wait_ms: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [str(wait_ms)])
        try:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            return False
        finally:
            cursor.execute("SELECT set_config('lock_timeout', '0', false)")
        return True


def _key(name: str) -> str:
    return f"{name}:{tenant_connection().schema_name}"
