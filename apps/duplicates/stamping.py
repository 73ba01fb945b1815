"""What the database does when pairs are written, whoever writes them.

A pair of which readers must be told again takes the transaction of its change, so that they find it by their
cursors; and who waits for changes is woken, as by a change of a record (``apps.crm.changelog``).
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from apps.duplicates.models import Pair
from apps.tenants.database_triggers import DatabaseTrigger

_FUNCTIONS = """
CREATE OR REPLACE FUNCTION public.duplicates_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    NEW.transaction_id := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $body$;

CREATE OR REPLACE FUNCTION public.duplicates_wake() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF EXISTS (SELECT FROM n WHERE n.transaction_id = pg_current_xact_id()::text::bigint) THEN
        PERFORM pg_notify('aisha_changes', TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END $body$;
"""
# Whom a pair concerns, and what is told of it: a probability to two places.
_TELLING = (
    "survivor_kind", "survivor_id", "duplicate_kind", "duplicate_id", "state", "is_likely",
    "round(probability::numeric, 2)",
)  # fmt: skip


def install(schema: str) -> None:
    """Create or replace the triggers in ``schema``; safe to run again."""
    with connection.cursor() as cursor:
        # Several tenants may be prepared at once: replacing one function from two sessions collides.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('duplicates_stamp'))")
        cursor.execute(sql.SQL(_FUNCTIONS))
        for trigger in database_triggers():
            cursor.execute(trigger.statement(schema))


def database_triggers() -> list[DatabaseTrigger]:
    """One that stamps what is changed, and one each that wakes after new and after changed pairs."""
    table = Pair._meta.db_table
    stamp = DatabaseTrigger(
        table=table,
        name="stamp",
        moment="BEFORE UPDATE",
        function="duplicates_stamp",
        is_for_each_row=True,
        condition=sql.SQL("({}) IS DISTINCT FROM ({})").format(_row("OLD"), _row("NEW")),
    )
    wake = [
        DatabaseTrigger(
            table=table,
            name=f"wake_{operation.lower()}",
            moment=f"AFTER {operation}",
            function="duplicates_wake",
            referencing="NEW TABLE AS n",
        )
        for operation in ("INSERT", "UPDATE")
    ]
    return [stamp, *wake]


def _row(name: str) -> sql.SQL:
    columns = (
        column.replace("(", f"({name}.") if "(" in column else f"{name}.{column}"
        for column in _TELLING
    )
    return sql.SQL(", ".join(columns))
