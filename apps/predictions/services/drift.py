"""Drift: how the scores that were given fared, and how far records have moved since the training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from apps.predictions.enums import Prediction
from apps.predictions.features import read_examples, read_rows, window_days
from apps.predictions.models import Score, TrainedModel
from apps.predictions.rules import (
    LEAST_MATURED,
    MOVED_FAR_PSI,
    is_worse_than_base_rate,
)
from apps.predictions.schemas import ColumnShift, Drift, ModelCard
from apps.predictions.services.succession import withdraw
from apps.tenants.work.runs import Tell

# So many records of today are held against the training: shares of a tenth are then right to a point.
_SAMPLE = 10_000

# Scores of longer ago count no more: half a year beyond the window within which outcomes come.
_ROLLING_DAYS = 180
# No outcome is known sooner than this after the moment that is asked about: the shortest window there is.
_SOONEST_DAYS = 30

# The score that was in force for a record at a moment. Of a contract that is its account's.
_IN_FORCE = """
SELECT asked.n, s.score_0_1
FROM unnest(%(ns)s::int[], %(ids)s::bigint[], %(moments)s::timestamptz[]) AS asked(n, id, moment)
LEFT JOIN crm_contract c ON %(is_of_contract)s AND c.id = asked.id
CROSS JOIN LATERAL (
    SELECT score_0_1, withdrawn_at FROM predictions_score
    WHERE prediction = %(prediction)s AND record_id = coalesce(c.account_id, asked.id)
      AND scored_at <= asked.moment
    ORDER BY scored_at DESC, id DESC LIMIT 1
) s
WHERE asked.moment >= %(since)s AND (s.withdrawn_at IS NULL OR s.withdrawn_at > asked.moment)
"""


@dataclass(frozen=True, slots=True)
class Matured:
    """Scores that were given, and what came; in the same order."""

    scores_0_1: list[float]
    outcomes: list[bool]


def watch_drift(prediction: Prediction, *, now: datetime, tell: Tell) -> str:
    """Look how the model in service fares; one that does worse than the base rate is taken out of service.

    Returns what was found, in words; nothing where no model serves.
    """
    model = TrainedModel.objects.serving().filter(prediction=prediction).first()
    if model is None:
        return ""
    matured = read_matured(prediction, now, tell)
    drift = _drift_of(model, matured, _shifts_of(model, now), now)
    TrainedModel.objects.filter(pk=model.pk).update(drift=drift.model_dump(mode="json"))
    if is_worse_than_base_rate(drift):
        withdraw(model, drift.verdict, now=now)
    return drift.verdict


def read_matured(prediction: Prediction, now: datetime, tell: Tell) -> Matured:
    """The scores that were in force at the moments of late examples whose outcome is known by now."""
    scores: list[float] = []
    outcomes: list[bool] = []
    given = Score.objects.filter(
        prediction=prediction, scored_at__lte=now - timedelta(days=_SOONEST_DAYS)
    )
    if not given.exists():
        return Matured(scores, outcomes)
    since = now - timedelta(days=window_days(prediction, now) + _ROLLING_DAYS)
    with connection.cursor() as cursor:
        for chunk in read_examples(prediction, now):
            tell(len(scores), 0)
            cursor.execute(
                _IN_FORCE,
                {
                    "ns": list(range(len(chunk.ids))),
                    "ids": chunk.ids,
                    "moments": chunk.moments,
                    "since": since,
                    "prediction": prediction.value,
                    "is_of_contract": prediction is Prediction.RENEWAL_RISK,
                },
            )
            for place, score in cursor.fetchall():
                scores.append(score)
                outcomes.append(chunk.outcomes[place])
    return Matured(scores, outcomes)


def _drift_of(
    model: TrainedModel, matured: Matured, shifts: tuple[ColumnShift, ...], now: datetime
) -> Drift:
    import numpy as np

    from apps.predictions.estimation.measures import losses

    count = len(matured.outcomes)
    outcomes, scores = np.array(matured.outcomes, dtype=bool), np.array(matured.scores_0_1)
    base = np.full(count, model.base_rate_0_1)
    drift = Drift(
        measured_at=now,
        matured=count,
        base_rate_0_1=sum(matured.outcomes) / count if count else None,
        log_loss=float(losses(outcomes, scores).mean()) if count else None,
        base_log_loss=float(losses(outcomes, base).mean()) if count else None,
        shifts=shifts,
        verdict="",
    )
    return drift.model_copy(update={"verdict": _verdict_of(drift)})


def _verdict_of(drift: Drift) -> str:
    moved = [shift.label for shift in drift.shifts if shift.psi > MOVED_FAR_PSI]
    tail = f" Much has moved since the training: {', '.join(moved[:3])}." if moved else ""
    if drift.matured < LEAST_MATURED:
        return f"{drift.matured} scores have an outcome by now, too few to judge.{tail}"
    if is_worse_than_base_rate(drift):
        return (
            f"On {drift.matured:,} outcomes that have come since, its scores were worse than the average"
            f" alone, so it is out of service.{tail}"
        )
    return (
        f"On {drift.matured:,} outcomes that have come since, it is better than the average.{tail}"
    )


def _shifts_of(model: TrainedModel, now: datetime) -> tuple[ColumnShift, ...]:
    """How far the records of today lie from those of the training, the furthest columns first."""
    from apps.predictions.estimation.stability import Reference, instability
    from apps.predictions.estimation.tables import Table

    card = ModelCard.model_validate(model.card)
    document = model.read_document()
    known = tuple(
        Reference(row.name, row.edges, row.categories, row.shares) for row in card.distributions
    )
    chunk = read_rows(Prediction(model.prediction), now, limit=_SAMPLE)
    if not chunk.ids:
        return ()
    table = Table.from_tuples(chunk.columns, chunk.rows)
    found = instability(known, document.columns, table)
    return tuple(
        ColumnShift(name=name, label=card.columns.get(name, name), psi=psi)
        for name, psi in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )
