"""From which probability on two records are called the same, without anybody having said which are.

Where probabilities are right, those above a threshold say how many of the pairs above it are the same, and
those below it how many are missed. The threshold is where precision and recall, so expected, have the largest
harmonic mean (F1): at half of it (Lipton, Elkan and Narayanaswamy 2014). Where even that mean is expected to
be poor, a pair that is less likely the same than not is not said to be: much of what is said would be wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.duplicates.matching.documents import Estimate

Floats = NDArray[np.float64]

_STEPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
MORE_LIKELY_THAN_NOT = 0.5
# An expected F1 below this is poor.
_POOR = 0.8


def threshold_of(probabilities: Floats) -> float:
    """The threshold with the largest expected F1, 0.4 to 0.5; 0.5 where that is poor."""
    ordered = np.sort(probabilities)[::-1]
    if not len(ordered):
        return MORE_LIKELY_THAN_NOT
    f1 = 2 * np.cumsum(ordered) / (np.arange(1, len(ordered) + 1) + ordered.sum())
    best = float(f1.max())
    return best / 2 if best >= _POOR else MORE_LIKELY_THAN_NOT


def estimates_of(probabilities: Floats) -> tuple[Estimate, ...]:
    """Expected precision and recall by threshold."""
    ordered = np.sort(probabilities)[::-1]
    above = np.concatenate([[0.0], np.cumsum(ordered)])
    expected = max(float(above[-1]), 1e-12)
    estimates = []
    for step in _STEPS:
        count = int(np.searchsorted(-ordered, -step, side="right"))
        precision = above[count] / count if count else 1.0
        estimates.append(
            Estimate(
                probability=step, precision=float(precision), recall=float(above[count] / expected)
            )
        )
    return tuple(estimates)
