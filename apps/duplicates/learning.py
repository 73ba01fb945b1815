"""What people's decisions teach: from which probability on pairs are called likely. No database.

Without decisions the estimate of the matcher stands. With them, the share of duplicates that it expects among
the pairs from one step of probability to the next is drawn towards the share that was merged of those decided
there:

    (estimated x WEIGHT_OF_ESTIMATE + merged) / (WEIGHT_OF_ESTIMATE + decided)

A decision tells of its own step alone: people decide mostly on the surest pairs, and those say nothing of the
others. The precision at a step is that of all pairs from there on. The threshold then is the lowest step at
which it reaches what the matcher expected at its own; down it goes only as far as enough was decided on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from apps.duplicates.matching.documents import Estimate, MatcherDocument

# Fewer decisions say more about whom they were about than about the matcher.
LEAST_DECISIONS = 20
# The estimate counts as much as so many decisions.
WEIGHT_OF_ESTIMATE = 20.0
# What nobody decided on comes out as it was, but for the last digits.
_ROUNDING = 1e-9


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
    estimates = _learned(document.estimates, decided)
    if _precision_at(estimates, document.threshold) >= wanted - _ROUNDING:
        threshold = _lowered(estimates, decided, wanted, document.threshold)
    else:
        threshold = _raised(estimates, wanted, document.threshold)
    return document.model_copy(update={"estimates": estimates, "threshold": threshold})


def _learned(estimates: Sequence[Estimate], decided: Sequence[Decided]) -> tuple[Estimate, ...]:
    """The estimates with the precision that decisions lead to.

    Recall and precision tell how many pairs and duplicates are expected from a step on, as parts of all
    duplicates, and so how many stand between it and the next.
    """
    learned: list[Estimate] = []
    end, pairs_above, duplicates_above, duplicates = inf, 0.0, 0.0, 0.0
    for estimate in reversed(estimates):
        pairs = estimate.recall / estimate.precision
        merged = _between(decided, estimate.probability, end)
        own_pairs, own_duplicates = pairs - pairs_above, estimate.recall - duplicates_above
        expected = own_duplicates * WEIGHT_OF_ESTIMATE + own_pairs * sum(merged)
        duplicates += expected / (WEIGHT_OF_ESTIMATE + len(merged))
        precision = duplicates / pairs if pairs > 0 else estimate.precision
        learned.append(estimate.model_copy(update={"precision": precision}))
        end, pairs_above, duplicates_above = estimate.probability, pairs, estimate.recall
    return tuple(reversed(learned))


def _between(decided: Sequence[Decided], start: float, end: float) -> list[bool]:
    """Of the pairs decided from one probability to below another, whether each was merged."""
    return [pair.is_merged for pair in decided if start <= pair.probability < end]


def _precision_at(estimates: Sequence[Estimate], probability: float) -> float:
    """The precision of the highest step that is not above the probability."""
    below = [item.precision for item in estimates if item.probability <= probability]
    return below[-1] if below else estimates[0].precision


def _lowered(
    estimates: Sequence[Estimate], decided: Sequence[Decided], wanted: float, present: float
) -> float:
    """The lowest step with the precision that is wanted, as far down as enough was decided on every step."""
    lowest = end = present
    for step in reversed([item for item in estimates if item.probability < present]):
        if len(_between(decided, step.probability, end)) < LEAST_DECISIONS:
            break
        end = step.probability
        if step.precision >= wanted - _ROUNDING:
            lowest = step.probability
    return lowest


def _raised(estimates: Sequence[Estimate], wanted: float, present: float) -> float:
    """The first step above the present threshold with the precision that is wanted; else the last."""
    good = [item.probability for item in estimates if item.precision >= wanted - _ROUNDING]
    return next((step for step in good if step > present), estimates[-1].probability)
