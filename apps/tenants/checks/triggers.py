"""Whether the database triggers that the product rests on are there and switched on."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from apps.tenants.checks.faults import PowerFault
from apps.tenants.database_triggers import registered_database_triggers

MISSING_TRIGGER = "tenants.W004"


def find_trigger_faults(schemas: Sequence[str]) -> list[PowerFault]:
    """The triggers that are missing, switched off, or not what they are called; all schemas at once.

    A table that a schema does not have needs none. What a function does is not read.
    """
    wanted = {(trigger.table, trigger.name): trigger for trigger in registered_database_triggers()}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT n.nspname, w.on_table, w.named,
                   CASE WHEN t.oid IS NULL THEN 'is missing'
                        WHEN t.tgenabled NOT IN ('O', 'A') THEN 'is switched off'
                        ELSE 'is another than the one that belongs there' END
            FROM unnest(%(tables)s::text[], %(names)s::text[], %(functions)s::text[], %(public)s::bool[],
                        %(bits)s::int[]) AS w (on_table, named, function, is_public, bits)
            JOIN pg_class c ON c.relname = w.on_table AND c.relkind IN ('r', 'p')
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = w.named AND NOT t.tgisinternal
            LEFT JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE n.nspname = ANY(%(schemas)s) AND (
                t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A') OR t.tgtype <> w.bits
                OR p.proname <> w.function
                OR p.pronamespace <> CASE WHEN w.is_public THEN 'public'::regnamespace ELSE n.oid END
            )
            ORDER BY 1, 2, 3
            """,
            {
                "schemas": list(schemas),
                "tables": [trigger.table for trigger in wanted.values()],
                "names": [trigger.name for trigger in wanted.values()],
                "functions": [trigger.function for trigger in wanted.values()],
                "public": [trigger.is_function_public for trigger in wanted.values()],
                "bits": [trigger.type_bits for trigger in wanted.values()],
            },
        )
        found = cursor.fetchall()
    return [
        PowerFault(
            f"the database trigger {name} on {schema}.{table} {state}",
            f'ALTER TABLE "{schema}"."{table}" ENABLE TRIGGER "{name}";'
            if state == "is switched off"
            else f"{wanted[table, name].statement(schema).as_string(None)};",
            MISSING_TRIGGER,
        )
        for schema, table, name, state in found
    ]
