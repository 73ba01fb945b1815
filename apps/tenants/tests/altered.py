"""A table that is altered beside running sessions, as a migration does while old processes still run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from apps.tenants.models import Tenant

_TYPE = """
    SELECT format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND attname = %s
"""


@contextmanager
def altered(tenant: Tenant, table: str, column: str, new_type: str) -> Iterator[None]:
    """Give a column another type, and the table one more column, for the length of the block.

    For committed tenants, and outside of transactions: one that has read the table would be waited for.
    """
    with psycopg.connect(
        settings.DATABASE_OWNER_URL,
        dbname=connection.settings_dict["NAME"],
        autocommit=True,
        options="-c lock_timeout=10s",
    ) as owner:
        found = owner.execute(_TYPE, [tenant.schema_name, table, column]).fetchone()
        assert found is not None
        alter = sql.SQL("ALTER TABLE {table} ALTER COLUMN {column} TYPE {type}, {more}")
        names = {
            "table": sql.Identifier(tenant.schema_name, table),
            "column": sql.Identifier(column),
        }
        more = sql.SQL("ADD COLUMN added_later text NOT NULL DEFAULT ''")
        owner.execute(alter.format(**names, type=sql.SQL(new_type), more=more))
        try:
            yield
        finally:
            more = sql.SQL("DROP COLUMN added_later")
            owner.execute(alter.format(**names, type=sql.SQL(found[0]), more=more))
