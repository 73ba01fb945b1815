"""How right and how honest probabilities are. Everything is computed from outcomes and scores alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from apps.predictions.estimation.examples import Labels
from apps.predictions.estimation.tables import Floats

# For an interval that holds in 95 of 100 cases.
Z_95 = 1.96
# A share of nothing would make the stability index infinite.
_SMALLEST_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of scores on rows that the model had not seen."""

    rows: int
    base_rate: float
    auc: float
    average_precision: float
    brier: float
    log_loss: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Band:
    """Rows with scores side by side: the mean score, and the share that came about with its interval."""

    rows: int
    mean_score: float
    share: float
    share_low: float
    share_high: float


@dataclass(frozen=True, slots=True)
class LiftBand:
    """Rows side by side in the order of falling scores, ranks from 1 on: how often it came about there.

    ``lift`` is that share over the base rate.
    """

    first_rank: int
    last_rank: int
    share: float
    lift: float


def measure(labels: Labels, scores: Floats) -> Measures:
    """All measures at once; the rows need both outcomes."""
    return Measures(
        rows=len(labels),
        base_rate=float(labels.mean()),
        auc=auc(labels, scores),
        average_precision=average_precision(labels, scores),
        brier=float(np.mean((scores - labels) ** 2)),
        log_loss=float(losses(labels, scores).mean()),
        calibration_error=calibration_error(labels, scores),
    )


def losses(labels: Labels, scores: Floats) -> Floats:
    """The logarithmic loss of each row (Good 1952)."""
    result: Floats = -np.log(np.where(labels, scores, 1 - scores))
    return result


def auc(labels: Labels, scores: Floats) -> float:
    """How often a row in which it came about scores above one in which it did not; ties count half.

    Mann and Whitney 1947; Hanley and McNeil 1982. 0.5 where there is only one outcome.
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = mean_ranks[inverse][labels].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def ranking_z(labels: Labels, scores: Floats) -> float:
    """How many standard errors the AUC lies above chance, by the variance of Mann and Whitney's U."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.0
    error = np.sqrt((len(labels) + 1) / (12 * positives * negatives))
    return float((auc(labels, scores) - 0.5) / error)


def average_precision(labels: Labels, scores: Floats) -> float:
    """The precision at each found outcome, averaged; tied scores are found together."""
    positives = int(labels.sum())
    if not positives:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(labels[order])
    is_last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    found, looked_at = found[is_last_of_ties], np.flatnonzero(is_last_of_ties) + 1
    gained = np.diff(found, prepend=0)
    return float(np.sum(gained * found / looked_at) / positives)


def calibration_error(labels: Labels, scores: Floats, bands: int = 10) -> float:
    """The mean distance between score and share over bands of equally many rows.

    Expected calibration error (Naeini, Cooper and Hauskrecht 2015), with bands of equal size (Nguyen and
    O'Connor 2015), so that no band is nearly empty.
    """
    return float(sum(
        band.rows * abs(band.mean_score - band.share)
        for band in calibration_curve(labels, scores, bands)
    ) / max(len(labels), 1))  # fmt: skip


def calibration_curve(labels: Labels, scores: Floats, bands: int = 10) -> list[Band]:
    """Bands of equally many rows by rising score, rows of one score never parted."""
    order = np.argsort(scores, kind="stable")
    sorted_scores = scores[order]
    wanted = np.arange(1, bands) * len(scores) // bands
    edges = np.unique(np.searchsorted(sorted_scores, sorted_scores[wanted]) if len(scores) else [])
    parts = np.split(order, edges[edges > 0])
    return [_band(labels[part], scores[part]) for part in parts if len(part)]


def lift_bands(labels: Labels, scores: Floats, bands: int = 10) -> list[LiftBand]:
    """Bands of equally many rows by falling score; rows of one score share what came about among them."""
    base = labels.mean()
    if not base:
        return []
    order = np.argsort(-scores, kind="stable")
    _, tied, counts = np.unique(scores[order], return_inverse=True, return_counts=True)
    chances = (np.bincount(tied, weights=labels[order]) / counts)[tied]
    ends = np.arange(0, bands + 1) * len(scores) // bands
    found = []
    for begin, end in pairwise(int(end) for end in ends):
        if end > begin:
            share = float(chances[begin:end].mean())
            found.append(LiftBand(begin + 1, end, share, share / float(base)))
    return found


def wilson(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """The interval of a share (Wilson 1927), which stays within 0 and 1 and holds for few trials."""
    if not trials:
        return 0.0, 1.0
    share = successes / trials
    spread = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    middle = share + z**2 / (2 * trials)
    scale = 1 + z**2 / trials
    return max(0.0, float((middle - spread) / scale)), min(1.0, float((middle + spread) / scale))


def population_stability(expected: Floats, actual: Floats) -> float:
    """How far the shares of a column's values have moved: the population stability index.

    The symmetrised Kullback–Leibler divergence (Jeffreys 1946); by Siddiqi's rule of thumb (2006) below 0.1
    is little, above 0.25 is much.
    """
    before, now = (np.maximum(shares, _SMALLEST_SHARE) for shares in (expected, actual))
    return float(np.sum((now - before) * np.log(now / before)))


def _band(labels: Labels, scores: Floats) -> Band:
    low, high = wilson(int(labels.sum()), len(labels))
    return Band(len(labels), float(scores.mean()), float(labels.mean()), low, high)
