"""No row judges what was learned from it, from its record, or from its future."""

from __future__ import annotations

import numpy as np
import pytest

from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.splits import newest, plan_folds, random_folds, watched_rows
from apps.predictions.estimation.tables import Table


def examples_of(
    labels: np.ndarray, moments: np.ndarray | None = None, groups: np.ndarray | None = None
) -> Examples:
    return Examples(Table.from_rows([], [{}] * len(labels)), labels, moments, groups)


def labels_of(count: int, every: int = 3) -> np.ndarray:
    labels: np.ndarray = np.arange(count) % every == 0
    return labels


def test_each_row_is_judged_once_and_folds_hold_the_outcomes_evenly() -> None:
    labels = labels_of(100)
    folds = random_folds(examples_of(labels), 5, seed=1)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(100))
    assert all(len(np.intersect1d(train, test)) == 0 for train, test in folds)
    assert [len(test) for _, test in folds] == [20] * 5
    assert sorted(labels[test].sum() for _, test in folds) == [6, 7, 7, 7, 7]


def test_rows_that_are_ordered_by_outcome_are_spread() -> None:
    """Unshuffled folds of such rows would each hold one outcome."""
    labels = np.arange(100) < 50
    assert [labels[test].sum() for _, test in random_folds(examples_of(labels), 5, 0)] == [10] * 5


def test_the_same_seed_gives_the_same_folds() -> None:
    examples = examples_of(labels_of(50))
    first, again, other = (random_folds(examples, 5, seed)[0][1] for seed in (7, 7, 8))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


@pytest.mark.parametrize("by_time", [False, True])
def test_a_record_never_stands_on_both_sides(by_time: bool) -> None:
    groups = np.random.default_rng(0).integers(0, 60, 300)
    moments = np.arange(300.0) if by_time else None
    plan = plan_folds(examples_of(labels_of(300), moments, groups), seed=0)
    assert plan.is_by_time is by_time
    for fold in plan.folds:
        assert not set(groups[fold.train]) & set(groups[fold.test])


def test_by_time_the_newest_fifth_judges_and_older_steps_calibrate() -> None:
    moments = np.random.default_rng(0).permutation(100).astype(float)
    plan = plan_folds(examples_of(labels_of(100), moments), seed=0)
    spans = [
        (moments[fold.train].max(), moments[fold.test].min(), moments[fold.test].max())
        for fold in plan.folds
    ]
    assert spans == [(39, 40, 49), (49, 50, 59), (59, 60, 69), (69, 70, 79), (79, 80, 99)]
    assert [fold.calibrated_by for fold in plan.folds] == [(), (), (), (), (0, 1, 2, 3)]


def test_rows_of_one_moment_stay_together() -> None:
    moments = np.repeat(np.arange(10.0), 10)
    fold = newest(examples_of(labels_of(100), moments), 0.25)
    assert fold is not None
    assert (len(fold.train), len(fold.test)) == (70, 30)


@pytest.mark.parametrize(
    ("labels", "moments"),
    [
        (labels_of(100), np.zeros(100)),
        (np.arange(100) >= 90, np.arange(100.0)),
    ],
    ids=["all at one moment", "older rows have one outcome"],
)
def test_where_time_parts_nothing_folds_are_drawn(labels: np.ndarray, moments: np.ndarray) -> None:
    plan = plan_folds(examples_of(labels, moments), seed=0)
    assert not plan.is_by_time
    assert all(labels[fold.train].any() for fold in plan.folds)


def test_drawn_folds_are_calibrated_by_the_others_of_their_repetition() -> None:
    plan = plan_folds(examples_of(labels_of(200)), seed=0)
    assert (len(plan.folds), plan.repetitions) == (25, 5)
    assert plan.folds[6].calibrated_by == (5, 7, 8, 9)


def test_trees_are_stopped_by_the_newest_rows_or_by_whole_records() -> None:
    learned, watched = watched_rows(examples_of(labels_of(100), np.arange(100.0)), 0.15, seed=0)
    assert (learned.max(), watched.min()) == (84, 85)
    groups = np.repeat(np.arange(20), 5)
    learned, watched = watched_rows(examples_of(labels_of(100), None, groups), 0.15, seed=0)
    assert not set(groups[learned]) & set(groups[watched])
