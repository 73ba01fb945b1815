"""The write: two set-based statements that bring the staged rows into the records' table.

Existing rows are updated where something differs, and only there, so that an import which changes nothing
leaves no trace in the change log. An empty cell never erases: it leaves what is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from psycopg import sql

from apps.crm.enums import DealOutcome, RecordKind, TaskStatus
from apps.crm.importing.references import ReferenceScope
from apps.crm.importing.staging import ROWS, StagingPlan, count_new_rows, count_rows
from apps.tenants.connections import tenant_connection

# Written by the database alone.
_DATABASE_OWNED = {"id", "revision", "updated_at", "last_activity_at"}


@dataclass(frozen=True, slots=True)
class UpsertCounts:
    """What the write did, in rows."""

    created: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the record's table: its value in a new row, and in an existing one (None: keep)."""

    name: str
    inserted: sql.Composable
    updated: sql.Composable | None


def upsert_rows(plan: StagingPlan, scope: ReferenceScope, currency: str) -> UpsertCounts:
    """Write the staged rows, in the caller's transaction. ``currency`` is the tenant's, for new rows."""
    table = scope.table(plan.kind_fields.kind.value)
    columns = [
        _describe(plan, field, currency)
        for field in plan.kind_fields.model._meta.concrete_fields
        if _is_written(plan, field)
    ]
    columns += [
        _Column("source", sql.Literal(scope.source), None),
        _Column("external_id", sql.SQL("s.external_id"), None),
        _attributes(plan),
    ]
    staged = count_rows()
    created = _insert_new(table, columns)
    if created < count_new_rows():
        _find_added_meanwhile(table, scope)
    changed = _update_different(table, columns)
    return UpsertCounts(created, changed, staged - created - changed)


def _insert_new(table: sql.Identifier, columns: list[_Column]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {table} (id, {names}) SELECT s.record_id, {values} FROM {rows} s "
                "WHERE s.is_new ORDER BY s.row_number "
                "ON CONFLICT (source, external_id) WHERE external_id <> '' DO NOTHING"
            ).format(
                table=table,
                names=sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
                values=sql.SQL(", ").join(column.inserted for column in columns),
                rows=ROWS,
            )
        )
        return int(cursor.rowcount)


def _find_added_meanwhile(table: sql.Identifier, scope: ReferenceScope) -> None:
    """Rows that somebody else added since they were looked for are updated, not doubled."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {rows} s SET record_id = r.id, is_new = false FROM {table} r WHERE s.is_new "
                "AND r.source = %s AND r.external_id = s.external_id AND r.id <> s.record_id"
            ).format(rows=ROWS, table=table),
            [scope.source],
        )


def _update_different(table: sql.Identifier, columns: list[_Column]) -> int:
    updated = [(column.name, column.updated) for column in columns if column.updated is not None]
    if not updated:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {table} r SET {assignments} FROM {rows} s WHERE r.id = s.record_id "
                "AND NOT s.is_new AND ROW({present}) IS DISTINCT FROM ROW({wanted})"
            ).format(
                table=table,
                rows=ROWS,
                assignments=sql.SQL(", ").join(
                    sql.SQL("{} = {}").format(sql.Identifier(name), value)
                    for name, value in updated
                ),
                present=sql.SQL(", ").join(sql.Identifier("r", name) for name, _ in updated),
                wanted=sql.SQL(", ").join(value for _, value in updated),
            )
        )
        return int(cursor.rowcount)


def _is_written(plan: StagingPlan, field: models.Field[Any, Any]) -> bool:
    if field.column in _DATABASE_OWNED or field.name in {"source", "external_id", "attributes"}:
        return False
    # Columns with a default in the database need none from here.
    return field.has_db_default() is False or plan.has(str(field.column))


def _describe(plan: StagingPlan, field: models.Field[Any, Any], currency: str) -> _Column:
    name = str(field.column)
    staged = sql.Identifier("s", name)
    present = sql.Identifier("r", name)
    fallback = sql.Identifier("s", f"{name}_fallback")
    values: list[sql.Composable] = []
    updated: sql.Composable | None = None
    if plan.has(name):
        values.append(staged)
        updated = sql.SQL("COALESCE({}, {})").format(staged, present)
    if plan.has(f"{name}_fallback"):
        values.append(fallback)
        updated = (
            sql.SQL("COALESCE({}, {}, {})").format(staged, present, fallback)
            if updated is not None
            else None
        )
    default = _default(field, currency)
    inserted = sql.SQL("COALESCE({})").format(sql.SQL(", ").join([*values, default]))
    if name == "created_at":
        # When a record came into being does not change.
        return _Column(name, sql.SQL("COALESCE({}, now())").format(staged), None)
    return _Column(name, inserted, _exception(plan, name) or updated)


def _exception(plan: StagingPlan, name: str) -> sql.Composable | None:
    """Columns that another one empties: an open deal has no closing day, an open task none of completion."""
    if plan.kind_fields.kind == RecordKind.OPPORTUNITY and name == "closed_on":
        return sql.SQL(
            "CASE WHEN (SELECT outcome FROM {stages} WHERE id = s.stage_id) = {open} THEN NULL "
            "ELSE COALESCE(s.closed_on, r.closed_on) END"
        ).format(
            stages=sql.Identifier(tenant_connection().schema_name, "crm_stage"),
            open=sql.Literal(DealOutcome.OPEN.value),
        )
    if plan.kind_fields.kind == RecordKind.TASK and name == "completed_at":
        return sql.SQL(
            "CASE WHEN COALESCE(s.status, r.status) = {done} "
            "THEN COALESCE(s.completed_at, r.completed_at, s.completed_at_fallback) END"
        ).format(done=sql.Literal(TaskStatus.DONE.value))
    return None


def _attributes(plan: StagingPlan) -> _Column:
    inserted = sql.SQL("COALESCE(s.attributes, '{{}}'::jsonb)").format()
    updated = sql.SQL("r.attributes || COALESCE(s.attributes, '{{}}'::jsonb)").format()
    return _Column("attributes", inserted, updated if plan.has_attributes else None)


def _default(field: models.Field[Any, Any], currency: str) -> sql.Composable:
    """The model's default as SQL: Django keeps most of them in Python."""
    if field.column == "currency":
        return sql.Literal(currency)
    if field.has_db_default():
        return sql.SQL("now()")
    value = field.get_default()
    if isinstance(value, dict):
        return sql.SQL("{}::jsonb").format(sql.Literal(json.dumps(value)))
    literal = sql.Literal(value.value if isinstance(value, models.Choices) else value)
    return sql.SQL("CAST({} AS {})").format(literal, sql.SQL(field.db_type(connection) or "text"))
