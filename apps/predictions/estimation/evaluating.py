"""What the ladder would be worth on a table with known outcomes: climbed on one part, judged on the other."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from apps.predictions.enums import Rung
from apps.predictions.estimation.bulk import probabilities
from apps.predictions.estimation.encoding import LeftOut
from apps.predictions.estimation.examples import Examples, Labels
from apps.predictions.estimation.ladder import ORDER, climb
from apps.predictions.estimation.measures import Measures, losses, measure
from apps.predictions.estimation.splits import newest, random_folds
from apps.predictions.estimation.tables import Floats, Indices
from apps.predictions.estimation.trials import Told
from apps.predictions.exceptions import ExamplesRefusedError

FOLDS = 5
NEWEST_SHARE = 0.3
# Folds drawn once tell little of little data.
JUDGED_ROWS = 2_000
MOST_REPETITIONS = 5


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures on rows that were not learned from.

    ``rung`` is the one that most climbs ended on, the lower one of two. ``base_log_loss`` is that of the base
    rate. ``refused`` are the columns from which most climbs did not learn.
    """

    rows: int
    base_rate: float
    rung: Rung
    auc: float
    average_precision: float
    brier: float
    log_loss: float
    base_log_loss: float
    calibration_error: float
    seconds: float
    refused: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """One climb, and what its model made of the rows that it had not seen."""

    labels: Labels
    scores: Floats
    base_rate_0_1: float
    rung: Rung
    refused: tuple[LeftOut, ...]


def evaluate(
    examples: Examples,
    *,
    folds: int = FOLDS,
    test_share: float | None = None,
    seed: int = 0,
    told: Told | None = None,
) -> Evaluation:
    """Judge the ladder: on the newest rows where there are moments, else on repeated, stratified folds.

    With a ``test_share`` and no moments, one random part of that size is judged.

    Raises:
        ExamplesRefusedError: there are too few rows, or all have one outcome.
    """
    began = time.perf_counter()
    repetitions = _splits(examples, folds, test_share, seed)
    total = sum(len(repetition) for repetition in repetitions)
    parts: list[list[_Part]] = []
    done = 0
    for repetition in repetitions:
        found = []
        for train, test in repetition:
            if told:
                told(done, total)
            found.append(_judge(examples, train, test, seed))
            done += 1
        parts.append(found)
    if told:
        told(total, total)
    return _sum_up(examples, parts, time.perf_counter() - began)


def _splits(
    examples: Examples, folds: int, test_share: float | None, seed: int
) -> list[list[tuple[Indices, Indices]]]:
    """For each repetition, the rows of every fold: those to learn from, those to judge."""
    if min(examples.labels.sum(), (~examples.labels).sum()) < 2:
        raise ExamplesRefusedError(
            "Both outcomes must occur at least twice, else nothing can be judged."
        )
    if examples.moments is not None:
        fold = newest(examples, test_share or NEWEST_SHARE)
        if fold is None:
            raise ExamplesRefusedError(
                "Time does not part the rows into earlier ones with both outcomes and newer ones."
            )
        return [[(fold.train, fold.test)]]
    if test_share is not None:
        return [random_folds(examples, max(2, round(1 / test_share)), seed)[:1]]
    repetitions = int(np.clip(JUDGED_ROWS // len(examples), 1, MOST_REPETITIONS))
    return [random_folds(examples, folds, seed + place) for place in range(repetitions)]


def _judge(examples: Examples, train: Indices, test: Indices, seed: int) -> _Part:
    taught, judged = examples.take(train), examples.take(test)
    found = climb(taught, seed=seed)
    scores = probabilities(found.document, judged.table)
    return _Part(judged.labels, scores, found.document.base_rate_0_1, found.rung, found.refused)


def _sum_up(examples: Examples, repetitions: list[list[_Part]], seconds: float) -> Evaluation:
    """Every measure over all rows of a repetition, then the mean over repetitions."""
    wholes = [_measure_whole(parts) for parts in repetitions]
    parts = [part for repetition in repetitions for part in repetition]
    votes = Counter(part.rung for part in parts)
    rung = max(ORDER, key=lambda candidate: (votes[candidate], -ORDER.index(candidate)))

    def mean(name: str) -> float:
        return float(np.mean([getattr(whole, name) for whole, _ in wholes]))

    return Evaluation(
        rows=len(examples),
        base_rate=examples.base_rate_0_1,
        rung=rung,
        auc=mean("auc"),
        average_precision=mean("average_precision"),
        brier=mean("brier"),
        log_loss=mean("log_loss"),
        base_log_loss=float(np.mean([base for _, base in wholes])),
        calibration_error=mean("calibration_error"),
        seconds=seconds,
        refused=_mostly_refused(parts),
    )


def _measure_whole(parts: list[_Part]) -> tuple[Measures, float]:
    """The measures over the rows of all parts together, and the log loss of their base rates."""
    labels = np.concatenate([part.labels for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    base = np.concatenate([np.full(len(part.labels), part.base_rate_0_1) for part in parts])
    return measure(labels, scores), float(losses(labels, base).mean())


def _mostly_refused(parts: list[_Part]) -> tuple[LeftOut, ...]:
    """The columns that most climbs left out, each with the first reason."""
    reasons: dict[str, list[LeftOut]] = {}
    for part in parts:
        for column in part.refused:
            reasons.setdefault(column.column, []).append(column)
    return tuple(found[0] for found in reasons.values() if 2 * len(found) > len(parts))
