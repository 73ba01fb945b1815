"""When a trigger would have fired: it is asked at each moment, from the last to the first.

A record found at one moment and not at the one before fired between the two. All of it stays in the
database: a trigger may find hundreds of thousands of records each day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from psycopg import sql

from apps.triggers.moments import Figures, ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.replay.past import Past
from apps.triggers.replay.tables import matching_ids_sql
from apps.triggers.replay.temporary import short_transaction, temporary

# By number of the parameters and of the moment at which a record fired. At the first moment stands what was
# true already; what is true at the last one stands behind it, at ``Question.after_last``.
FIRINGS = temporary("replay_firing")
# What is true at a moment, and what is true at the one after it, in turns.
_TRUE_NOW = (temporary("replay_true_even"), temporary("replay_true_odd"))
_COLUMNS = sql.SQL("(choice smallint, {moment} record_id bigint)")


@dataclass(frozen=True, slots=True)
class Question:
    """A trigger, the parameters to ask it with, and the moments, in order of time."""

    trigger: Trigger[Any]
    choices: tuple[Parameters, ...]
    moments: tuple[ScanMoment, ...]

    @property
    def after_last(self) -> int:
        """The number that stands for the end."""
        return len(self.moments)


def find_firings(question: Question, past: Past) -> Iterator[int]:
    """Fill the table of firings; yields after each moment how many are done."""
    with short_transaction(), connection.cursor() as cursor:
        for table, moment in ((FIRINGS, "moment integer,"), *((true, "") for true in _TRUE_NOW)):
            cursor.execute(
                sql.SQL("CREATE TEMPORARY TABLE {} {}").format(
                    table,
                    _COLUMNS.format(moment=sql.SQL(moment)),
                )
            )
    for number in reversed(range(len(question.moments))):
        past.go_back_to(question.moments[number].now)
        _ask(question, past, number)
        yield len(question.moments) - number
    with short_transaction(), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("INSERT INTO {} SELECT choice, 0, record_id FROM {}").format(
                FIRINGS, _TRUE_NOW[0]
            )
        )
        cursor.execute(sql.SQL("ANALYZE {}").format(FIRINGS))


def _ask(question: Question, past: Past, number: int) -> None:
    true_now, true_after = _TRUE_NOW[number % 2], _TRUE_NOW[1 - number % 2]
    with past.standing():
        moment = _with_figures(question.trigger, question.moments[number])
        with connection.cursor() as cursor:
            for choice, parameters in enumerate(question.choices):
                matching, params = matching_ids_sql(question.trigger, moment, parameters)
                cursor.execute(
                    sql.SQL(
                        "INSERT INTO {} (choice, record_id)"
                        " SELECT DISTINCT %s::smallint, found.id FROM ({}) AS found(id)"
                    ).format(true_now, sql.SQL(matching)),
                    [choice, *params],
                )
    with short_transaction(), connection.cursor() as cursor:
        if number + 1 == question.after_last:
            cursor.execute(
                sql.SQL("INSERT INTO {} SELECT choice, {}, record_id FROM {}").format(
                    FIRINGS, sql.Literal(question.after_last), true_now
                )
            )
        else:
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {} SELECT a.choice, {}, a.record_id FROM {} a WHERE NOT EXISTS"
                    " (SELECT 1 FROM {} n WHERE n.choice = a.choice AND n.record_id = a.record_id)"
                ).format(FIRINGS, sql.Literal(number + 1), true_after, true_now)
            )
        cursor.execute(sql.SQL("TRUNCATE {}").format(true_after))


def _with_figures(trigger: Trigger[Any], moment: ScanMoment) -> ScanMoment:
    """The moment with the trigger's own figures: those kept of that day, else measured as of it."""
    if trigger.key in moment.figures:
        return moment
    values = trigger.measure(moment)
    if values is None:
        return moment
    return replace(moment, figures={trigger.key: Figures(f"{moment.today}", values)})
