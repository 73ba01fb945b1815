"""One import at a time per tenant and kind of record, by an advisory lock of the session.

The lock dies with its process. So a run that says it is running while nobody holds its lock was killed;
since it is finished in the same transaction that writes its records, nothing of it has been written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.utils import timezone

from apps.crm.enums import RecordKind
from apps.crm.importing.exceptions import ImportBusyError
from apps.crm.models.imports import ImportRun, ImportStatus
from apps.tenants.connections import tenant_connection

KILLED = "The process that ran the import ended before it was done. Nothing was imported; start it again."


@contextmanager
def import_lock(kind: RecordKind) -> Iterator[None]:
    """Hold the lock for the block.

    Raises:
        ImportBusyError: another import of this kind is running for this tenant.
    """
    keys = [f"crm_import:{tenant_connection().schema_name}", kind.value]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", keys)
        if not cursor.fetchone()[0]:
            raise ImportBusyError(kind.label)
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", keys)


def mark_killed_runs() -> int:
    """Mark runs as failed that claim to be running while no process holds their lock; return how many.

    One statement: a run that finishes meanwhile is looked at again by PostgreSQL before it is changed.
    """
    table = ImportRun._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {table} SET status = %s, failure = %s, finished_at = %s
            WHERE status = %s AND NOT EXISTS (
                SELECT 1 FROM pg_locks
                WHERE locktype = 'advisory' AND objsubid = 2 AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND classid::bigint = hashtext(%s)::bigint & 4294967295
                  AND objid::bigint = hashtext({table}.record_kind)::bigint & 4294967295
            )
            """,  # noqa: S608 - the table's name is ours
            [
                ImportStatus.FAILED,
                KILLED,
                timezone.now(),
                ImportStatus.RUNNING,
                f"crm_import:{tenant_connection().schema_name}",
            ],
        )
        return int(cursor.rowcount)
