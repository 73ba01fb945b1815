"""Database triggers by which what arrives at a merged record goes on to its survivor.

Somebody may hang a task on a record at the instant at which that record is merged: the merge cannot see what
is not committed, and a foreign key is content with any row. Hence the trigger locks the record FOR KEY SHARE
before it looks at it. A merge holds FOR UPDATE, which excludes that lock, until it is committed: either the
merge waits and moves what has come, or what comes waits and finds the mark. The key's own check takes the
same lock, but not before the commit, and does not ask for the mark.

New rows are looked at once for each statement and column, because imports write hundreds of thousands; a
changed row where it names another record than before.
"""

from __future__ import annotations

from typing import Any

from django.db.models import ForeignKey
from psycopg import sql

from apps.crm.models import MergeableRecord, Record
from apps.tenants.database_triggers import DatabaseTrigger

# These say which record survived a merge. What was merged into a record earlier still was, whatever becomes
# of that record: they are no place where something hangs, and nothing arrives by them.
MERGE_MARKS = frozenset({"merged_into", "merged_into_contact"})

FUNCTIONS = """
-- Where a record lives on, which may be one of another kind; each on the way is locked.
CREATE OR REPLACE FUNCTION public.crm_survivor_of(
    schema_name text, INOUT kind text, INOUT id bigint
) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    same_kind bigint;
    contact bigint;
BEGIN
    LOOP
        EXECUTE format('SELECT merged_into_id, %s FROM %I.%I WHERE id = $1 FOR KEY SHARE',
                       CASE kind WHEN 'lead' THEN 'merged_into_contact_id' ELSE 'NULL::bigint' END,
                       schema_name, 'crm_' || kind)
            INTO same_kind, contact USING id;
        EXIT WHEN same_kind IS NULL AND contact IS NULL;
        IF contact IS NOT NULL THEN
            kind := 'contact';
        END IF;
        id := coalesce(contact, same_kind);
    END LOOP;
END $body$;

-- What a row becomes of which one column names a merged record: it names the survivor. With a survivor of
-- another kind the row names that one in its own column; where that names somebody already, the row stays. An
-- account does not come below itself.
CREATE OR REPLACE FUNCTION public.crm_sent_on(
    schema_name text, table_name text, arrived jsonb, column_name text, kind text
) RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    survivor record := public.crm_survivor_of(schema_name, kind, (arrived ->> column_name)::bigint);
    is_above boolean := false;
BEGIN
    IF survivor.kind <> kind THEN
        IF arrived ->> (survivor.kind || '_id') IS NOT NULL THEN
            RETURN '{}';
        END IF;
        RETURN jsonb_build_object(column_name, NULL, survivor.kind || '_id', survivor.id);
    END IF;
    IF table_name = 'crm_' || kind THEN
        EXECUTE format($sql$
            WITH RECURSIVE above AS (
                SELECT $1 AS id UNION SELECT r.%3$I FROM %1$I.%2$I r JOIN above USING (id)
            ) SELECT EXISTS (SELECT FROM above WHERE id = $2)
        $sql$, schema_name, table_name, column_name)
            INTO is_above USING survivor.id, (arrived ->> 'id')::bigint;
    END IF;
    RETURN jsonb_build_object(column_name, CASE WHEN NOT is_above THEN survivor.id END);
END $body$;

-- TG_ARGV: columns and the kinds that they name, in turn.
CREATE OR REPLACE FUNCTION public.crm_send_new_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    place int := 0;
    is_named boolean;
    arrived jsonb;
    changed jsonb;
BEGIN
    WHILE place < TG_NARGS LOOP
        -- To plan the question takes longer than to see that nothing is to be asked, as of most columns.
        EXECUTE format('SELECT true FROM n WHERE n.%I IS NOT NULL LIMIT 1', TG_ARGV[place])
            INTO is_named;
        IF is_named IS NULL THEN
            place := place + 2;
            CONTINUE;
        END IF;
        FOR arrived IN EXECUTE format($sql$
            WITH held AS MATERIALIZED (
                SELECT p.id, p.merged_at FROM %1$I.%2$I p
                WHERE p.id IN (SELECT n.%3$I FROM n) ORDER BY p.id FOR KEY SHARE OF p
            )
            SELECT to_jsonb(n) FROM held JOIN n ON n.%3$I = held.id
            WHERE held.merged_at IS NOT NULL ORDER BY n.id
        $sql$, TG_TABLE_SCHEMA, 'crm_' || TG_ARGV[place + 1], TG_ARGV[place]) LOOP
            changed := public.crm_sent_on(
                TG_TABLE_SCHEMA, TG_TABLE_NAME, arrived, TG_ARGV[place], TG_ARGV[place + 1]);
            IF changed <> '{}' THEN
                EXECUTE format('UPDATE %I.%I c SET %s WHERE id = $2', TG_TABLE_SCHEMA, TG_TABLE_NAME,
                               (SELECT string_agg(format('%I = ($1 ->> %L)::bigint', key, key), ', ')
                                FROM jsonb_object_keys(changed) AS key))
                    USING changed, (arrived ->> 'id')::bigint;
            END IF;
        END LOOP;
        place := place + 2;
    END LOOP;
    RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION public.crm_send_changed_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    place int := 0;
    before jsonb := to_jsonb(OLD);
    arrived jsonb := to_jsonb(NEW);
    is_merged boolean;
BEGIN
    WHILE place < TG_NARGS LOOP
        IF arrived -> TG_ARGV[place] IS DISTINCT FROM before -> TG_ARGV[place] THEN
            EXECUTE format('SELECT merged_at IS NOT NULL FROM %I.%I WHERE id = $1 FOR KEY SHARE',
                           TG_TABLE_SCHEMA, 'crm_' || TG_ARGV[place + 1])
                INTO is_merged USING (arrived ->> TG_ARGV[place])::bigint;
            IF is_merged THEN
                NEW := jsonb_populate_record(NEW, public.crm_sent_on(
                    TG_TABLE_SCHEMA, TG_TABLE_NAME, arrived, TG_ARGV[place], TG_ARGV[place + 1]));
                arrived := to_jsonb(NEW);
            END IF;
        END IF;
        place := place + 2;
    END LOOP;
    RETURN NEW;
END $body$;
"""


