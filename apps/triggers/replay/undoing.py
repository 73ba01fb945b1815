"""Taking record tables back in time by the change log.

The log keeps, per change, the values before; of a deleted row all tracked values. Within a span of time the
earliest value of each field is the one that stood before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from psycopg import sql

from apps.crm.enums import Operation, RecordKind
from apps.crm.models import ChangeLog
from apps.triggers.replay.tables import PastTable, Reading
from apps.triggers.replay.temporary import columns, past, real, temporary

# The changes of the whole replay, read once: one row per changed field.
CHANGES = temporary("replay_change")

# What a deletion does not keep: every row begins with these.
_AT_FIRST = {"revision": 1, "source": "", "external_id": ""}


@dataclass(frozen=True, slots=True)
class Span:
    """From just after one moment up to another; without an end when ``until`` is None."""

    after: datetime
    until: datetime | None

    def covers(self, alias: str, column: str) -> sql.Composed:
        """The condition that a column lies within the span."""
        name = sql.Identifier(alias, column)
        after = sql.SQL("{} > {}").format(name, sql.Literal(self.after))
        if self.until is None:
            return after
        return sql.SQL("({} AND {} <= {})").format(after, name, sql.Literal(self.until))


def copy_present(table: PastTable) -> None:
    """Copy a record table as it is now, with those of its indexes that the copied columns allow."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT {} FROM {}").format(
                past(table.table), columns(table.columns), real(table.table)
            )
        )
        cursor.execute(
            """
            SELECT pg_get_indexdef(i.indexrelid)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
            WHERE i.indrelid = to_regclass(%s) AND i.indisvalid AND m.amname = 'btree'
              AND NOT EXISTS (
                  SELECT 1 FROM pg_depend d JOIN pg_attribute a
                      ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                    AND d.refobjid = i.indrelid AND d.refobjsubid > 0
                    AND a.attname <> ALL (%s))
            """,
            [real(table.table).as_string(), list(table.columns)],
        )
        for (definition,) in cursor.fetchall():
            # Not unique: a step may pass through states that no moment had.
            body = definition.partition(" USING ")[2]
            cursor.execute(
                sql.SQL("CREATE INDEX ON {} USING {}").format(
                    past(table.table),
                    sql.SQL(body),
                )
            )
        cursor.execute(sql.SQL("ANALYZE {}").format(past(table.table)))


def gather_changes(reading: Reading, since: datetime) -> None:
    """Read from the change log what happened to the copied tables after a moment."""
    tracked = [(table.kind.value, name) for table in reading.records for name in table.tracked]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                """
                CREATE TEMPORARY TABLE {changes} AS
                SELECT c.id, c.record_kind, c.record_id, c.operation, c.changed_at, f.name,
                       CASE WHEN c.operation = {changed} THEN c.changes -> f.name -> 0
                            ELSE c.changes END AS before
                FROM {log} c LEFT JOIN unnest({kinds}::text[], {names}::text[]) AS f(kind, name)
                    ON c.operation = {changed} AND f.kind = c.record_kind AND c.changes ? f.name
                WHERE c.changed_at > {since} AND c.record_kind = ANY ({read})
                  AND (c.operation <> {changed} OR f.name IS NOT NULL)
                """
            ).format(
                changes=CHANGES,
                log=real(ChangeLog._meta.db_table),
                changed=sql.Literal(Operation.CHANGED.value),
                kinds=sql.Literal([kind for kind, _ in tracked]),
                names=sql.Literal([name for _, name in tracked]),
                since=sql.Literal(since),
                read=sql.Literal([table.kind.value for table in reading.records]),
            )
        )
        cursor.execute(sql.SQL("CREATE INDEX ON {} (changed_at)").format(CHANGES))
        cursor.execute(sql.SQL("ANALYZE {}").format(CHANGES))


