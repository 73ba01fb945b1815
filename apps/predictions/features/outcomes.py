"""What became of the records of the past: at which moments each is asked about, and with what outcome.

A lead or an open deal is asked about every 30 days, as far back as two years, at moments whose window is over
by now; a contract 30, 90 and 150 days before its renewal. The outcome of a lead or deal is what the change
log says of the window; a contract's stands with it. A lead that was merged into another is none: its story
is that one's. A record that another system had already
brought to its end when it came in is one example, at its own beginning, without history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection
from psycopg import sql

from apps.predictions.enums import Prediction
from apps.predictions.features.subjects import Subject

LEAD_WINDOW_DAYS = 90
# The window of deals where too few were closed to tell, and its bounds.
USUAL_DEAL_WINDOW_DAYS = 180
_DEAL_WINDOW_BOUNDS_DAYS = (30, 365)
_LEAST_CLOSED_DEALS = 20

CUTOFF_EVERY_DAYS = 30
MOST_CUTOFFS = 24
# So many days before its renewal a contract was asked about.
RENEWAL_SNAPSHOTS_DAYS = (30, 90, 150)

Params = dict[str, datetime | int]

_GRID = sql.SQL(
    """
    question AS (
        SELECT p.id AS about_id, cutoff.moment, (cutoff.moment AT TIME ZONE 'UTC')::date AS day,
               false AS is_opening, COALESCE(reached.is_in_time, false) AS outcome
        FROM {table} p
        CROSS JOIN LATERAL (
            SELECT max(c.changed_at) AS at FROM crm_changelog c
            WHERE c.record_kind = {kind} AND c.record_id = p.id AND c.operation = 'changed'
        ) changed
        JOIN (
            SELECT %(last)s::timestamptz - k * make_interval(days => %(every_days)s) AS moment
            FROM generate_series(0, %(most)s - 1) k
        ) cutoff ON cutoff.moment >= p.created_at
                AND (({is_open}) OR cutoff.moment < changed.at)
        LEFT JOIN LATERAL (
            SELECT true AS is_in_time FROM crm_changelog c
            WHERE c.record_kind = {kind} AND c.record_id = p.id AND c.operation = 'changed'
              AND c.changed_at > cutoff.moment
              AND c.changed_at <= cutoff.moment + make_interval(days => %(window_days)s)
              AND ({is_reached})
            LIMIT 1
        ) reached ON true
        WHERE {is_itself} AND {is_watched}
        UNION ALL
        SELECT p.id, began.at, (began.at AT TIME ZONE 'UTC')::date, true, ({came_in_reached})
        FROM {table} p CROSS JOIN LATERAL (SELECT {began_at} AS at) began
        WHERE p.source <> '' AND NOT ({is_open}) AND began.at <= %(now)s AND ({came_in_ended})
          AND {is_itself}
          AND NOT EXISTS (
              SELECT 1 FROM crm_changelog c
              WHERE c.record_kind = {kind} AND c.record_id = p.id AND c.operation = 'changed'
                AND c.changes ? {state})
    )
    """
)
_SNAPSHOTS = sql.SQL(
    """
    question AS (
        SELECT p.id AS about_id, asked.at AS moment, (asked.at AT TIME ZONE 'UTC')::date AS day,
               came_in.is_ended AS is_opening, p.outcome = 'churned' AS outcome
        FROM crm_contract p
        CROSS JOIN LATERAL (
            SELECT p.source <> '' AND NOT EXISTS (
                SELECT 1 FROM crm_changelog c
                WHERE c.record_kind = 'contract' AND c.record_id = p.id AND c.operation = 'changed'
                  AND c.changes ? 'outcome') AS is_ended
        ) came_in
        CROSS JOIN LATERAL unnest({days}) before(days)
        CROSS JOIN LATERAL (
            SELECT (p.renews_on - before.days)::timestamp AT TIME ZONE 'UTC' AS at
        ) asked
        WHERE p.outcome <> 'open' AND p.renews_on BETWEEN '1900-01-01' AND '2200-01-01'
          AND COALESCE(p.outcome_on, p.renews_on) <= (%(now)s AT TIME ZONE 'UTC')::date
          AND asked.at <= %(now)s
          AND CASE WHEN came_in.is_ended
                   THEN before.days = {earliest}
                        AND (p.starts_on IS NULL OR p.starts_on <= p.renews_on - before.days)
                   ELSE p.created_at <= asked.at AND {is_watched} END
    )
    """
)


def deal_window_days(now: datetime) -> int:
    """In how many days nine of ten of the company's closed deals were closed, from 30 to 365.

    180 where fewer than twenty were.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), percentile_disc(0.9) WITHIN GROUP (ORDER BY days) FROM (
                SELECT closed_on - COALESCE(opened_on, (created_at AT TIME ZONE 'UTC')::date) AS days
                FROM crm_opportunity WHERE outcome <> 'open' AND closed_on <= %s
            ) closed WHERE days >= 0
            """,
            [now.astimezone(UTC).date()],
        )
        count, days = cursor.fetchone()
    if count < _LEAST_CLOSED_DEALS:
        return USUAL_DEAL_WINDOW_DAYS
    least, most = _DEAL_WINDOW_BOUNDS_DAYS
    return int(min(max(days, least), most))


def window_days(prediction: Prediction, now: datetime) -> int:
    """How long after a moment the outcome is known, in days."""
    return deal_window_days(now) if prediction == Prediction.DEAL_CLOSE else LEAD_WINDOW_DAYS


def questions_of(subject: Subject, now: datetime) -> tuple[Sequence[sql.Composable], Params]:
    """The expressions up to ``question`` for all examples of a prediction that are known by ``now``."""
    return _QUESTIONS[subject.prediction](subject, now)


def _questions_of_leads(subject: Subject, now: datetime) -> tuple[Sequence[sql.Composable], Params]:
    return _grid(
        subject,
        now,
        is_open=subject.is_asked.replace("r.", "p."),
        is_reached="c.changes -> 'status' ->> 1 = 'converted'",
        state="status",
        came_in_reached="p.status = 'converted'",
        came_in_ended="true",
    )


def _questions_of_deals(subject: Subject, now: datetime) -> tuple[Sequence[sql.Composable], Params]:
    return _grid(
        subject,
        now,
        is_open="p.outcome = 'open'",
        is_reached="(c.changes -> 'stage_id' ->> 1)::bigint IN"
        " (SELECT s.id FROM crm_stage s WHERE s.outcome = 'won')",
        state="stage_id",
        came_in_reached="p.outcome = 'won' AND p.closed_on <= p.opened_on + %(window_days)s",
        came_in_ended="p.opened_on <= p.closed_on AND p.closed_on <= (%(now)s AT TIME ZONE 'UTC')::date",
    )


def _questions_of_renewals(
    subject: Subject, now: datetime
) -> tuple[Sequence[sql.Composable], Params]:
    question = _SNAPSHOTS.format(
        is_watched=subject.is_watched("asked.at"),
        days=sql.Literal(list(RENEWAL_SNAPSHOTS_DAYS)),
        earliest=sql.Literal(max(RENEWAL_SNAPSHOTS_DAYS)),
    )
    return (question,), {"now": now}


def _grid(
    subject: Subject, now: datetime, *, state: str, **texts: str
) -> tuple[Sequence[sql.Composable], Params]:
    days = window_days(subject.prediction, now)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    question = _GRID.format(
        table=subject.about.name,
        kind=sql.Literal(subject.about.kind.value),
        state=sql.Literal(state),
        is_itself=subject.is_itself("p"),
        is_watched=subject.is_watched("cutoff.moment"),
        began_at=sql.SQL(subject.began_at.replace("r.", "p.")),
        **{name: sql.SQL(text) for name, text in texts.items()},
    )
    params: Params = {
        "now": now,
        "last": midnight - timedelta(days=days),
        "every_days": CUTOFF_EVERY_DAYS,
        "most": MOST_CUTOFFS,
        "window_days": days,
    }
    return (question,), params


_Questions = Callable[[Subject, datetime], tuple[Sequence[sql.Composable], Params]]
_QUESTIONS: Mapping[Prediction, _Questions] = {
    Prediction.LEAD_CONVERSION: _questions_of_leads,
    Prediction.DEAL_CLOSE: _questions_of_deals,
    Prediction.RENEWAL_RISK: _questions_of_renewals,
}
