"""What was won and lost before: of an account, of an owner, and of the company, as of each question's moment.

A closed deal counts from the day after its closing day, so that one that came in closed by an import counts
from when it was closed; until it is opened again or changes hands, when it counts for its new owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.features.past import Table

DEAL = Table(RecordKind.OPPORTUNITY, ("account_id", "owner_id", "stage_id", "closed_on"))

_CLOSED = sql.SQL(
    """
    SELECT a.account_id, a.owner_id, s.outcome = 'won' AS is_won, {when}
    FROM {deals} a JOIN crm_stage s ON s.id = a.stage_id AND s.outcome <> 'open'
    """
)
_SPAN = """
    greatest(a.created_at, {since}, (a.closed_on + 1)::timestamp AT TIME ZONE 'UTC') AS since,
    {until} AS until
"""
_NOW = """
    AND a.created_at <= %(moment)s
    AND COALESCE(a.closed_on < (%(moment)s::timestamptz AT TIME ZONE 'UTC')::date, true)
"""


def track_record(keys: Mapping[str, str | None], *, is_past: bool) -> Sequence[sql.Composable]:
    """Expressions that hold, for each row of ``base``, how many closings counted then, and how many were won.

    ``keys`` names each, and the column of ``base`` whose closings count; all do without one.
    """
    if is_past:
        return (_closings_then(), *(_tally_then(name, key) for name, key in keys.items()))
    return (_closings_now(), *(_tally_now(name, key) for name, key in keys.items()))


def _closings_now() -> sql.Composed:
    """What counts at the one moment that is asked about; looked up by the key that is wanted."""
    rows = _CLOSED.format(deals=DEAL.name, when=sql.SQL("a.created_at"))
    return sql.SQL("closing AS NOT MATERIALIZED ({} {})").format(rows, sql.SQL(_NOW))


def _tally_now(name: str, column: str | None) -> sql.Composed:
    key, among = _key(column)
    return sql.SQL(
        """
        {name} AS (
            SELECT b.n, COALESCE(c.won, 0) AS won, COALESCE(c.closed, 0) AS closed
            FROM (SELECT n, {key} AS key FROM base) b LEFT JOIN (
                SELECT {key} AS key, count(*) FILTER (WHERE is_won) AS won, count(*) AS closed
                FROM closing WHERE {among} GROUP BY 1
            ) c ON c.key = b.key WHERE b.key IS NOT NULL
        )
        """
    ).format(name=sql.Identifier(name), key=key, among=among)


def _closings_then() -> sql.Composed:
    """Every won or lost deal, with the span of time in which it counts."""
    unchanged, changed = (
        _CLOSED.format(deals=deals, when=sql.SQL(_SPAN.format(since=since, until=until)))
        for deals, since, until in (
            (DEAL.name, "'-infinity'::timestamptz", "'infinity'::timestamptz"),
            (DEAL.versions_name, "a.valid_since", "a.valid_until"),
        )
    )
    return sql.SQL(
        """
        closing AS MATERIALIZED (
            SELECT * FROM (
                {unchanged} WHERE a.id NOT IN (SELECT id FROM {versions}) UNION ALL {changed}
            ) counted WHERE since < until
        )
        """
    ).format(unchanged=unchanged, changed=changed, versions=DEAL.versions_name)


def _tally_then(name: str, column: str | None) -> sql.Composed:
    """Closings and questions are put into one order of time and summed up along it.

    So the cost does not grow with questions times closings.
    """
    key, among = _key(column)
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


def _key(column: str | None) -> tuple[sql.Composable, sql.Composable]:
    """What closings and rows of ``base`` are put together by, and which closings are wanted."""
    if column is None:
        return sql.SQL("0"), sql.SQL("true")
    key = sql.Identifier(column)
    return key, sql.SQL("{0} IN (SELECT {0} FROM base)").format(key)
