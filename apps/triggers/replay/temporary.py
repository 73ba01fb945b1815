"""The temporary tables of a replay: their names, their removal, and the transactions around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg import sql

from apps.tenants.connections import tenant_connection

PREFIX = "replay_"

# A replay works beside people who wait for their pages: no statement of it may take longer.
STATEMENT_TIMEOUT_S = 120


def real(table: str) -> sql.Identifier:
    """A table of the tenant, whatever temporary one bears its name."""
    return sql.Identifier(tenant_connection().schema_name, table)


def past(table: str) -> sql.Identifier:
    """The temporary table that holds the past of a tenant's table."""
    return temporary(PREFIX + table)


def temporary(name: str) -> sql.Identifier:
    """A temporary table of this session."""
    return sql.Identifier("pg_temp", name)


def columns(names: Iterable[str], prefix: str = "") -> sql.Composed:
    """A list of columns, each with the alias of its table where there is one."""
    before = (prefix,) if prefix else ()
    return sql.SQL(", ").join(sql.Identifier(*before, name) for name in names)


@contextmanager
def short_transaction() -> Iterator[None]:
    """A transaction in which no statement may run away."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true)",
                [str(STATEMENT_TIMEOUT_S * 1000)],
            )
        yield


@contextmanager
def read_only() -> Iterator[None]:
    """A transaction, or a part of one, in which PostgreSQL lets temporary tables be written and no others."""
    with short_transaction(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield


def lend_names(tables: Iterable[str]) -> None:
    """Give the temporary tables the names of the real ones, until the transaction ends or ``take_back``."""
    _rename((PREFIX + table, table) for table in tables)


def take_names_back(tables: Iterable[str]) -> None:
    """Give the temporary tables their own names again."""
    _rename((table, PREFIX + table) for table in tables)


def drop_all() -> None:
    """Remove what this or an earlier replay has left in the session, if the session still lives."""
    if not connection.is_usable() or connection.needs_rollback:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = pg_my_temp_schema() "
            "AND relkind IN ('r', 'v') AND starts_with(relname, %s)",
            [PREFIX],
        )
        for name, kind in cursor.fetchall():
            statement = "DROP VIEW {}" if kind == "v" else "DROP TABLE {}"
            cursor.execute(sql.SQL(statement).format(temporary(name)))


def _rename(pairs: Iterable[tuple[str, str]]) -> None:
    with connection.cursor() as cursor:
        for name, other in pairs:
            cursor.execute(
                sql.SQL("ALTER TABLE {} RENAME TO {}").format(
                    temporary(name), sql.Identifier(other)
                )
            )
