"""Database triggers that keep the change log, the revision and the derived columns of records.

One more refuses to merge a record into one that was merged itself; what arrives at a merged record is sent on
by those of ``apps.crm.arriving``.

The functions stand in the public schema and find the tenant's tables by ``TG_TABLE_SCHEMA``, never by the
search path. They are SECURITY DEFINER with a pinned search path, so that an account which may write a
record need not be allowed to write its history; nobody but their owner may execute them
(``grants.close_functions``). ``install`` is run for each schema after each migration; what is tracked is
declared on the models (``Record.tracked_fields``).

The comparison is built from the tracked columns with their own types: a generic ``jsonb_each`` of both rows
costs twice as much on 200,000 rows. All SQL in the statement triggers is dynamic, because a plan cached
from a one-row update would be a nested loop in a later update of many.
"""

from __future__ import annotations

from functools import cache

from django.apps import apps
from django.db import connection
from psycopg import sql

from apps.crm import arriving
from apps.crm.enums import RecordKind
from apps.crm.models import Activity, Contact, MergeableRecord, Opportunity, Record
from apps.tenants.database_triggers import DatabaseTrigger

# Where the database tells that rows were logged; the payload is the tenant's schema.
CHANGES_CHANNEL = "aisha_changes"

_IS_MERGED = sql.SQL(
    "new.merged_into_id IS NOT NULL AND new.merged_into_id IS DISTINCT FROM old.merged_into_id"
)
_LEAVES_STAGE = sql.SQL(
    "old.stage_id IS DISTINCT FROM new.stage_id OR old.outcome IS DISTINCT FROM new.outcome"
)

