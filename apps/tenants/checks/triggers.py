"""Whether the database triggers that the product rests on are in force, and no others and no rules."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from apps.tenants.checks.faults import PowerFault
from apps.tenants.database_triggers import registered_database_triggers

MISSING_TRIGGER = "tenants.W004"
RULE = "tenants.W005"
FOREIGN_TRIGGER = "tenants.W006"


def find_trigger_faults(schemas: Sequence[str]) -> list[PowerFault]:
    """What keeps a trigger from doing what it is there for, in all schemas at once."""
    return [*_find_triggers(schemas), *_find_foreign(schemas), *_find_rules(schemas)]


def _find_triggers(schemas: Sequence[str]) -> list[PowerFault]:
    """The triggers that are missing, switched off, or not what they are called.

    A table that a schema does not have needs none. That a trigger has a condition is asked, not what it says;
    nor is read what a function does.
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
                        %(bits)s::int[], %(arguments)s::text[], %(conditional)s::bool[])
                AS w (on_table, named, function, is_public, bits, arguments, is_conditional)
            JOIN pg_class c ON c.relname = w.on_table AND c.relkind IN ('r', 'p')
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = w.named AND NOT t.tgisinternal
            LEFT JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE n.nspname = ANY(%(schemas)s) AND (
                t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A') OR t.tgtype <> w.bits
                OR p.proname <> w.function OR encode(t.tgargs, 'escape') <> w.arguments
                OR (t.tgqual IS NOT NULL) <> w.is_conditional OR t.tgattr::text <> ''
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
                # As PostgreSQL shows them: each ends with a zero byte.
                "arguments": [
                    "".join(rf"{argument}\000" for argument in trigger.arguments)
                    for trigger in wanted.values()
                ],
                "conditional": [trigger.condition is not None for trigger in wanted.values()],
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


def _find_foreign(schemas: Sequence[str]) -> list[PowerFault]:
    """A trigger that is none of ours may change what a person approved, or write beside it."""
    ours = registered_database_triggers()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT n.nspname, c.relname, t.tgname
            FROM pg_trigger t
            JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND n.nspname = ANY(%(schemas)s)
              AND (c.relname, t.tgname) NOT IN (
                  SELECT * FROM unnest(%(tables)s::name[], %(names)s::name[]))
            ORDER BY 1, 2, 3
            """,
            {
                "schemas": list(schemas),
                "tables": [trigger.table for trigger in ours],
                "names": [trigger.name for trigger in ours],
            },
        )
        found = cursor.fetchall()
    return [
        PowerFault(
            f"the database trigger {name} on {schema}.{table} is none of the product's",
            f'ALTER TABLE "{schema}"."{table}" DISABLE TRIGGER "{name}";',
            FOREIGN_TRIGGER,
        )
        for schema, table, name in found
    ]


def _find_rules(schemas: Sequence[str]) -> list[PowerFault]:
    """A rule puts other statements in the place of one, or none: no table of ours has any."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT n.nspname, c.relname, r.rulename
            FROM pg_rewrite r
            JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(%s) ORDER BY 1, 2, 3
            """,
            [list(schemas)],
        )
        found = cursor.fetchall()
    return [
        PowerFault(
            f"the rule {name} on {schema}.{table} changes what is written there",
            f'DROP RULE "{name}" ON "{schema}"."{table}";',
            RULE,
        )
        for schema, table, name in found
    ]
