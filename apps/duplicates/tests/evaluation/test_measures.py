"""Precision, recall and F1 of pairs and groups, by numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from apps.duplicates.evaluation.measures import Accuracy, measure
from apps.duplicates.matching.encoding import Numbers
from apps.duplicates.matching.estimating import Floats

# Rows 0, 1, 2 are one, rows 3 and 4 another: four true pairs.
TRUTH = ("a", "a", "a", "b", "b", "c")


@dataclass(frozen=True)
class Ranked:
    left: Numbers
    right: Numbers
    bits: Floats
    likely: int


def ranked(pairs: Sequence[tuple[int, int, float]], likely: int) -> Ranked:
    left, right, bits = zip(*pairs, strict=True) if pairs else ((), (), ())
    return Ranked(np.array(left, int), np.array(right, int), np.array(bits, float), likely)


def test_pairs_are_held_against_the_truth_at_the_threshold_and_at_the_best() -> None:
    found = ranked([(0, 1, 9.0), (2, 5, 7.0), (0, 2, 6.0), (3, 4, 5.0), (4, 5, -1.0)], likely=2)
    # Two said, one right, of four; after four pairs three are right: 2 * 3 / (4 + 4).
    assert measure(found, [], TRUTH) == Accuracy(
        precision=0.5, recall=0.25, f1=2 / 6, best_f1=0.75, cluster_f1=0.0
    )


def test_pairs_of_equal_weight_are_said_together() -> None:
    found = ranked([(0, 1, 3.0), (1, 2, 3.0), (2, 5, 3.0), (4, 5, 3.0)], likely=0)
    assert measure(found, [], TRUTH).best_f1 == 2 * 2 / (4 + 4)


def test_groups_are_held_against_the_truth_by_their_pairs() -> None:
    groups = [frozenset((0, 1, 2)), frozenset((3, 4, 5))]
    # Six pairs in the groups, four of them right.
    assert measure(ranked([], likely=0), groups, TRUTH).cluster_f1 == pytest.approx(2 * 4 / (6 + 4))


def test_nothing_found_is_nought() -> None:
    assert measure(ranked([], likely=0), [], TRUTH) == Accuracy(0.0, 0.0, 0.0, 0.0, 0.0)
    assert measure(ranked([], likely=0), [], ("a", "b")) == Accuracy(0.0, 0.0, 0.0, 0.0, 0.0)
