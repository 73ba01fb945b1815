"""What the ladder would be worth on a table with known outcomes: climbed on one part, judged on the other."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from statistics import fmean

import numpy as np

from apps.predictions.enums import Rung
from apps.predictions.estimation.bulk import probabilities
from apps.predictions.estimation.encoding import LeftOut
from apps.predictions.estimation.examples import Examples, Labels
from apps.predictions.estimation.ladder import ORDER, climb
from apps.predictions.estimation.measures import (
    Band,
    Measures,
    calibration_curve,
    losses,
    measure,
)
from apps.predictions.estimation.splits import newest, random_folds, random_part
from apps.predictions.estimation.tables import Floats, Indices
from apps.predictions.estimation.trials import Told
from apps.predictions.exceptions import ExamplesRefusedError

FOLDS = 5
NEWEST_SHARE = 0.3
# Folds drawn once tell little of little data.
JUDGED_ROWS = 2_000
MOST_REPETITIONS = 5
FEWEST_OF_ONE_OUTCOME = 2


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures on rows that were not learned from.

    ``rung`` is the one that most climbs ended on, the lower one of two. ``base_log_loss`` is that of the base
    rate. ``refused`` are the columns from which most climbs did not learn. ``curve`` is that of the first
    repetition.
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
    curve: tuple[Band, ...]

    @property
    def is_served(self) -> bool:
        """Whether scores would be shown."""
        return self.rung is not Rung.BASE_RATE

    def to_json(self) -> dict[str, int | float | str | dict[str, str]]:
        """The evaluation for programs; ``refused`` gives the reason by the name of the column."""
        whole = asdict(self)
        del whole["curve"]
        return {
            **{
                name: round(value, 6) if isinstance(value, float) else value
                for name, value in whole.items()
            },
            "rung": self.rung.value,
            "refused": {left.column: left.reason for left in self.refused},
        }


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
    splits, repetitions = _splits(examples, folds, test_share, seed)
    parts = []
    for done, (train, test) in enumerate(splits):
        if told:
            told(done, len(splits))
        parts.append(_judge(examples, train, test, seed))
    if told:
        told(len(splits), len(splits))
    return _sum_up(examples, parts, repetitions, time.perf_counter() - began)


def _splits(
    examples: Examples, folds: int, test_share: float | None, seed: int
) -> tuple[list[tuple[Indices, Indices]], int]:
    """The rows to learn from and to judge, fold by fold, and how often each row is judged."""
    if examples.rarer_outcomes < FEWEST_OF_ONE_OUTCOME:
        raise ExamplesRefusedError(
            f"Of {len(examples):,} rows {int(examples.labels.sum()):,} came about: each outcome must occur "
            f"at least {FEWEST_OF_ONE_OUTCOME} times, else nothing can be judged."
        )
    if examples.moments is not None:
        fold = newest(examples, test_share or NEWEST_SHARE)
        if fold is None:
            raise ExamplesRefusedError(
                "Time does not part the rows into earlier ones with both outcomes and newer ones."
            )
        return [(fold.train, fold.test)], 1
    if test_share is not None:
        return [random_part(examples, test_share, seed)], 1
    # Each fold must be able to hold a row of the rarer outcome.
    folds = min(folds, examples.rarer_outcomes)
    repetitions = int(np.clip(JUDGED_ROWS // len(examples), 1, MOST_REPETITIONS))
    seeds = range(seed, seed + repetitions)
    return [split for drawn in seeds for split in random_folds(examples, folds, drawn)], repetitions


def _judge(examples: Examples, train: Indices, test: Indices, seed: int) -> _Part:
    taught, judged = examples.take(train), examples.take(test)
    found = climb(taught, seed=seed)
    scores = probabilities(found.document, judged.table)
    return _Part(judged.labels, scores, found.document.base_rate_0_1, found.rung, found.refused)


def _sum_up(examples: Examples, parts: list[_Part], repetitions: int, seconds: float) -> Evaluation:
    """The means over repetitions: of ranking within each part, of the other measures over all its rows.

    Scores of two models, each right by itself, do not rank each other's rows.
    """
    ranked = [measure(part.labels, part.scores) for part in parts]
    folds = len(parts) // repetitions
    wholes = [_measure_whole(parts[place : place + folds]) for place in range(0, len(parts), folds)]
    votes = Counter(part.rung for part in parts)
    return Evaluation(
        rows=len(examples),
        base_rate=examples.base_rate_0_1,
        rung=max(ORDER, key=lambda rung: (votes[rung], -ORDER.index(rung))),
        auc=fmean(found.auc for found in ranked),
        average_precision=fmean(found.average_precision for found in ranked),
        brier=fmean(found.brier for found, _ in wholes),
        log_loss=fmean(found.log_loss for found, _ in wholes),
        base_log_loss=fmean(base for _, base in wholes),
        calibration_error=fmean(found.calibration_error for found, _ in wholes),
        seconds=seconds,
        refused=_mostly_refused(parts),
        curve=_curve(parts[:folds]),
    )


def _curve(parts: list[_Part]) -> tuple[Band, ...]:
    labels = np.concatenate([part.labels for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    return tuple(calibration_curve(labels, scores))


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