def arrival_triggers(model: type[Record]) -> list[DatabaseTrigger]:
    """The triggers of one kind of record: none where it hangs on nothing that could be merged."""
    columns = hanging_columns(model)
    if not columns:
        return []
    arguments = tuple(word for column, kind in columns for word in (column, kind))
    names_another = sql.SQL(" OR ").join(
        sql.SQL("old.{column} IS DISTINCT FROM new.{column}").format(column=sql.Identifier(column))
        for column, _ in columns
    )
    # Their names come after those of the change log's triggers, so that a new row is told first.
    return [
        DatabaseTrigger(
            table=model._meta.db_table,
            name="send_on_insert",
            moment="AFTER INSERT",
            referencing="NEW TABLE AS n",
            function="crm_send_new_on",
            arguments=arguments,
        ),
        DatabaseTrigger(
            table=model._meta.db_table,
            name="send_on_update",
            moment="BEFORE UPDATE",
            function="crm_send_changed_on",
            arguments=arguments,
            is_for_each_row=True,
            condition=names_another,
        ),
    ]


def hanging_columns(model: type[Record]) -> list[tuple[str, str]]:
    """The columns by which a record of this kind hangs on one that may be merged, with that one's kind."""
    found: list[tuple[str, str]] = []
    for field in model._meta.concrete_fields:
        related: Any = field.related_model
        if not isinstance(field, ForeignKey) or field.name in MERGE_MARKS:
            continue
        if issubclass(related, MergeableRecord):
            found.append((field.attname, related.kind.value))
    return found
