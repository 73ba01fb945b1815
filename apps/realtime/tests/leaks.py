"""Everything that a run has left behind, as text: to look through for what must be nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from django.db import connection

from apps.tenants.valkey import valkey


def all_texts(records: Iterable[logging.LogRecord]) -> Iterator[str]:
    """Every row of the tenant's tables and of the public ones, what Valkey holds, each line of the log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('acme', 'public')"
        )
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM {schema}."{table}" t')
            yield from (text for (text,) in cursor.fetchall())
    for key in valkey().scan_iter():
        yield f"{key!r} {valkey().dump(key)!r}"
    for record in records:
        yield f"{record.getMessage()} {vars(record)}"