FUNCTIONS = """
CREATE OR REPLACE FUNCTION public.crm_log_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    record_kind text := TG_ARGV[0];
    tracked text[] := string_to_array(TG_ARGV[1], ',');
    difference text;
    old_row text;
    new_row text;
    mark text;
    logged bigint;
BEGIN
    mark := format(
        '(transaction_id, changed_at, record_kind, operation, actor_id, actor_name, origin, request_id,
          backfilled, record_id, changes)
         SELECT pg_current_xact_id()::text::bigint, clock_timestamp(), %L, %L,
                NULLIF(current_setting(''aisha.actor_id'', true), '''')::bigint,
                COALESCE(current_setting(''aisha.actor_name'', true), ''''),
                COALESCE(current_setting(''aisha.origin'', true), ''''),
                COALESCE(current_setting(''aisha.request_id'', true), ''''),
                COALESCE(current_setting(''aisha.backfilled'', true), '''') = ''on'', ',
        record_kind,
        CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END);
    IF TG_OP = 'INSERT' THEN
        EXECUTE format('INSERT INTO %I.crm_changelog ', TG_TABLE_SCHEMA) || mark
            || 'n.id, ''{}''::jsonb FROM n';
    ELSIF TG_OP = 'DELETE' THEN
        SELECT string_agg(format('%L, to_jsonb(o.%I)', name, name), ', ') INTO difference
            FROM unnest(tracked) AS name;
        EXECUTE format('INSERT INTO %I.crm_changelog ', TG_TABLE_SCHEMA) || mark
            || 'o.id, jsonb_build_object(' || difference || ') FROM o';
    ELSE
        SELECT string_agg(format(
                   'CASE WHEN o.%I IS DISTINCT FROM n.%I
                         THEN jsonb_build_object(%L, jsonb_build_array(o.%I, n.%I))
                         ELSE ''{}''::jsonb END', name, name, name, name, name), ' || '),
               string_agg(format('o.%I', name), ', '), string_agg(format('n.%I', name), ', ')
            INTO difference, old_row, new_row FROM unnest(tracked) AS name;
        EXECUTE format('INSERT INTO %I.crm_changelog ', TG_TABLE_SCHEMA) || mark
            || 'n.id, ' || difference || ' FROM o JOIN n USING (id) WHERE (' || old_row
            || ') IS DISTINCT FROM (' || new_row || ')';
    END IF;
    -- Told at the commit, and once however many statements there were.
    GET DIAGNOSTICS logged = ROW_COUNT;
    IF logged > 0 THEN
        PERFORM pg_notify('aisha_changes', TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION public.crm_raise_revision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    NEW.revision := OLD.revision + 1;
    NEW.updated_at := now();
    RETURN NEW;
END $body$;

-- Whatever is merged into a record was merged before that one is, so that merges never go round in a circle.
-- The lock keeps two merges of each other apart.
CREATE OR REPLACE FUNCTION public.crm_refuse_circular_merge() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    is_merged boolean;
BEGIN
    EXECUTE format('SELECT merged_at IS NOT NULL FROM %I.%I WHERE id = $1 FOR SHARE',
                   TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO is_merged USING NEW.merged_into_id;
    IF is_merged THEN
        RAISE EXCEPTION 'record % is merged itself', NEW.merged_into_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'merged_into_a_survivor';
    END IF;
    RETURN NEW;
END $body$;

-- The outcome of a deal is its stage's; entering a stage is dated, unless the writer gives the date.
CREATE OR REPLACE FUNCTION public.crm_follow_stage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.stage_id <> OLD.stage_id AND NEW.stage_entered_at = OLD.stage_entered_at THEN
            NEW.stage_entered_at := now();
        END IF;
    END IF;
    EXECUTE format('SELECT outcome FROM %I.crm_stage WHERE id = $1', TG_TABLE_SCHEMA)
        INTO NEW.outcome USING NEW.stage_id;
    RETURN NEW;
END $body$;

-- The statement that finds last_activity_at anew for the records of a kind whose ids a query gives. With an
-- account it is that of its contacts and deals, too. Rows are locked in id order, so that two imports
-- touching the same records do not deadlock. What lies in the future has not happened yet and does not count.
CREATE OR REPLACE FUNCTION public.crm_last_activity(schema_name text, target text, touched text)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    counts text := $sql$ a.occurred_at <= clock_timestamp() AND a.activity_kind <> 'note' $sql$;
    own text := 'SELECT max(a.occurred_at) FROM %1$I.crm_activity a WHERE a.%2$I = locked.id AND %3$s';
    through text := 'SELECT max(a.occurred_at) FROM %1$I.%2$I h JOIN %1$I.crm_activity a ON a.%3$I = h.id
                     WHERE h.account_id = locked.id AND %4$s';
    latest text := format(own, schema_name, target || '_id', counts);
BEGIN
    IF target = 'account' THEN
        latest := format('SELECT greatest((%s), (%s), (%s))', latest,
                         format(through, schema_name, 'crm_contact', 'contact_id', counts),
                         format(through, schema_name, 'crm_opportunity', 'opportunity_id', counts));
    END IF;
    RETURN format($sql$
        WITH touched AS (
            SELECT DISTINCT id FROM (%3$s) t WHERE id IS NOT NULL
        ), locked AS MATERIALIZED (
            SELECT r.id FROM %1$I.%2$I r JOIN touched USING (id) ORDER BY r.id FOR NO KEY UPDATE OF r
        ), latest AS (
            SELECT locked.id, (%4$s) AS at FROM locked
        )
        UPDATE %1$I.%2$I r SET last_activity_at = latest.at FROM latest
        WHERE r.id = latest.id AND r.last_activity_at IS DISTINCT FROM latest.at
    $sql$, schema_name, 'crm_' || target, touched, latest);
END $body$;

-- last_activity_at of the records that new, changed or removed activities hang on. New ones are compared with
-- what stands there, which is quick for many; an edit that moves nothing in time or place is passed over.
CREATE OR REPLACE FUNCTION public.crm_follow_activity() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    place text := '(%1$s.occurred_at, %1$s.activity_kind, %1$s.lead_id, %1$s.contact_id, %1$s.account_id,
                    %1$s.opportunity_id)';
    moved text := format('FROM o JOIN n USING (id) WHERE %s IS DISTINCT FROM %s',
                         format(place, 'o'), format(place, 'n'));
    changed text := CASE TG_OP WHEN 'INSERT' THEN 'SELECT * FROM n'
                               WHEN 'DELETE' THEN 'SELECT * FROM o'
                               ELSE 'SELECT o.* ' || moved || ' UNION ALL SELECT n.* ' || moved END;
    target text;
    hung text;
BEGIN
    FOREACH target IN ARRAY ARRAY['lead', 'contact', 'opportunity', 'account'] LOOP
        hung := format($sql$
            SELECT %2$s AS id, a.occurred_at, a.activity_kind
            FROM (%3$s) AS a
            LEFT JOIN %1$I.crm_contact c ON c.id = a.contact_id
            LEFT JOIN %1$I.crm_opportunity d ON d.id = a.opportunity_id
        $sql$, TG_TABLE_SCHEMA,
            CASE target WHEN 'account' THEN 'unnest(ARRAY[a.account_id, c.account_id, d.account_id])'
                        ELSE format('a.%I', target || '_id') END,
            changed);
        IF TG_OP = 'INSERT' THEN
            EXECUTE format($sql$
                WITH latest AS (
                    SELECT id, max(occurred_at) AS at FROM (%3$s) hung
                    WHERE id IS NOT NULL AND activity_kind <> 'note' AND occurred_at <= clock_timestamp()
                    GROUP BY id
                ), locked AS MATERIALIZED (
                    SELECT r.id, latest.at FROM %1$I.%2$I r JOIN latest USING (id)
                    WHERE r.last_activity_at IS NULL OR r.last_activity_at < latest.at
                    ORDER BY r.id FOR NO KEY UPDATE OF r
                )
                UPDATE %1$I.%2$I r SET last_activity_at = locked.at FROM locked WHERE r.id = locked.id
            $sql$, TG_TABLE_SCHEMA, 'crm_' || target, hung);
        ELSE
            EXECUTE public.crm_last_activity(TG_TABLE_SCHEMA, target, hung);
        END IF;
    END LOOP;
    RETURN NULL;
END $body$;

-- The accounts that a contact or a deal has left and come to. One that is deleted may go before its
-- activities do.
CREATE OR REPLACE FUNCTION public.crm_follow_account() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    EXECUTE public.crm_last_activity(TG_TABLE_SCHEMA, 'account',
        CASE TG_OP WHEN 'DELETE' THEN 'SELECT account_id AS id FROM o'
                   ELSE 'SELECT unnest(ARRAY[o.account_id, n.account_id]) AS id FROM o JOIN n USING (id)
                         WHERE o.account_id IS DISTINCT FROM n.account_id' END);
    RETURN NULL;
END $body$;
"""


