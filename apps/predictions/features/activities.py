"""What happened with a record by a moment: mails, calls and meetings, and what is planned.

An activity counts once it has taken place and was known: entered by then, or brought in by another system
(``source``), which knew of it when it happened. Notes are no contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.features.definitions import Factor, Feature, number
from apps.predictions.features.durations import days_since
from apps.predictions.features.past import Table, hanging_rows

ACTIVITY = Table(
    RecordKind.ACTIVITY,
    ("lead_id", "contact_id", "account_id", "opportunity_id", "activity_kind", "direction", "occurred_at"),
)  # fmt: skip
TASK = Table(
    RecordKind.TASK,
    ("lead_id", "contact_id", "account_id", "opportunity_id", "status", "completed_at"),
)

# name, words, factor, which touches
DIRECTIONS = (
    ("touches_in", "Mails, calls and meetings from them", Factor.FROM_THEM, "t.is_in"),
    ("touches_out", "Mails, calls and meetings from us", Factor.FROM_US, "NOT t.is_in"),
)
OPEN_TASKS = number("open_tasks", "Open tasks", Factor.TASKS, "COALESCE(task.waiting, b.nothing)")

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


@dataclass(frozen=True, slots=True)
class TouchCount:
    """How many touches ``t`` of the last days meet a condition (SQL): a column of ``act``, and a feature."""

    name: str
    label: str
    factor: Factor
    condition: str
    days: int

    @property
    def column(self) -> tuple[str, sql.SQL]:
        """The column of ``act``: its name, and how it is counted."""
        return self.name, count_since(self.days, self.condition)

    def feature(self, since: str) -> Feature:
        """The count as a feature of records that began at ``since`` (SQL)."""
        return number(
            self.name, self.label, self.factor, known_count(f"act.{self.name}", self.days, since)
        )


def counts_by_window(
    name: str, words: str, factor: Factor, condition: str, windows_days: Iterable[int]
) -> Iterator[TouchCount]:
    """The same touches over several numbers of days."""
    for days in windows_days:
        yield TouchCount(f"{name}_{days}", f"{words} in {days} days", factor, condition, days)


def counts_by_direction(windows_days: Sequence[int]) -> Iterator[TouchCount]:
    """What comes from either side, of whatever kind, over several numbers of days."""
    for name, words, factor, condition in DIRECTIONS:
        yield from counts_by_window(name, words, factor, condition, windows_days)


def silence() -> Iterator[Feature]:
    """How long ago the last contact was, and the last one from them."""
    for name, label, moment in (
        ("days_since_contact", "Days since the last contact", "act.last_at"),
        ("days_since_inbound", "Days since they were last in touch", "act.last_in_at"),
    ):
        yield number(name, label, Factor.SILENCE, days_since(moment), "days")


def count_since(days: int, condition: str = "true") -> sql.SQL:
    """How many touches ``t`` of the last days meet a condition."""
    return sql.SQL(f"count(*) FILTER (WHERE {condition} AND t.age < interval '{days} days')")


def summed(
    counts: Iterable[TouchCount], others: Iterable[tuple[str, sql.Composable]] = ()
) -> sql.Composed:
    """The expression ``act``: of each row of ``base`` with a ``touch``, the counts and the last moments.

    A count may ask for the ``age`` of a touch ``t``, and whether it ``is_answer``: one from them that follows
    one from us.
    """
    columns = [
        sql.SQL("{} AS {}").format(count, sql.Identifier(name))
        for name, count in (*(count.column for count in counts), *others)
    ]
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
