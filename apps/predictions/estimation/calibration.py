"""From the log-odds of rows that a model had not seen to scores that may be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.predictions.documents import Calibration
from apps.predictions.estimation.examples import Labels
from apps.predictions.estimation.tables import Floats

# Newton's method on a few parameters of a convex function: it converges in less than ten steps.
_STEPS = 25
_ENOUGH = 1e-9


def calibrate(
    log_odds: Sequence[Floats],
    labels: Labels,
    *,
    prior_weights: Sequence[float],
    prior_strength: float,
    row_weight: float = 1.0,
) -> Calibration:
    """Fit intercept and weights so that the weighted log-odds of the parts give the outcomes.

    With one part it is Platt's scaling (1999) with a slope drawn towards what is expected, with several the
    stacking of models by a logistic regression (Wolpert 1992; Breiman 1996, weights not negative).

    Args:
        log_odds: of each part, from models that had not seen these rows.
        prior_weights: the weights where there is no data.
        prior_strength: one through the squared deviation from them that would not surprise.
        row_weight: what a row counts; one half where each was judged twice.
    """
    used = list(range(len(log_odds)))
    while True:
        design = np.column_stack([np.ones(len(labels)), *(log_odds[part] for part in used)])
        prior = np.array([0.0, *(prior_weights[part] for part in used)])
        found = _fit(design, labels, prior, prior_strength, row_weight)
        negative = [part for part, weight in zip(used, found[1:], strict=True) if weight < 0]
        if not negative:
            break
        used = [part for part in used if part not in negative]
    weights = [0.0] * len(log_odds)
    for part, weight in zip(used, found[1:], strict=True):
        weights[part] = float(weight)
    return Calibration(intercept=float(found[0]), weights=tuple(weights))


def apply(calibration: Calibration, log_odds: Sequence[Floats]) -> Floats:
    """The calibrated log-odds."""
    total = np.full(len(log_odds[0]), calibration.intercept)
    for weight, part in zip(calibration.weights, log_odds, strict=True):
        total += weight * part
    return total


def _fit(
    design: Floats, labels: Labels, prior: Floats, prior_strength: float, row_weight: float
) -> Floats:
    found = prior.copy()
    # The intercept stays nearly free.
    strengths = np.full(len(prior), prior_strength)
    strengths[0] = min(prior_strength, 1.0)
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        gradient = row_weight * design.T @ (chances - labels) + strengths * (found - prior)
        weights = row_weight * chances * (1 - chances)
        curvature = (design * weights[:, None]).T @ design + np.diag(strengths)
        step = np.linalg.solve(curvature, gradient)
        found = found - step
        if np.abs(step).max() < _ENOUGH:
            break
    return found
