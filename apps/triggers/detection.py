"""Firing, refreshing and clearing the signals of one trigger in a single statement.

Records never pass through Python: the trigger's query is the first part of the statement, the signals are
written by the second, and those that no longer hold are cleared by the third.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count
from psycopg.types.json import Jsonb

from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger


@dataclass(frozen=True, slots=True)
class Detection:
    """What one trigger found: records matching, and signals new, changed and ended."""

    matched: int
    fired: int
    refreshed: int
    cleared: int


_STATEMENT = """
WITH matched (record_id, facts) AS MATERIALIZED ({matching}),
written AS (
    INSERT INTO triggers_signal AS s
        (trigger, goal, record_kind, record_id, severity, facts, parameters, fired_at, refreshed_at)
    SELECT %s, %s, %s, record_id, %s, facts, %s, %s, %s FROM matched
    ON CONFLICT (trigger, record_id) WHERE cleared_at IS NULL DO UPDATE
        SET facts = excluded.facts, severity = excluded.severity, parameters = excluded.parameters,
            refreshed_at = excluded.refreshed_at
        WHERE (s.facts, s.severity, s.parameters)
            IS DISTINCT FROM (excluded.facts, excluded.severity, excluded.parameters)
    RETURNING (xmax = 0) AS is_new
),
cleared AS (
    UPDATE triggers_signal s SET cleared_at = %s
    WHERE s.trigger = %s AND s.cleared_at IS NULL {among}
      AND NOT EXISTS (SELECT 1 FROM matched m WHERE m.record_id = s.record_id)
    RETURNING 1
)
SELECT (SELECT count(*) FROM matched),
       (SELECT count(*) FROM written WHERE is_new),
       (SELECT count(*) FROM written WHERE NOT is_new),
       (SELECT count(*) FROM cleared)
"""
_NOTHING_MATCHES = "SELECT NULL::bigint, NULL::jsonb WHERE false"


def detect(
    trigger: Trigger[Any],
    moment: ScanMoment,
    parameters: Parameters,
    *,
    candidates: Collection[int] | None = None,
) -> Detection:
    """Bring the trigger's signals in line with the records as they stand.

    With ``candidates`` only these record ids are looked at, and only their signals may be cleared.
    """
    with connection.cursor() as cursor:
        cursor.execute(*detection_sql(trigger, moment, parameters, candidates))
        return Detection(*cursor.fetchone())


def detection_sql(
    trigger: Trigger[Any],
    moment: ScanMoment,
    parameters: Parameters,
    candidates: Collection[int] | None = None,
) -> tuple[str, list[Any]]:
    """Return the one statement of a detection with its parameters."""
    matching, matching_params = matching_sql(trigger, moment, parameters, candidates)
    among = "AND s.record_id = ANY(%s)" if candidates is not None else ""
    statement = _STATEMENT.format(matching=matching, among=among)
    params: list[Any] = [
        *matching_params,
        trigger.key,
        trigger.goal.value,
        trigger.record_kind.value,
        trigger.severity.value,
        Jsonb(parameters.model_dump(mode="json")),
        moment.now,
        moment.now,
        moment.now,
        trigger.key,
    ]
    if candidates is not None:
        params.append(list(candidates))
    return statement, params


def clear_all(
    trigger: Trigger[Any], moment: ScanMoment, *, candidates: Collection[int] | None = None
) -> Detection:
    """End every signal of a trigger that is switched off; with ``candidates`` those of these records."""
    firing = Signal.objects.firing().filter(trigger=trigger.key)
    if candidates is not None:
        firing = firing.filter(record_id__in=candidates)
    return Detection(0, 0, 0, cleared=firing.update(cleared_at=moment.now))


def clear_removed(keys: Collection[str], moment: ScanMoment) -> list[tuple[str, str, int]]:
    """End the signals of triggers that are no longer there; ``keys`` are those that are there.

    Returns trigger, kind of record and number. Within a transaction.
    """
    left = Signal.objects.firing().exclude(trigger__in=keys).order_by()
    found = left.values("trigger", "record_kind").annotate(count=Count("pk"))
    ended = list(found.values_list("trigger", "record_kind", "count"))
    if ended:
        left.update(cleared_at=moment.now)
    return ended


def matching_sql(
    trigger: Trigger[Any],
    moment: ScanMoment,
    parameters: Parameters,
    candidates: Collection[int] | None = None,
) -> tuple[str, tuple[Any, ...]]:
    """Return the trigger's query as SQL with its parameters: record id and facts."""
    queryset = trigger.matching(moment, parameters).order_by()
    if candidates is not None:
        queryset = queryset.filter(pk__any_of=candidates)
    try:
        sql, params = (
            queryset.values_list("pk", "facts").query.get_compiler(connection=connection).as_sql()
        )
    except EmptyResultSet:
        return _NOTHING_MATCHES, ()
    return sql, tuple(params)
