"""What each learner makes of rows that it has not seen, fold by fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

import numpy as np

from apps.predictions.documents import AdditivePart, Calibration, Part, TreesPart
from apps.predictions.enums import Rung
from apps.predictions.estimation.bulk import part_log_odds, served
from apps.predictions.estimation.calibration import apply, calibrate
from apps.predictions.estimation.encoding import EncodedTable, encode, learn_columns
from apps.predictions.estimation.examples import Examples, Labels
from apps.predictions.estimation.rungs import (
    base_rate_part,
    learn_frequencies,
    learn_logistic,
    learn_trees,
)
from apps.predictions.estimation.splits import Fold, Plan, watched_rows
from apps.predictions.estimation.tables import Floats, Indices

# (what is done, of how much): a page or a terminal may show it.
Told = Callable[[int, int], None]

# Trees stop when these rows are no longer predicted better.
WATCHED_SHARE = 0.15


class Learner(StrEnum):
    """What makes one part of a model."""

    FREQUENCIES = "frequencies"
    LOGISTIC = "logistic"
    TREES = "trees"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a rung is made of, and the weights of its parts where there is no data to calibrate them."""

    learners: tuple[Learner, ...]
    prior_weights: tuple[float, ...]
    prior_strength: float


# Columns that tell the same are counted twice by frequencies: without data a third of what they say counts.
# Trees and a logistic regression err differently, so that their mean is mostly better than either. A
# regression with a penalty is nearly calibrated by itself: a few hundred rows hardly move its slope.
RECIPES = {
    Rung.BASE_RATE: Recipe((), (), 1.0),
    Rung.FREQUENCIES: Recipe((Learner.FREQUENCIES,), (0.35,), 16.0),
    Rung.LOGISTIC: Recipe((Learner.LOGISTIC,), (1.0,), 100.0),
    Rung.BOOSTING: Recipe((Learner.LOGISTIC, Learner.TREES), (0.5, 0.5), 64.0),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One fold: the outcomes of its judged rows, and what each learner made of them in log-odds.

    ``rounds`` says how many trees were grown, if any.
    """

    fold: Fold
    labels: Labels
    base_log_odds: float
    log_odds: Mapping[Learner, Floats]
    rounds: int | None

    def of(self, rung: Rung) -> list[Floats]:
        """The log-odds of the parts of a rung."""
        return [self.log_odds[learner] for learner in RECIPES[rung].learners]


@dataclass(frozen=True, slots=True)
class Judged:
    """The scores of a rung on all rows that judge; a row may stand here several times."""

    rows: Indices
    repetitions: Indices
    labels: Labels
    scores: Floats


def try_learners(
    examples: Examples, plan: Plan, learners: Sequence[Learner], seed: int, told: Told
) -> list[Trial]:
    """Let each learner learn from the teaching rows of each fold and see its judged ones."""
    trials = []
    for place, fold in enumerate(plan.folds):
        told(place, len(plan.folds) + 1)
        trials.append(_try(examples, fold, learners, seed))
    told(len(plan.folds), len(plan.folds) + 1)
    return trials


def judge(rung: Rung, trials: Sequence[Trial], plan: Plan) -> Judged:
    """The scores of a rung, each fold calibrated by the folds that it names."""
    judging = [trial for trial in trials if trial.fold.calibrated_by]
    folds_per_repetition = len(judging) // plan.repetitions
    scores = [
        served(_calibrated(rung, trial, [trials[other] for other in trial.fold.calibrated_by]))
        for trial in judging
    ]
    repetitions = [
        np.full(len(trial.labels), place // folds_per_repetition)
        for place, trial in enumerate(judging)
    ]
    return Judged(
        rows=np.concatenate([trial.fold.test for trial in judging]),
        repetitions=np.concatenate(repetitions),
        labels=np.concatenate([trial.labels for trial in judging]),
        scores=np.concatenate(scores),
    )


def calibrate_rung(rung: Rung, trials: Sequence[Trial], repetitions: int) -> Calibration:
    """The calibration of a rung from what its learners made of rows that they had not seen."""
    if rung is Rung.BASE_RATE:
        return Calibration(intercept=0.0, weights=(1.0,))
    recipe = RECIPES[rung]
    parts = zip(*(trial.of(rung) for trial in trials), strict=True)
    return calibrate(
        [np.concatenate(part) for part in parts],
        np.concatenate([trial.labels for trial in trials]),
        prior_weights=recipe.prior_weights,
        prior_strength=recipe.prior_strength,
        row_weight=1 / repetitions,
    )


def learn_rung(
    rung: Rung, encoded: EncodedTable, labels: Labels, trials: Sequence[Trial], seed: int
) -> tuple[Part, ...]:
    """The parts of a rung from all rows; trees grow for as many rounds as they did in the trials."""
    if rung is Rung.BASE_RATE:
        return (base_rate_part(labels),)
    parts: list[Part] = []
    for learner in RECIPES[rung].learners:
        if learner is Learner.TREES:
            rounds = max(1, round(median(trial.rounds or 1 for trial in trials)))
            parts.append(learn_trees(encoded, labels, seed=seed, rounds=rounds))
        else:
            parts.append(_ADDITIVE[learner](encoded, labels))
    return tuple(parts)


_ADDITIVE: dict[Learner, Callable[[EncodedTable, Labels], AdditivePart]] = {
    Learner.FREQUENCIES: learn_frequencies,
    Learner.LOGISTIC: learn_logistic,
}


def _calibrated(rung: Rung, trial: Trial, others: Sequence[Trial]) -> Floats:
    if rung is Rung.BASE_RATE:
        return np.full(len(trial.labels), trial.base_log_odds)
    return apply(calibrate_rung(rung, others, 1), trial.of(rung))


def _try(examples: Examples, fold: Fold, learners: Sequence[Learner], seed: int) -> Trial:
    train, test = examples.take(fold.train), examples.take(fold.test)
    columns = learn_columns(train.table)
    encoded, judged = encode(columns, train.table), encode(columns, test.table)
    parts: dict[Learner, Part] = {}
    for learner in learners:
        if not columns:
            # What is filled in a few rows alone may be filled in none of a fold.
            parts[learner] = base_rate_part(train.labels)
        elif learner is Learner.TREES:
            parts[learner] = _watched_trees(train, encoded, seed)
        else:
            parts[learner] = _ADDITIVE[learner](encoded, train.labels)
    trees = parts.get(Learner.TREES)
    return Trial(
        fold=fold,
        labels=test.labels,
        base_log_odds=base_rate_part(train.labels).intercept,
        log_odds={learner: part_log_odds(part, judged) for learner, part in parts.items()},
        rounds=len(trees.trees) if isinstance(trees, TreesPart) else None,
    )


def _watched_trees(train: Examples, encoded: EncodedTable, seed: int) -> TreesPart:
    taught, watched = watched_rows(train, WATCHED_SHARE, seed)
    return learn_trees(
        encoded.take(taught),
        train.labels[taught],
        seed=seed,
        watched=(encoded.take(watched), train.labels[watched]),
    )
