"""The measures of the audit log: what the chain costs its writers, and how long a check of it takes.

Ten connections write one entry in each transaction, as ten people would who decide at once, while the log is
sealed every second, sixty times as often as in use. The baseline is the same table without the number of the
transaction and its index, which nobody seals.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from statistics import median

import psycopg
from django.conf import settings
from django.utils import timezone
from psycopg import sql

from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.sealing import read_horizon, seal_log
from apps.audit.verifying import verify_log
from apps.tenants.connections import tenant_connection

_WRITERS = 10
_ENTRIES_PER_WRITER = 6000
_ROUNDS = 5
_TIMES_PLAIN = 1.2
_ENTRIES = 1_000_000
_MOST_S = 30.0
_SEAL_EVERY_S = 1.0

_LOG = AuditEntry._meta.db_table
_PLAIN = "bench_plain_log"

# The loop runs in the server, so that the writers' own program costs nothing.
_WRITE = """
DO $$ BEGIN
    FOR n IN 1..{count} LOOP
        INSERT INTO {table} (event, actor_id, actor_name, origin, request_id, record_kind, record_id,
                             suggestion_id, details)
        VALUES ('suggestion.approved', 7, 'Ada Byron', 'person', md5(n::text), 'lead', n, n,
                '{{"goal": "revive_lead", "tool": "create_followup"}}');
        COMMIT;
    END LOOP;
END $$
"""
_FILL = """
INSERT INTO {table} (event, actor_id, actor_name, origin, request_id, record_kind, record_id, suggestion_id,
                     details, transaction_id)
SELECT 'suggestion.approved', n %% 50, 'Person ' || n %% 50, 'person', md5(n::text), 'lead', n, n,
       '{{"goal": "revive_lead", "tool": "create_followup"}}', n * %(horizon)s / (%(total)s + 1)
FROM generate_series(1, %(total)s::bigint) AS n
"""


def measure_writing() -> dict[str, object]:
    """Ten writers at once, into the log and into a table without the chain, in turns."""
    with _owner() as owner:
        _empty(owner)
        owner.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_table(_PLAIN)))
        owner.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(_table(_PLAIN), _table(_LOG))
        )
        # The index goes with its column.
        owner.execute(sql.SQL("ALTER TABLE {} DROP COLUMN transaction_id").format(_table(_PLAIN)))
        try:
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(_ROUNDS):
                times[0].append(_write_s(_LOG))
                times[1].append(_write_s(_PLAIN))
        finally:
            owner.execute(sql.SQL("DROP TABLE {}").format(_table(_PLAIN)))
    sealed = sum(map(len, AuditSeal.objects.values_list("entry_ids", flat=True)))
    entries = _WRITERS * _ENTRIES_PER_WRITER
    ours_ms, plain_ms = (median(spent) / entries * 1000 for spent in times)
    return {
        "name": "insert with ten writers",
        "value": round(ours_ms, 4),
        "unit": "ms/entry",
        "target": round(plain_ms * _TIMES_PLAIN, 4),
        "better": "lower",
        "baseline": round(plain_ms, 4),
        "remark": f"{ours_ms / plain_ms:.2f} times a table without the chain; "
        f"{sealed:,} of {entries * _ROUNDS:,} were sealed meanwhile, every second",
    }


def measure_verifying() -> Iterator[dict[str, object]]:
    """Sealing and checking a million entries."""
    with _owner() as owner:
        _empty(owner)
        owner.execute(
            sql.SQL(_FILL).format(table=_table(_LOG)),
            {"horizon": read_horizon().oldest_running, "total": _ENTRIES},
        )
        # As autovacuum would, soon after so many new rows.
        owner.execute(sql.SQL("VACUUM ANALYZE {}").format(_table(_LOG)))
    began = time.perf_counter()
    sealed = seal_log(now=timezone.now())
    sealing_s = time.perf_counter() - began
    began = time.perf_counter()
    verdict = verify_log()
    verifying_s = time.perf_counter() - began
    if (sealed, verdict.sealed, verdict.fault_count) != (_ENTRIES, _ENTRIES, 0):
        raise RuntimeError(f"{sealed} sealed; {verdict}")
    yield {
        "name": "verify 1M rows",
        "value": round(verifying_s, 1),
        "unit": "s",
        "target": _MOST_S,
        "better": "lower",
        "remark": f"in {verdict.seals} seals",
    }
    yield {"name": "seal 1M rows", "value": round(sealing_s, 1), "unit": "s", "better": "lower"}


def _write_s(table: str) -> float:
    """How long all writers take; the log is sealed meanwhile, the plain table is not."""
    text = sql.SQL(_WRITE).format(count=sql.Literal(_ENTRIES_PER_WRITER), table=_table(table))
    account = settings.DATABASE_URL if table == _LOG else settings.DATABASE_OWNER_URL
    connections = [psycopg.connect(account, autocommit=True) for _ in range(_WRITERS)]
    try:
        with ThreadPoolExecutor(_WRITERS) as pool:
            began = time.perf_counter()
            writers = [pool.submit(_write, connection, text) for connection in connections]
            while not all(writer.done() for writer in writers):
                if table == _LOG:
                    seal_log(now=timezone.now())
                wait(writers, timeout=_SEAL_EVERY_S)
            # A seal that goes on after the last writer keeps none of them.
            return max(writer.result() for writer in writers) - began
    finally:
        for connection in connections:
            connection.close()


def _write(connection: psycopg.Connection, text: sql.Composed) -> float:
    """Write, and tell when that was done."""
    connection.execute(text)
    return time.perf_counter()


def _owner() -> psycopg.Connection:
    return psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True)


def _empty(owner: psycopg.Connection) -> None:
    """Begin as on the first day: the tenant outlives the run."""
    for model in (AuditEntry, AuditSeal):
        table = _table(model._meta.db_table)
        for statement in (
            "ALTER TABLE {} DISABLE TRIGGER USER",
            "TRUNCATE {} RESTART IDENTITY",
            "ALTER TABLE {} ENABLE TRIGGER USER",
        ):
            owner.execute(sql.SQL(statement).format(table))


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(tenant_connection().schema_name, name)
