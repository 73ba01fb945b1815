"""What was won and lost before: of an account, of an owner, and of the company, as of each question's moment.

A closed deal counts from the day after its closing day, so that one that came in closed by an import counts
from when it was closed; until it is opened again or changes hands, when it counts for its new owner.
"""

from __future__ import annotations

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.features.past import Table

DEAL = Table(RecordKind.OPPORTUNITY, ("account_id", "owner_id", "stage_id", "closed_on"))

_CLOSING = sql.SQL(
    """
    SELECT a.account_id, a.owner_id, s.outcome = 'won' AS is_won,
           greatest(a.created_at, {since}, (a.closed_on + 1)::timestamp AT TIME ZONE 'UTC') AS since,
           {until} AS until
    FROM {deals} a JOIN crm_stage s ON s.id = a.stage_id AND s.outcome <> 'open'
    """
)


def closings(*, is_past: bool) -> sql.Composed:
    """The expression ``closing``: every won or lost deal, with the span of time in which it counts."""
    unchanged = _CLOSING.format(
        deals=DEAL.name,
        since=sql.SQL("'-infinity'::timestamptz"),
        until=sql.SQL("'infinity'::timestamptz"),
    )
    rows = unchanged
    if is_past:
        rows = sql.SQL("{} WHERE a.id NOT IN (SELECT id FROM {}) UNION ALL {}").format(
            unchanged,
            DEAL.versions_name,
            _CLOSING.format(
                deals=DEAL.versions_name,
                since=sql.SQL("a.valid_since"),
                until=sql.SQL("a.valid_until"),
            ),
        )
    return sql.SQL(
        "closing AS MATERIALIZED (SELECT * FROM ({}) counted WHERE since < until)"
    ).format(rows)


def tally(name: str, column: str | None) -> sql.Composed:
    """An expression with, for each row of ``base``, how many closings counted then, and how many were won.

    Of those with the row's own ``column``; of all without one. Closings and questions are put into one order
    of time and summed up along it, so that the cost does not grow with questions times closings.
    """
    key = sql.SQL("0") if column is None else sql.Identifier(column)
    among = (
        sql.SQL("true") if column is None else sql.SQL("{0} IN (SELECT {0} FROM base)").format(key)
    )
    return sql.SQL(
        """
        {name} AS (
            SELECT n, won, closed FROM (
                SELECT n, sum(won) OVER upto AS won, sum(closed) OVER upto AS closed
                FROM (
                    SELECT NULL::bigint AS n, {key} AS key, since AS at, is_won::int AS won, 1 AS closed
                    FROM closing WHERE {among}
                    UNION ALL
                    SELECT NULL, {key}, until, -is_won::int, -1
                    FROM closing WHERE {among} AND until < 'infinity'
                    UNION ALL
                    SELECT n, {key}, moment, 0, 0 FROM base WHERE {key} IS NOT NULL
                ) steps WINDOW upto AS (PARTITION BY key ORDER BY at)
            ) sums WHERE n IS NOT NULL
        )
        """
    ).format(name=sql.Identifier(name), key=key, among=among)
