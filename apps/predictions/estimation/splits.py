"""Which rows teach and which judge: by time where there are moments, else at random, records kept whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.tables import Indices

# The newest fifth of the rows judges; what came before it teaches, itself judged step by step to calibrate.
NEWEST_SHARE = 0.2
CALIBRATION_STEPS = (0.4, 0.5, 0.6, 0.7, 0.8)
CALIBRATION_STEPS_OF_MUCH_DATA = (0.4, 0.6, 0.8)
FOLDS = 5
FOLDS_OF_MUCH_DATA = 3
MUCH_DATA_ROWS = 20_000
# Folds drawn once tell little of little data: up to so many rows are judged, over all repetitions.
JUDGED_ROWS = 1_000
MOST_REPETITIONS = 5
# The rows of one outcome that teaching and judging need each.
_FEWEST_OF_ONE_OUTCOME = 2


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows that teach and rows that judge.

    ``calibrated_by`` names the folds whose judged rows calibrate the scores of this one; a fold without any
    only calibrates others.
    """

    train: Indices
    test: Indices
    calibrated_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All folds. ``repetitions`` says how often each row is judged."""

    folds: tuple[Fold, ...]
    is_by_time: bool
    repetitions: int


def plan_folds(examples: Examples, seed: int) -> Plan:
    """Folds that respect time when there are moments and enough of them, groups always."""
    if examples.moments is not None:
        folds = _folds_by_time(examples, examples.moments)
        if folds:
            return Plan(tuple(folds), is_by_time=True, repetitions=1)
    return _random_plan(examples, seed)


def newest(examples: Examples, share: float) -> Fold | None:
    """The newest rows to judge and the others to teach; None without moments that part them.

    Rows of one moment stay together. Of a record with rows on both sides only the newest judge.
    """
    if examples.moments is None:
        return None
    return _fold_by_time(examples, examples.moments, 1 - share, 1.0)


def random_folds(examples: Examples, folds: int, seed: int) -> list[tuple[Indices, Indices]]:
    """Folds of about equally many rows of each outcome, each row judged once; records kept whole."""
    fold_of_row = _dealt_ranks(examples, seed) % folds
    return [
        (np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold))
        for fold in range(folds)
    ]


def random_part(examples: Examples, share: float, seed: int) -> tuple[Indices, Indices]:
    """A random share of the rows of each outcome to judge, the others to learn from; records kept whole."""
    parts = 100
    is_test = _dealt_ranks(examples, seed) % parts < round(share * parts)
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def watched_rows(examples: Examples, share: float, seed: int) -> tuple[Indices, Indices]:
    """Rows to learn from, and rows by which to see when to stop: the newest, else whole random records."""
    fold = newest(examples, share)
    if fold is None or not _has_both(examples, fold.test) or not _has_both(examples, fold.train):
        return random_part(examples, share, seed)
    return fold.train, fold.test


def _random_plan(examples: Examples, seed: int) -> Plan:
    count = FOLDS_OF_MUCH_DATA if len(examples) >= MUCH_DATA_ROWS else FOLDS
    repetitions = int(np.clip(JUDGED_ROWS // max(len(examples), 1), 1, MOST_REPETITIONS))
    folds: list[Fold] = []
    for repetition in range(repetitions):
        begin = len(folds)
        for place, (train, test) in enumerate(random_folds(examples, count, seed + repetition)):
            others = tuple(begin + other for other in range(count) if other != place)
            folds.append(Fold(train, test, others))
    return Plan(tuple(folds), is_by_time=False, repetitions=repetitions)


def _folds_by_time(examples: Examples, moments: np.ndarray) -> list[Fold]:
    """Steps forward in time, the last of which judges; empty when the moments do not part the rows."""
    is_much = len(examples) >= MUCH_DATA_ROWS
    steps = CALIBRATION_STEPS_OF_MUCH_DATA if is_much else CALIBRATION_STEPS
    found = [
        _fold_by_time(examples, moments, begin, end)
        for begin, end in zip(steps, (*steps[1:], 1.0), strict=True)
    ]
    folds = [fold for fold in found if fold is not None]
    if found[-1] is None or len(folds) < 2 or not _has_both(examples, folds[-1].test):
        return []
    last = Fold(folds[-1].train, folds[-1].test, tuple(range(len(folds) - 1)))
    return [*folds[:-1], last]


def _fold_by_time(
    examples: Examples, moments: np.ndarray, begin_share: float, end_share: float
) -> Fold | None:
    """Judge the rows between two shares of the time-ordered rows, taught by those before them."""
    ordered = np.sort(moments)
    begin = ordered[min(int(begin_share * len(ordered)), len(ordered) - 1)]
    is_test = moments >= begin
    if end_share < 1:
        is_test &= moments < ordered[int(end_share * len(ordered))]
    is_train = moments < begin
    if examples.groups is not None:
        is_train &= ~np.isin(examples.groups, examples.groups[is_test])
    train, test = np.flatnonzero(is_train), np.flatnonzero(is_test)
    if not len(test) or not _has_both(examples, train):
        return None
    return Fold(train, test, ())


def _has_both(examples: Examples, rows: Indices) -> bool:
    positives = int(examples.labels[rows].sum())
    return min(positives, len(rows) - positives) >= _FEWEST_OF_ONE_OUTCOME


def _dealt_ranks(examples: Examples, seed: int) -> Indices:
    """Each row's place in a random order of the records in which those of one outcome stand together.

    Dealt out in turn, as cards are, every hand holds about as many of each outcome.
    """
    rng = np.random.default_rng(seed)
    units, unit_of_row = _units(examples)
    unit_labels = np.zeros(units, dtype=bool)
    unit_labels[unit_of_row[examples.labels]] = True
    order = np.concatenate(
        [rng.permutation(np.flatnonzero(unit_labels == side)) for side in (True, False)]
    )
    ranks = np.empty(units, dtype=np.intp)
    ranks[order] = np.arange(units)
    dealt: Indices = ranks[unit_of_row]
    return dealt


def _units(examples: Examples) -> tuple[int, Indices]:
    """How many records there are, and which one each row belongs to."""
    if examples.groups is None:
        return len(examples), np.arange(len(examples))
    known, inverse = np.unique(examples.groups, return_inverse=True)
    return len(known), inverse.astype(np.intp)
