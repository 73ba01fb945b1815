"""What a schema says of itself: that the demo made it, and as of when its dates stand.

The mark is the schema's comment in PostgreSQL, written in the transaction that loads or moves the data: it
can neither be lost nor outlive them, and no table of the product has to know of the demo.
"""

from __future__ import annotations

import json
from datetime import datetime

from django.db import connection
from psycopg import sql

_KEY = "aisha_demo_as_of"


def read_mark(schema: str) -> datetime | None:
    """The moment as of which the demo's data stand, or None when the demo has not made the schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s",
            [schema],
        )
        row = cursor.fetchone()
    try:
        found = json.loads(row[0])[_KEY] if row and row[0] else None
    except (ValueError, KeyError, TypeError):
        return None
    return datetime.fromisoformat(found) if found else None


def write_mark(schema: str, as_of: datetime) -> None:
    """Note that the demo's data in ``schema`` stand as of a moment."""
    text = json.dumps({_KEY: as_of.isoformat()})
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(text))
        )
