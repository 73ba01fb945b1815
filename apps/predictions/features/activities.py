"""What happened with a record by a moment: mails, calls and meetings, and what is planned.

An activity counts once it has taken place and was known: entered by then, or brought in by another system
(``source``), which knew of it when it happened. Notes are no contact.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.features.past import Table, hanging_rows

ACTIVITY = Table(
    RecordKind.ACTIVITY,
    ("lead_id", "contact_id", "account_id", "opportunity_id", "activity_kind", "direction", "occurred_at"),
)  # fmt: skip
TASK = Table(
    RecordKind.TASK,
    ("lead_id", "contact_id", "account_id", "opportunity_id", "status", "completed_at"),
)

# What another system brought in was known to it.
KNOWN = "(a.created_at <= b.moment OR a.source <> '')"

_FIRST = sql.SQL(
    """
    (SELECT a.occurred_at FROM {table} a WHERE a.occurred_at <= b.moment {where}
     ORDER BY a.occurred_at LIMIT 1)
    """
)


def touches(column: str, *, is_past: bool) -> sql.Composed:
    """The expression ``touch``: what happened with the rows of ``base``, hanging on them by a column."""
    return sql.SQL("touch AS ({})").format(touch_rows(column, is_past=is_past))


def touch_rows(column: str, *, is_past: bool, asked: str = "base") -> sql.Composed:
    """What happened with the rows ``n``, ``moment``, ``id`` of an expression, hanging on them by a column."""
    where = "a.occurred_at <= b.moment AND a.activity_kind <> 'note'"
    return hanging_rows(
        ACTIVITY,
        select="b.n, b.moment, a.id, a.activity_kind AS kind, a.direction = 'inbound' AS is_in,"
        " a.occurred_at AS at, a.contact_id",
        link=f"a.{column} = b.id",
        where=f"{where} AND {KNOWN}" if is_past else where,
        is_past=is_past,
        asked=asked,
    )


def open_tasks(column: str, *, is_past: bool) -> sql.Composed:
    """The expression ``task``: how many tasks waited."""
    rows = hanging_rows(
        TASK,
        select="b.n",
        link=f"a.{column} = b.id",
        where="a.created_at <= b.moment AND (a.status = 'open' OR a.completed_at > b.moment)"
        if is_past
        else "a.status = 'open'",
        is_past=is_past,
    )
    return sql.SQL("task AS (SELECT n, count(*) AS waiting FROM ({}) t GROUP BY n)").format(rows)


def onset(*, is_past: bool) -> sql.Composed:
    """The expression ``onset``: since when activities were on file, for each moment that is asked about."""
    first = _FIRST.format(table=ACTIVITY.name, where=sql.SQL(""))
    if is_past:
        versions = ACTIVITY.versions_name
        unchanged = sql.SQL("AND {} AND a.id NOT IN (SELECT id FROM {})").format(
            sql.SQL(KNOWN), versions
        )
        valid = sql.SQL("AND {} AND a.valid_since <= b.moment AND b.moment < a.valid_until").format(
            sql.SQL(KNOWN)
        )
        first = sql.SQL("least({}, {})").format(
            _FIRST.format(table=ACTIVITY.name, where=unchanged),
            _FIRST.format(table=versions, where=valid),
        )
    return sql.SQL(
        "onset AS (SELECT b.moment, {} AS since FROM (SELECT DISTINCT moment FROM base) b)"
    ).format(first)


def known_count(count: str, days: int, since: str) -> str:
    """A count as a feature: unknown where its days reach back to before activities were on file at all.

    Unless nothing could be, because the record is younger: ``since`` is when it began (SQL).
    """
    return f"""
        CASE WHEN b.moment - onset.since >= interval '{days} days' OR onset.since <= {since}
             THEN COALESCE({count}, b.nothing) END
    """


def count_since(days: int, condition: str = "true") -> sql.SQL:
    """How many touches ``t`` of the last days meet a condition."""
    return sql.SQL(f"count(*) FILTER (WHERE {condition} AND t.age < interval '{days} days')")


def count_between(oldest_days: int, newest_days: int, condition: str) -> sql.SQL:
    """How many touches ``t`` between so many days ago meet a condition."""
    return count_since(oldest_days, f"{condition} AND t.age >= interval '{newest_days} days'")


def summed(counts: Sequence[tuple[str, sql.Composable]]) -> sql.Composed:
    """The expression ``act``: of each row of ``base`` with a ``touch``, the counts and the last moments.

    A count may ask for the ``age`` of a touch ``t``, and whether it ``is_answer``: one from them that follows
    one from us.
    """
    columns = [sql.SQL("{} AS {}").format(count, sql.Identifier(name)) for name, count in counts]
    return sql.SQL(
        """
        act AS (
            SELECT t.n, max(t.at) AS last_at, max(t.at) FILTER (WHERE t.is_in) AS last_in_at,
                   min(t.at) FILTER (WHERE NOT t.is_in) AS first_out_at,
                   max(t.at) FILTER (WHERE NOT t.is_in) AS last_out_at, {columns}
            FROM (
                SELECT s.*, s.moment - s.at AS age,
                       s.is_in AND NOT COALESCE(lag(s.is_in) OVER story, true) AS is_answer
                FROM touch s WINDOW story AS (PARTITION BY s.n ORDER BY s.at, s.is_in, s.id)
            ) t GROUP BY t.n
        )
        """
    ).format(columns=sql.SQL(", ").join(columns))
