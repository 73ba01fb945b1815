"""The staging tables: rows are checked in batches and copied into them; nothing of the CRM is touched.

Both are temporary, so they are private to the connection, unlogged, and gone when the process is. Typed
columns, named after field keys; references stand as text (``text_…``) beside the id that will be found
(``…_id``). ``…_fallback`` columns give a value only where the record has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, models
from psycopg import Copy, sql

from apps.crm.enums import RecordKind
from apps.crm.importing.fields import ImportField, KindFields, ValueType
from apps.crm.importing.mapping import ColumnMapping
from apps.crm.importing.problems import RowProblem
from apps.crm.importing.rows import ParsedRow

MAX_COUNTED_REFERENCES = 10

ROWS = sql.Identifier("pg_temp", "crm_import_row")
PROBLEMS = sql.Identifier("pg_temp", "crm_import_problem")

# What every staged row has, whatever the mapping.
_OWN_COLUMNS = {
    "row_number": "integer NOT NULL",
    "external_id": "varchar(160) NOT NULL",
    "attributes": "jsonb",
    "record_id": "bigint",
    "is_new": "boolean NOT NULL DEFAULT false",
}
# Columns that are worked out in the database, by kind.
_FALLBACKS: dict[RecordKind, dict[str, str]] = {
    RecordKind.OPPORTUNITY: {
        "name_fallback": "text",
        "amount_fallback": "numeric",
        "currency_fallback": "text",
    },
    RecordKind.TASK: {"completed_at_fallback": "timestamptz"},
    RecordKind.CONTRACT: {"name_fallback": "text"},
}
# Columns that are worked out from others even when no column of the file is mapped to them.
_DERIVED: dict[RecordKind, tuple[str, ...]] = {
    RecordKind.OPPORTUNITY: (
        "name", "amount", "closed_on", "expected_close_on", "stage_entered_at", "opened_on", "close_date",
        "close_value",
    ),
    RecordKind.TASK: ("completed_at", "status"),
    RecordKind.CONTRACT: ("name",),
}  # fmt: skip
_REFERENCE_IDS = {
    "who": ("contact_id", "lead_id"),
    "what": ("account_id", "opportunity_id"),
}


@dataclass(frozen=True, slots=True)
class StagingPlan:
    """The staging table of one import: which columns are copied and which ids are looked up."""

    kind_fields: KindFields
    copied: tuple[str, ...]
    columns: dict[str, str]
    references: tuple[ImportField, ...]
    has_attributes: bool

    def has(self, column: str) -> bool:
        """Whether the staging table has this column."""
        return column in self.columns


def plan_staging(mapping: ColumnMapping) -> StagingPlan:
    """Work out the columns that this mapping needs."""
    kind_fields = mapping.kind_fields
    keys = set(mapping.keys)
    if "full_name" in keys:
        keys = (keys - {"full_name"}) | {"first_name", "last_name"}
    if "currency" in kind_fields.fields and any(
        kind_fields.fields[key].type is ValueType.AMOUNT for key in keys
    ):
        # The sign beside an amount names the currency.
        keys.add("currency")
    keys.update(_DERIVED.get(kind_fields.kind, ()))
    keys.discard("external_id")
    fields = [field for key, field in kind_fields.fields.items() if key in keys]
    columns: dict[str, str] = {}
    references: list[ImportField] = []
    for field in fields:
        if field.type is ValueType.REFERENCE:
            columns[f"text_{field.key}"] = "text"
            references.append(field)
        else:
            columns[field.key] = _sql_type(kind_fields, field)
    copied = tuple(columns)
    for field in references:
        for column in reference_columns(field):
            columns[column] = "bigint"
    if "lead_id" in columns:
        # A lead may have been merged into a contact, on whom it then hangs.
        columns["contact_id"] = "bigint"
    columns.update(_FALLBACKS.get(kind_fields.kind, {}))
    has_attributes = any(target.custom for target in mapping.targets)
    return StagingPlan(kind_fields, copied, columns, tuple(references), has_attributes)


def reference_columns(field: ImportField) -> tuple[str, ...]:
    """The id columns that a reference fills: ``account_external_id`` and ``account`` both ``account_id``."""
    if field.refers_to in _REFERENCE_IDS:
        return _REFERENCE_IDS[field.refers_to]
    return (f"{field.key.removesuffix('_external_id')}_id",)


def create_tables(plan: StagingPlan) -> None:
    """Make the two tables anew; what an earlier import on this connection left is dropped."""
    drop_tables()
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(sql_type))
        for name, sql_type in [*_OWN_COLUMNS.items(), *plan.columns.items()]
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE crm_import_row ({columns})").format(
                columns=sql.SQL(", ").join(columns)
            )
        )
        cursor.execute(
            "CREATE TEMPORARY TABLE crm_import_problem (row_number integer NOT NULL, column_name text, "
            "value text, message text, is_refused boolean NOT NULL)"
        )


def drop_tables() -> None:
    """Remove the staging tables, if there are any."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.crm_import_row, pg_temp.crm_import_problem")


