"""How right and how complete the found pairs are, where it is known which rows are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from apps.duplicates.matching.encoding import Numbers
from apps.duplicates.matching.estimating import Floats


class RankedPairs(Protocol):
    """Pairs of rows, the likeliest first: the first ``likely`` of them are said to be the same."""

    @property
    def left(self) -> Numbers:
        """The position of one row of each."""

    @property
    def right(self) -> Numbers:
        """The position of the other."""

    @property
    def bits(self) -> Floats:
        """What each pair is ranked by, falling."""

    @property
    def likely(self) -> int:
        """How many are said to be the same."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Precision, recall and their harmonic mean at the threshold; the best F1 at any; that of the groups."""

    precision: float
    recall: float
    f1: float
    best_f1: float
    cluster_f1: float


def measure(
    found: RankedPairs, groups: Iterable[frozenset[int]], truth: Sequence[Hashable]
) -> Accuracy:
    """Hold found pairs and groups of rows against the truth, which rows of the same share."""
    numbers: dict[Hashable, int] = {}
    labels = np.array([numbers.setdefault(label, len(numbers)) for label in truth])
    true_pairs = _pairs_within(Counter(truth).values())
    right = np.cumsum(labels[found.left] == labels[found.right])
    # No threshold parts pairs of equal weight.
    ends = np.flatnonzero(np.append(np.diff(found.bits) != 0, True)[: len(right)])
    likely = found.likely
    hits = int(right[likely - 1]) if likely else 0
    sets = list(groups)
    group_hits = sum(
        _pairs_within(Counter(labels[list(group)].tolist()).values()) for group in sets
    )
    return Accuracy(
        precision=hits / likely if likely else 0.0,
        recall=hits / true_pairs if true_pairs else 0.0,
        f1=_f1(hits, likely, true_pairs),
        best_f1=float((2 * right[ends] / (ends + 1 + true_pairs)).max(initial=0.0)),
        cluster_f1=_f1(group_hits, _pairs_within(map(len, sets)), true_pairs),
    )


def _pairs_within(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _f1(hits: int, said: int, true_pairs: int) -> float:
    return 2 * hits / (said + true_pairs) if said + true_pairs else 0.0