def happened_in(span: Span) -> set[tuple[RecordKind, Operation]]:
    """What happened in a span of time to which kinds of record: on most days little of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT DISTINCT c.record_kind, c.operation FROM {} c WHERE {}").format(
                CHANGES, span.covers("c", "changed_at")
            )
        )
        return {(RecordKind(kind), Operation(operation)) for kind, operation in cursor.fetchall()}


def take_back(table: PastTable, span: Span, happened: set[tuple[RecordKind, Operation]]) -> None:
    """Undo what happened to a table in a span of time: ``happened`` says what there is to undo."""
    undoing = (
        (Operation.DELETED, _restore), (Operation.CHANGED, _undo), (Operation.CREATED, _remove),
    )  # fmt: skip
    with connection.cursor() as cursor:
        for operation, statement in undoing:
            if (table.kind, operation) in happened:
                cursor.execute(statement(table, span))


def in_span(table: PastTable, operation: Operation, span: Span) -> sql.Composed:
    """The condition for rows ``c`` of the gathered changes."""
    return sql.SQL("c.record_kind = {} AND c.operation = {} AND {}").format(
        sql.Literal(table.kind.value), sql.Literal(operation.value), span.covers("c", "changed_at")
    )


def _restore(table: PastTable, span: Span) -> sql.Composed:
    """Rows that were deleted come back with what the log kept of them."""
    kept: list[sql.Composable] = [sql.SQL("'id', c.record_id")]
    for name, value in _AT_FIRST.items():
        if table.has(name):
            kept.append(sql.SQL("{}, {}").format(sql.Literal(name), sql.Literal(value)))
    if table.has("created_at"):
        kept.append(
            sql.SQL(
                "'created_at', COALESCE((SELECT min(m.changed_at) FROM {log} m WHERE"
                " m.record_kind = c.record_kind AND m.record_id = c.record_id"
                " AND m.operation = {created}), '-infinity')"
            ).format(
                log=real(ChangeLog._meta.db_table), created=sql.Literal(Operation.CREATED.value)
            )
        )
    if table.has("updated_at"):
        kept.append(sql.SQL("'updated_at', c.changed_at"))
    return sql.SQL(
        """
        INSERT INTO {past} ({names})
        SELECT {values} FROM {changes} c,
            jsonb_populate_record(NULL::{past}, c.before || jsonb_build_object({kept})) p
        WHERE {deleted} AND NOT EXISTS (SELECT 1 FROM {past} r WHERE r.id = c.record_id)
        """
    ).format(
        past=past(table.table),
        names=columns(table.columns),
        values=columns(table.columns, "p"),
        changes=CHANGES,
        kept=sql.SQL(", ").join(kept),
        deleted=in_span(table, Operation.DELETED, span),
    )


def _undo(table: PastTable, span: Span) -> sql.Composed:
    """Changed fields get the value that they had before their first change within the span."""
    return sql.SQL(
        """
        WITH earliest AS (
            SELECT DISTINCT ON (c.record_id, c.name) c.record_id, c.name, c.before
            FROM {changes} c WHERE {changed} ORDER BY c.record_id, c.name, c.changed_at, c.id
        ), former AS (
            SELECT record_id, jsonb_object_agg(name, before) AS fields FROM earliest GROUP BY record_id
        )
        UPDATE {past} r SET ({names}) = (
            SELECT {values} FROM jsonb_populate_record(r, former.fields) p
        ) FROM former WHERE r.id = former.record_id
        """
    ).format(
        changes=CHANGES,
        changed=in_span(table, Operation.CHANGED, span),
        past=past(table.table),
        names=columns(table.tracked),
        values=columns(table.tracked, "p"),
    )


def _remove(table: PastTable, span: Span) -> sql.Composed:
    """What was created was not there before."""
    return sql.SQL(
        "DELETE FROM {past} r USING {changes} c WHERE r.id = c.record_id AND {created}"
    ).format(
        past=past(table.table),
        changes=CHANGES,
        created=in_span(table, Operation.CREATED, span),
    )
