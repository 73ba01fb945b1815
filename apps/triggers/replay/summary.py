"""The answer of a replay: the table of firings, counted."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from django.core.exceptions import EmptyResultSet
from django.db import connection
from psycopg import sql

from apps.crm.changelog import model_of
from apps.crm.services import all_records
from apps.triggers.replay.caveats import find_caveats
from apps.triggers.replay.firings import FIRINGS, Question
from apps.triggers.replay.outcomes import became, count_outcomes
from apps.triggers.replay.schemas import Firings, ReplayResult, SampleRecord, Week
from apps.triggers.replay.tables import Reading
from apps.triggers.replay.temporary import short_transaction
from apps.users.models import User

SAMPLE_SIZE = 20
_ASKED, _PRESENT = 0, 1


def keep_visible(question: Question, user: User) -> None:
    """Forget the firings of records that the person may not see."""
    visible = (
        all_records(model_of(question.trigger.record_kind)).visible_to(user).order_by().values("pk")
    )
    try:
        statement, params = visible.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        statement, params = "SELECT NULL::bigint WHERE false", ()
    with short_transaction(), connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {FIRINGS.as_string()} WHERE record_id NOT IN ({statement})",  # noqa: S608
            params,
        )


def summarise(question: Question, reading: Reading) -> ReplayResult:
    """Count what was found."""
    with short_transaction():
        has_other = len(question.choices) > 1
        return ReplayResult(
            since=question.moments[0].now,
            until=question.moments[-1].now,
            asked=_count(question, _ASKED),
            present=_count(question, _PRESENT) if has_other else None,
            sample=_sample(question),
            caveats=find_caveats(
                reading, question.trigger.record_kind, question.moments[0], question.moments[-1]
            ),
        )


def _count(question: Question, choice: int) -> Firings:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT moment, count(*) FROM {} WHERE choice = %s GROUP BY moment").format(
                FIRINGS
            ),
            [choice],
        )
        counts: dict[int, int] = dict(cursor.fetchall())
        cursor.execute(
            sql.SQL(
                "SELECT count(DISTINCT record_id) FROM {} WHERE choice = %s AND moment BETWEEN 1 AND %s"
            ).format(FIRINGS),
            [choice, question.after_last - 1],
        )
        (records,) = cursor.fetchone()
    true_at_start, true_at_end = counts.pop(0, 0), counts.pop(question.after_last, 0)
    days = _days(question)
    return Firings(
        parameters=question.choices[choice].model_dump(mode="json"),
        fired=sum(counts.values()),
        records=records,
        true_at_start=true_at_start,
        true_at_end=true_at_end,
        weeks=_by_week(days, counts),
        became=count_outcomes(question.trigger.record_kind, choice, days),
    )


def _by_week(days: list[date], counts: dict[int, int]) -> tuple[Week, ...]:
    """Every week that the moments touch, those without a firing too."""
    fired = Counter({_monday(day): 0 for day in days[1:]})
    for number, count in counts.items():
        fired[_monday(days[number])] += count
    return tuple(Week(begins_on=monday, fired=fired[monday]) for monday in sorted(fired))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _days(question: Question) -> list[date]:
    return [moment.today for moment in question.moments]


def _sample(question: Question) -> tuple[SampleRecord, ...]:
    """Those that fired last."""
    rows = became(question.trigger.record_kind, _ASKED, _days(question))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT * FROM ({}) f ORDER BY last_moment DESC, record_id LIMIT {}").format(
                rows, sql.Literal(SAMPLE_SIZE)
            )
        )
        return tuple(
            SampleRecord(
                record_id=record_id,
                fired=fired,
                last_fired_at=question.moments[last_moment].now,
                became=outcome or "",
            )
            for record_id, fired, last_moment, outcome in cursor.fetchall()
        )
