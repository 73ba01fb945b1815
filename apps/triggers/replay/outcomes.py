"""What has become of records: today's outcome of those for which a trigger would have fired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import connection
from psycopg import sql

from apps.crm.changelog import record_models
from apps.crm.enums import ContractOutcome, LeadStatus, RecordKind
from apps.triggers.replay.firings import FIRINGS
from apps.triggers.replay.temporary import real

OPEN, DELETED = "open", "deleted"

_TABLES = {model.kind: model._meta.db_table for model in record_models()}

# In SQL over ``r``, the record as it is today, and ``f.fired_on``, the day on which it fired first.
_OUTCOMES: dict[RecordKind, sql.Composable] = {
    RecordKind.OPPORTUNITY: sql.SQL("r.outcome"),
    RecordKind.CONTRACT: sql.SQL("r.outcome"),
    RecordKind.TASK: sql.SQL("r.status"),
    RecordKind.LEAD: sql.SQL("CASE WHEN r.status IN ({}) THEN {} ELSE r.status END").format(
        sql.SQL(", ").join(map(sql.Literal, LeadStatus.open_values())), sql.Literal(OPEN)
    ),
}
# How the terms of an account's contracts ended since: one lost contract outweighs one renewed.
_OF_ACCOUNT = (ContractOutcome.CHURNED, ContractOutcome.RENEWED)


def has_outcome(kind: RecordKind) -> bool:
    """Whether records of this kind turn out one way or another."""
    return kind in _OUTCOMES or kind == RecordKind.ACCOUNT


def count_outcomes(kind: RecordKind, choice: int, days: Sequence[date]) -> dict[str, int]:
    """How many of the records that fired have which outcome today; nothing for kinds without.

    ``days`` are the days of the moments, by number. Records that are gone count as deleted.
    """
    statement = sql.SQL("SELECT became, count(*) FROM ({}) o GROUP BY 1 ORDER BY 1")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(became(kind, choice, days)))
        counted = {str(outcome): count for outcome, count in cursor.fetchall() if outcome}
    return counted if has_outcome(kind) else {}


def became(kind: RecordKind, choice: int, days: Sequence[date]) -> sql.Composed:
    """SQL for each record that fired: its id, how often, the last moment, and its outcome or NULL."""
    outcome = _outcome_of_account() if kind == RecordKind.ACCOUNT else _OUTCOMES.get(kind)
    return sql.SQL(
        """
        SELECT f.record_id, f.fired, f.last_moment,
               CASE WHEN r.id IS NULL THEN {deleted} ELSE {outcome} END AS became
        FROM (
            SELECT record_id, count(*) AS fired, max(moment) AS last_moment,
                   ({days}::date[])[min(moment) + 1] AS fired_on
            FROM {firings} WHERE choice = {choice} AND moment BETWEEN 1 AND {last}
            GROUP BY record_id
        ) f LEFT JOIN {table} r ON r.id = f.record_id
        """
    ).format(
        deleted=sql.Literal(DELETED),
        outcome=outcome or sql.SQL("NULL"),
        days=sql.Literal(list(days)),
        firings=FIRINGS,
        choice=sql.Literal(choice),
        last=sql.Literal(len(days) - 1),
        table=real(_TABLES[kind]),
    )


def _outcome_of_account() -> sql.Composed:
    return sql.SQL(
        """
        COALESCE((
            SELECT c.outcome FROM {contracts} c
            WHERE c.account_id = r.id AND c.outcome = ANY ({ends}) AND c.outcome_on >= f.fired_on
            ORDER BY array_position({ends}, c.outcome::text) LIMIT 1
        ), {open})
        """
    ).format(
        contracts=real(_TABLES[RecordKind.CONTRACT]),
        ends=sql.Literal([outcome.value for outcome in _OF_ACCOUNT]),
        open=sql.Literal(OPEN),
    )
