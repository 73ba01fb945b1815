"""From which probability on two records are called the same, without anybody having said which are.

Where probabilities are right, those above a threshold say how many of the pairs above it are the same, and
those below it how many are missed. The threshold is where precision and recall, so expected, have the largest
harmonic mean (F1): at half of it (Lipton, Elkan and Narayanaswamy 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.duplicates.matching.documents import Estimate

Floats = NDArray[np.float64]

_STEPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
# Where hardly a pair is likely, the best that can be hoped for is poor, and half of it would be nonsense.
_LOWEST = 0.3


def threshold_of(probabilities: Floats) -> float:
    """The threshold with the largest expected F1, 0.3 to 0.5."""
    ordered = np.sort(probabilities)[::-1]
    if not len(ordered):
        return _LOWEST
    f1 = 2 * np.cumsum(ordered) / (np.arange(1, len(ordered) + 1) + ordered.sum())
    return max(float(f1.max()) / 2, _LOWEST)


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
