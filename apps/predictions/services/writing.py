"""Writing scores: set-based, with their history, and only where a score has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction

# Scores are read in whole percent: what moves by less than half of one is nothing new. A million leads
# scored each night would else be a million rows each night.
LEAST_MOVE_0_1 = 0.005


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of records, in the order of their ids. ``asked`` are those that were to be scored.

    What was asked about and has no score (the lead was converted, the deal was won) loses the one it had.
    ``asked`` None: every record from beyond ``after_id`` up to and with ``until_id``.
    """

    record_ids: Sequence[int]
    scores_0_1: Sequence[float]
    asked: Sequence[int] | None = None
    after_id: int = 0
    until_id: int | None = None


_ASKED = {
    True: "s.record_id = ANY(%(asked)s::bigint[])",
    False: """s.record_id > %(after_id)s
      AND (%(until_id)s::bigint IS NULL OR s.record_id <= %(until_id)s)""",
}
# What has moved, what is no longer asked about: no longer the latest. The row's transaction is this one,
# so that triggers look at the record again.
_RETIRE = """
UPDATE predictions_score s
SET is_latest = false, withdrawn_at = CASE WHEN moved.is_gone THEN %(now)s::timestamptz END,
    transaction_id = pg_current_xact_id()::text::bigint
FROM (
    SELECT s.id, g.score IS NULL AS is_gone FROM predictions_score s
    LEFT JOIN unnest(%(ids)s::bigint[], %(scores)s::float8[]) AS g(record_id, score) USING (record_id)
    WHERE s.prediction = %(prediction)s AND s.is_latest AND {asked}
      AND (g.score IS NULL OR abs(g.score - s.score_0_1) >= %(least_move)s)
) moved
WHERE s.id = moved.id
"""
_ADD = """
INSERT INTO predictions_score
    (prediction, record_kind, record_id, score_0_1, model_version, scored_at, is_latest)
SELECT %(prediction)s, %(kind)s, g.record_id, g.score, %(version)s, %(now)s, true
FROM unnest(%(ids)s::bigint[], %(scores)s::float8[]) AS g(record_id, score)
WHERE NOT EXISTS (
    SELECT FROM predictions_score s
    WHERE s.prediction = %(prediction)s AND s.record_id = g.record_id AND s.is_latest
)
"""


def write_scores(
    prediction: Prediction, kind: RecordKind, scored: Scored, *, version: str, now: datetime
) -> int:
    """Write what has moved since the latest scores; returns how many rows were added.

    The caller holds the prediction's lock (``services.scoring``): two writers would collide in the unique
    index of the latest scores.
    """
    params: dict[str, Any] = {
        "prediction": prediction.value,
        "kind": kind.value,
        "ids": list(scored.record_ids),
        "scores": list(scored.scores_0_1),
        "asked": list(scored.asked or ()),
        "after_id": scored.after_id,
        "until_id": scored.until_id,
        "least_move": LEAST_MOVE_0_1,
        "version": version,
        "now": now,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RETIRE.format(asked=_ASKED[scored.asked is not None]), params)
        cursor.execute(_ADD, params)
        return int(cursor.rowcount)


def retire_scores(prediction: Prediction, *, now: datetime) -> int:
    """Let no score of a prediction be the latest any more: nothing is in service. Returns how many were."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE predictions_score
            SET is_latest = false, withdrawn_at = %s, transaction_id = pg_current_xact_id()::text::bigint
            WHERE prediction = %s AND is_latest
            """,
            [now, prediction.value],
        )
        return int(cursor.rowcount)
