"""Moving a demo tenant's dates along, so that it always looks as fresh as on the day it was made.

All moments and days of records, their history, signals, silences, suggestions, decisions, executions, models
and scores move by the same whole days. The audit log, the ledgers of scans and predictions and the Brain's
call log stay: they say what really happened, and when. The shift itself is no change of a record and leaves
no row in the change log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.crm.changelog import record_models
from apps.crm.models import ChangeLog
from apps.operations.demo.marker import write_mark
from apps.predictions.models import Forecast
from apps.tenants.connections import tenant_connection
from apps.triggers.models import Reading, ReadingCursor

_ACTOR = Actor.for_system("Demo data", Origin.API)
_OTHER_MODELS = (
    "triggers.Signal",
    "triggers.Silence",
    "suggestions.Suggestion",
    "suggestions.Decision",
    "suggestions.FollowedOutcome",
    "suggestions.LearningReset",
    "execution.Execution",
    "predictions.Score",
    "predictions.TrainedModel",
)


def days_behind(as_of: datetime, now: datetime) -> int:
    """Whole days that have passed: never so many that something would come to lie in the future."""
    return max(0, (now - as_of) // timedelta(days=1))


def move_dates(as_of: datetime, days: int) -> None:
    """Shift everything in the schema that the connection stands in by ``days``, all or nothing."""
    if days <= 0:
        return
    with acting(_ACTOR, backfilled=True), _without_record_triggers():
        for model in [*record_models(), *(apps.get_model(name) for name in _OTHER_MODELS)]:
            _shift(model, days)
        _shift_change_log(days)
        # A forecast is of a month that stays where it is; the next ones are published with the weeks before.
        Forecast.objects.all().delete()
        # What texts say is said on other days now: the next scan reads them again.
        Reading.objects.all().delete()
        ReadingCursor.objects.all().delete()
        _let_suggestions_be_refreshed()
        write_mark(tenant_connection().schema_name, as_of + timedelta(days=days))


@contextmanager
def _without_record_triggers() -> Iterator[None]:
    """Switch the triggers of the record tables off until the end of the block.

    ALTER TABLE waits for running writers and is undone with the transaction.
    """
    tables = [sql.Identifier(model._meta.db_table) for model in record_models()]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))


def dated_columns(model: type[models.Model]) -> list[str]:
    """The columns of a model that hold a day or a moment (DateTimeField is a DateField in Django)."""
    return [
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, models.DateField)
    ]


def _shift(model: type[models.Model], days: int) -> None:
    columns = [sql.Identifier(name) for name in dated_columns(model)]
    assignments = sql.SQL(", ").join(
        sql.SQL("{0} = {0} + make_interval(days => {1})").format(column, sql.Literal(days))
        for column in columns
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("UPDATE {} SET {}").format(sql.Identifier(model._meta.db_table), assignments)
        )


def _shift_change_log(days: int) -> None:
    """The rows' own moments, and the days and moments that stand in ``{field: [before, after]}``."""
    day_fields, moment_fields = _dated_fields()
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("UPDATE {} SET changed_at = changed_at + make_interval(days => %s)").format(
                sql.Identifier(ChangeLog._meta.db_table)
            ),
            [days],
        )
        cursor.execute(
            """
            UPDATE crm_changelog SET changes = (
                SELECT jsonb_object_agg(key, CASE
                    WHEN jsonb_typeof(value) <> 'array' THEN value
                    WHEN key = ANY(%(days)s) THEN jsonb_build_array(
                        (value->>0)::date + %(shift)s, (value->>1)::date + %(shift)s)
                    WHEN key = ANY(%(moments)s) THEN jsonb_build_array(
                        (value->>0)::timestamptz + make_interval(days => %(shift)s),
                        (value->>1)::timestamptz + make_interval(days => %(shift)s))
                    ELSE value END)
                FROM jsonb_each(changes))
            WHERE changes ?| %(all)s
            """,
            {
                "days": day_fields,
                "moments": moment_fields,
                "all": [*day_fields, *moment_fields],
                "shift": days,
            },
        )


def _dated_fields() -> tuple[list[str], list[str]]:
    """The tracked fields that hold days, and those that hold moments."""
    days: set[str] = set()
    moments: set[str] = set()
    for model in record_models():
        for field in model._meta.concrete_fields:
            if field.attname in model.tracked_fields and isinstance(field, models.DateField):
                (moments if isinstance(field, models.DateTimeField) else days).add(field.attname)
    return sorted(days), sorted(moments)


def _let_suggestions_be_refreshed() -> None:
    """Waiting suggestions quote dates: make them older than their signals, so that the scan renews them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE suggestions_suggestion SET refreshed_at = refreshed_at - interval '1 second' "
            "WHERE state IN ('pending', 'snoozed')"
        )
