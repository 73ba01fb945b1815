"""Rows of a file that look like records which are here already, or like other rows: told, and imported."""

from __future__ import annotations

import math
from typing import Any

from django.db import connection
from psycopg import sql

from apps.crm.enums import RecordKind
from apps.crm.importing import staging
from apps.crm.importing.problems import RowProblem
from apps.crm.look_alikes import RowsProbed, probe_rows

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


def can_look_alike(kind: RecordKind) -> bool:
    """Whether rows of this kind are looked at."""
    return kind in _COLUMNS


def list_look_alikes(plan: staging.StagingPlan, *, budget_s: float = math.inf) -> RowsProbed:
    """List the new rows that look like others among the problems.

    After ``budget_s`` seconds no further rows are begun with.
    """
    kind = plan.kind_fields.kind
    rows = _read_new_rows(plan, _COLUMNS.get(kind, {}))
    probed = probe_rows(kind, rows, budget_s=budget_s) if rows else RowsProbed()
    problems = [
        *(RowProblem.of_look_alike(number, ref) for number, ref in probed.records.items()),
        *(RowProblem.of_like_row(number, other) for number, other in probed.rows.items()),
    ]
    staging.copy_problems(sorted(problems, key=lambda problem: problem.row_number))
    return probed


def count_in_words(probed: RowsProbed, *, is_all: bool) -> str:
    """How many of the new rows look like others; empty where none does."""
    records, rows = len(probed.records), len(probed.rows)
    if not records and not rows:
        return ""
    among = f"{'' if is_all else 'the first '}{probed.looked_at:,} new rows"
    verb = "looks" if (records or rows) == 1 else "look"
    if not records:
        return f"{rows:,} of {among} {verb} like rows above them."
    besides = f", {rows:,} like rows above them" if rows else ""
    return f"{records:,} of {among} {verb} like records that are here already{besides}."


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
