"""Records as they stood at a moment, in SQL: from the present row and the change log.

A statement of features asks about rows ``b`` of the expression ``base``, each with its own moment. When that
is the present, the tables are read as they are. Otherwise a record had, of each field that changed later, the
value before the earliest such change. For one row per question that is looked up by the record
(``row_then``); of rows that hang on others, and may have hung elsewhere then, the versions of those that
changed are worked out once (``versions``) and joined beside the unchanged ones (``hanging_rows``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from apps.crm.changelog import mergeable_kinds, record_models
from apps.crm.enums import RecordKind

_TABLES = {model.kind: model._meta.db_table for model in record_models()}


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of record, and the columns of it that are asked for."""

    kind: RecordKind
    columns: tuple[str, ...]

    @property
    def name(self) -> sql.Identifier:
        """The table."""
        return table_of(self.kind)

    @property
    def may_be_merged(self) -> bool:
        """Whether such records may be merged into one another."""
        return self.kind in mergeable_kinds()

    @property
    def versions_name(self) -> sql.Identifier:
        """The expression with the versions of the rows that changed."""
        return sql.Identifier(f"{self.kind.value}_version")


def table_of(kind: RecordKind) -> sql.Identifier:
    """The table of a kind of record."""
    return sql.Identifier(_TABLES[kind])


def named(columns: Sequence[str], alias: str) -> sql.Composed:
    """Columns of an alias, for a list of what is selected."""
    return sql.SQL(", ").join(sql.Identifier(alias, column) for column in columns)


def row_then(kind: RecordKind, record_id: str, moment: str) -> sql.Composed:
    """The row of a record at a moment, as a derived table; both are SQL of the outer query."""
    return sql.SQL(
        """(
        SELECT r.* FROM {table} present
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(f.key, f.value -> 0 ORDER BY c.changed_at DESC, c.id DESC) AS fields
            FROM crm_changelog c CROSS JOIN LATERAL jsonb_each(c.changes) f
            WHERE c.record_kind = {kind} AND c.record_id = present.id AND c.operation = 'changed'
              AND c.changed_at > {moment}
        ) former
        CROSS JOIN LATERAL jsonb_populate_record(present, COALESCE(former.fields, '{{}}')) r
        WHERE present.id = {record_id}
        )"""
    ).format(
        table=table_of(kind),
        kind=sql.Literal(kind.value),
        moment=sql.SQL(moment),
        record_id=sql.SQL(record_id),
    )


def related_row(kind: RecordKind, alias: str, record_id: str, *, is_past: bool) -> sql.Composed:
    """The join of the one record of a kind that a row ``b`` of ``base`` names by ``record_id`` (SQL)."""
    if is_past:
        row = row_then(kind, record_id, "b.moment")
        return sql.SQL("LEFT JOIN LATERAL {} {} ON true").format(row, sql.Identifier(alias))
    return sql.SQL("LEFT JOIN {table} {alias} ON {alias}.id = {record_id}").format(
        table=table_of(kind), alias=sql.Identifier(alias), record_id=sql.SQL(record_id)
    )


def versions(table: Table) -> sql.Composed:
    """The versions, since the earliest moment asked for, of all rows that changed after it.

    One is valid from ``valid_since`` to just before ``valid_until``. The earliest value of several is the one
    that stands last: an aggregate of JSON keeps that.
    """
    return sql.SQL(
        """
        {name} AS MATERIALIZED (
            WITH former AS (
                SELECT DISTINCT ON (record_id, changed_at, change_id) record_id, changed_at, change_id, fields
                FROM (
                    SELECT c.record_id, c.changed_at, c.id AS change_id,
                           jsonb_object_agg(f.key, f.value -> 0) OVER (
                               PARTITION BY c.record_id ORDER BY c.changed_at DESC, c.id DESC) AS fields
                    FROM crm_changelog c CROSS JOIN LATERAL jsonb_each(c.changes) f
                    WHERE c.record_kind = {kind} AND c.operation = 'changed'
                      AND c.changed_at > (SELECT min(moment) FROM base)
                      AND c.changes ?| {columns} AND f.key = ANY ({columns})
                ) back
                ORDER BY record_id, changed_at, change_id
            )
            SELECT present.id, present.created_at, present.source, {version_columns},
                   COALESCE(lag(f.changed_at) OVER (PARTITION BY f.record_id
                                                    ORDER BY f.changed_at, f.change_id),
                            '-infinity') AS valid_since, f.changed_at AS valid_until
            FROM former f JOIN {table} present ON present.id = f.record_id
            CROSS JOIN LATERAL jsonb_populate_record(present, f.fields) v
            UNION ALL
            SELECT present.id, present.created_at, present.source, {present_columns},
                   latest.changed_at, 'infinity'
            FROM (SELECT record_id, max(changed_at) AS changed_at FROM former GROUP BY record_id) latest
            JOIN {table} present ON present.id = latest.record_id
        )
        """
    ).format(
        name=table.versions_name,
        kind=sql.Literal(table.kind.value),
        columns=sql.Literal(list(table.columns)),
        table=table.name,
        version_columns=named(table.columns, "v"),
        present_columns=named(table.columns, "present"),
    )


def hanging_rows(
    table: Table, *, select: str, link: str, where: str, is_past: bool, asked: str = "base"
) -> sql.Composed:
    """Rows ``a`` of a table that hang on the rows ``b`` of ``asked`` at their moments.

    ``select``, ``link`` (of ``a`` to ``b``) and ``where`` are SQL. In the present, unchanged rows are all.
    """
    unchanged = sql.SQL(
        """
        SELECT {select} FROM {asked} b JOIN {table} a ON {link} WHERE {where}
        """
    ).format(
        select=sql.SQL(select), asked=sql.Identifier(asked), table=table.name,
        link=sql.SQL(link), where=sql.SQL(where),
    )  # fmt: skip
    if not is_past:
        return unchanged
    return sql.SQL(
        """
        {unchanged} AND a.id NOT IN (SELECT id FROM {versions})
        UNION ALL
        SELECT {select} FROM {asked} b JOIN {versions} a ON {link}
        WHERE {where} AND a.valid_since <= b.moment AND b.moment < a.valid_until
        """
    ).format(
        unchanged=unchanged, versions=table.versions_name, select=sql.SQL(select),
        asked=sql.Identifier(asked), link=sql.SQL(link), where=sql.SQL(where),
    )  # fmt: skip
