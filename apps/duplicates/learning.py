"""What people's decisions teach: from which probability on pairs are called likely. No database.

Without decisions the estimate of the matcher stands. With them, the precision that it expects at each
probability is drawn towards the share of decided pairs at or above it that were merged:

    (estimated x WEIGHT_OF_ESTIMATE + merged) / (WEIGHT_OF_ESTIMATE + decided)

The threshold then is the lowest probability at which that reaches what the matcher expected at its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.duplicates.matching.documents import Estimate, MatcherDocument

# Fewer decisions say more about whom they were about than about the matcher.
LEAST_DECISIONS = 20
# The estimate counts as much as so many decisions.
WEIGHT_OF_ESTIMATE = 20.0


@dataclass(frozen=True, slots=True)
class Decided:
    """A pair that people have decided on: how probable it was, and whether it was merged."""

    probability: float
    is_merged: bool


def with_decisions(document: MatcherDocument, decided: Sequence[Decided]) -> MatcherDocument:
    """The document with the precision, and the threshold, that decisions lead to."""
    if len(decided) < LEAST_DECISIONS or not document.estimates:
        return document
    wanted = _precision_at(document.estimates, document.threshold)
    estimates = tuple(_learned(estimate, decided) for estimate in document.estimates)
    return document.model_copy(
        update={
            "estimates": estimates,
            "threshold": _threshold(estimates, wanted, document.threshold),
        }
    )


def _learned(estimate: Estimate, decided: Sequence[Decided]) -> Estimate:
    above = [pair.is_merged for pair in decided if pair.probability >= estimate.probability]
    expected = estimate.precision * WEIGHT_OF_ESTIMATE + sum(above)
    precision = expected / (WEIGHT_OF_ESTIMATE + len(above))
    return estimate.model_copy(update={"precision": precision})


def _precision_at(estimates: Sequence[Estimate], probability: float) -> float:
    """The precision of the highest step that is not above the probability."""
    below = [item.precision for item in estimates if item.probability <= probability]
    return below[-1] if below else estimates[0].precision


def _threshold(estimates: Sequence[Estimate], wanted: float, present: float) -> float:
    """The lowest step with the precision that is wanted; above the present one where that lost it."""
    good = [item.probability for item in estimates if item.precision >= wanted]
    if _precision_at(estimates, present) >= wanted:
        return min(present, *good)
    return next((step for step in good if step > present), estimates[-1].probability)