def install(schema: str) -> None:
    """Create or replace the triggers of every record table in ``schema``; safe to run again."""
    with connection.cursor() as cursor:
        # Several tenants may be prepared at once: replacing one function from two sessions collides.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('crm_changelog'))")
        cursor.execute(FUNCTIONS)
        cursor.execute(arriving.FUNCTIONS)
        for trigger in database_triggers():
            cursor.execute(trigger.statement(schema))


def record_models() -> list[type[Record]]:
    """Every concrete kind of record."""
    return [model for model in apps.get_app_config("crm").get_models() if issubclass(model, Record)]


@cache
def model_of(kind: RecordKind) -> type[Record]:
    """Return the model of a kind of record."""
    for model in record_models():
        if model.kind == kind:
            return model
    raise ValueError(f"no model of kind {kind}")


def mergeable_kinds() -> frozenset[RecordKind]:
    """The kinds of which a record may be merged into another."""
    return frozenset(model.kind for model in record_models() if issubclass(model, MergeableRecord))


def database_triggers() -> list[DatabaseTrigger]:
    """The triggers of every record table."""
    return [
        trigger
        for model in record_models()
        for trigger in (*_triggers_of(model), *arriving.arrival_triggers(model))
    ]


def _triggers_of(model: type[Record]) -> list[DatabaseTrigger]:
    table = model._meta.db_table
    tracked = ",".join(model.tracked_fields)
    old_row = sql.SQL(", ").join(sql.Identifier("old", name) for name in model.tracked_fields)
    new_row = sql.SQL(", ").join(sql.Identifier("new", name) for name in model.tracked_fields)
    triggers = [
        DatabaseTrigger(
            table=table,
            name="raise_revision",
            moment="BEFORE UPDATE",
            function="crm_raise_revision",
            is_for_each_row=True,
            condition=sql.SQL("ROW({}) IS DISTINCT FROM ROW({})").format(old_row, new_row),
        )
    ]
    for operation, transition in (
        ("INSERT", "NEW TABLE AS n"),
        ("UPDATE", "OLD TABLE AS o NEW TABLE AS n"),
        ("DELETE", "OLD TABLE AS o"),
    ):
        followers: list[tuple[str, str, tuple[str, ...]]] = [
            ("log", "crm_log_changes", (model.kind.value, tracked))
        ]
        if model in {Contact, Opportunity} and operation != "INSERT":
            followers.append(("follow_account", "crm_follow_account", ()))
        if model is Activity:
            followers.append(("follow_activity", "crm_follow_activity", ()))
        triggers += [
            DatabaseTrigger(
                table=table,
                name=f"{name}_{operation.lower()}",
                moment=f"AFTER {operation}",
                referencing=transition,
                function=function,
                arguments=arguments,
            )
            for name, function, arguments in followers
        ]
    if issubclass(model, MergeableRecord):
        triggers.append(
            DatabaseTrigger(
                table=table,
                name="refuse_circular_merge",
                moment="BEFORE UPDATE",
                function="crm_refuse_circular_merge",
                is_for_each_row=True,
                condition=_IS_MERGED,
            )
        )
    if model is Opportunity:
        triggers += [
            DatabaseTrigger(
                table=table,
                name=f"follow_stage_{operation.lower()}",
                moment=f"BEFORE {operation}",
                function="crm_follow_stage",
                is_for_each_row=True,
                condition=condition,
            )
            for operation, condition in (("INSERT", None), ("UPDATE", _LEAVES_STAGE))
        ]
    return triggers
