"""Rows of a file that look like records which are here already, or like other rows: told, and imported."""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg import sql

from apps.crm.enums import RecordKind
from apps.crm.importing import staging
from apps.crm.importing.problems import RowProblem
from apps.crm.look_alikes import describe_look_alikes

# So many new rows are looked at while somebody waits; the others are compared within a minute of the import.
MOST_ROWS = 1_000

# Columns of the staging table, by what they are called on the record.
_COLUMNS: dict[RecordKind, dict[str, str]] = {
    RecordKind.LEAD: {
        name: name for name in ("first_name", "last_name", "company", "title", "email", "phone")
    },
    RecordKind.CONTACT: {
        **{name: name for name in ("first_name", "last_name", "title", "email", "phone")},
        "account__name": "text_account",
    },
    RecordKind.ACCOUNT: {name: name for name in ("name", "website", "phone", "location")},
}


def tell_look_alikes(plan: staging.StagingPlan) -> list[str]:
    """List the new rows that look like others among the problems, and say how many there are."""
    kind = plan.kind_fields.kind
    rows = _read_new_rows(plan, _COLUMNS.get(kind, {}))
    described = describe_look_alikes(kind, rows) if rows else {}
    if not described:
        return []
    staging.copy_problems(
        [
            RowProblem(number, "", "", words, is_refused=False)
            for number, words in sorted(described.items())
        ]
    )
    return [_summary(len(described), is_all=len(rows) < MOST_ROWS)]


def _summary(count: int, *, is_all: bool) -> str:
    among = "" if is_all else f" Among the first {MOST_ROWS:,} new ones:"
    rows = "One row looks" if count == 1 else f"{count:,} rows look"
    return (
        f"{among} {rows} like what is here already, or like other rows. They are imported.".strip()
    )


def _read_new_rows(plan: staging.StagingPlan, columns: dict[str, str]) -> dict[int, dict[str, Any]]:
    held = {name: column for name, column in columns.items() if plan.has(column)}
    if not held:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT row_number, {names} FROM {rows} WHERE is_new ORDER BY row_number LIMIT %s"
            ).format(
                names=sql.SQL(", ").join(map(sql.Identifier, held.values())), rows=staging.ROWS
            ),
            [MOST_ROWS],
        )
        return {
            number: dict(zip(held, values, strict=True)) for number, *values in cursor.fetchall()
        }