def copy_rows(plan: StagingPlan, rows: Sequence[ParsedRow]) -> None:
    """COPY a batch of checked rows."""
    if not rows:
        return
    names = ["row_number", "external_id", "attributes", *plan.copied]
    keys = [name.removeprefix("text_") for name in plan.copied]
    with _copying(ROWS, names) as copy:
        for row in rows:
            values = row.values
            attributes = json.dumps(dict(row.attributes)) if row.attributes else None
            copy.write_row(
                (row.number, row.external_id, attributes, *[values.get(key) for key in keys])
            )


def copy_problems(problems: Sequence[RowProblem]) -> None:
    """COPY a batch of what was found wrong."""
    if not problems:
        return
    names = ["row_number", "column_name", "value", "message", "is_refused"]
    with _copying(PROBLEMS, names) as copy:
        for problem in problems:
            copy.write_row(
                (
                    problem.row_number,
                    problem.column,
                    problem.value,
                    problem.message,
                    problem.is_refused,
                )
            )


def finish_copying() -> None:
    """Let the planner know what was copied; temporary tables are not analysed by themselves."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE INDEX ON {rows} (external_id)").format(rows=ROWS))
        cursor.execute(sql.SQL("ANALYZE {rows}").format(rows=ROWS))


def number_equal_rows() -> None:
    """Where rows go by their whole content, tell equal ones apart by their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {rows} s SET external_id = s.external_id || ':' || equal.place FROM ("
                "SELECT row_number, row_number() OVER (PARTITION BY external_id ORDER BY row_number) "
                "AS place FROM {rows}) equal WHERE equal.row_number = s.row_number AND equal.place > 1"
            ).format(rows=ROWS)
        )


def refuse_repeated_ids(column: str) -> None:
    """Refuse rows whose id stands in an earlier row; ``column`` is named in the message."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                """
                WITH numbered AS (
                    SELECT row_number, external_id,
                           min(row_number) OVER (PARTITION BY external_id) AS first_row FROM {rows}
                ), repeated AS (
                    DELETE FROM {rows} s USING numbered
                    WHERE numbered.row_number = s.row_number AND numbered.row_number <> numbered.first_row
                    RETURNING s.row_number, s.external_id, numbered.first_row
                )
                INSERT INTO {problems}
                SELECT row_number, %s,
                       CASE WHEN external_id LIKE 'auto:%%' THEN '' ELSE external_id END,
                       'This is the same record as in row ' || first_row || ', which counts.', true
                FROM repeated
                """
            ).format(rows=ROWS, problems=PROBLEMS),
            [column],
        )


def count_rows() -> int:
    """How many rows are staged."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {rows}").format(rows=ROWS))
        return int(cursor.fetchone()[0])


def count_new_rows() -> int:
    """How many staged rows have no record yet."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {rows} WHERE is_new").format(rows=ROWS))
        return int(cursor.fetchone()[0])


def count_warned_rows() -> int:
    """How many staged rows go in without one of their values."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT count(DISTINCT row_number) FROM {problems}"
                " WHERE NOT is_refused AND column_name <> ''"
            ).format(problems=PROBLEMS)
        )
        return int(cursor.fetchone()[0])


def count_unmatched() -> list[tuple[str, str, int]]:
    """The references that lead nowhere most often: column, what is written, in how many rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT column_name, value, count(*) FROM {problems} "
                "WHERE NOT is_refused AND column_name <> '' "
                "GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, 1, 2 LIMIT %s"
            ).format(problems=PROBLEMS),
            [MAX_COUNTED_REFERENCES],
        )
        return [(column, value, count) for column, value, count in cursor.fetchall()]


def read_problems() -> Iterator[RowProblem]:
    """Everything found wrong, what was refused first, by row, read in chunks."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT row_number, column_name, value, message, is_refused FROM {problems} "
                "ORDER BY is_refused DESC, row_number, column_name"
            ).format(problems=PROBLEMS)
        )
        while batch := cursor.fetchmany(2000):
            for row in batch:
                yield RowProblem(*row)


@contextmanager
def _copying(table: sql.Identifier, columns: Iterable[str]) -> Iterator[Copy]:
    """COPY rows in; what goes wrong is raised as Django raises it elsewhere."""
    statement = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(
        table=table, columns=sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        yield copy


def _sql_type(kind_fields: KindFields, field: ImportField) -> str:
    """The type of the record's own column, so that what is staged fits into it."""
    file_only = {"close_date": "date", "close_value": "numeric(14, 2)"}
    if field.key in file_only:
        return file_only[field.key]
    column = kind_fields.model._meta.get_field(field.key)
    assert isinstance(column, models.Field)  # noqa: S101 - references are staged as text
    sql_type = column.db_type(connection)
    assert sql_type is not None  # noqa: S101 - concrete fields have a type
    return sql_type
