"""The measures, held against scikit-learn's own and against cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from apps.predictions.estimation.measures import (
    LiftBand,
    auc,
    average_precision,
    calibration_curve,
    calibration_error,
    lift_bands,
    measure,
    population_stability,
    ranking_z,
    wilson,
)


@pytest.mark.parametrize("decimals", [12, 1])
@pytest.mark.parametrize("rate", [0.5, 0.03])
def test_measures_are_those_of_scikit_learn(decimals: int, rate: float) -> None:
    """With one decimal nearly every score is tied."""
    rng = np.random.default_rng(3)
    scores = np.clip(rng.beta(2, 2 / rate - 2, 2_000).round(decimals), 0.01, 0.99)
    labels = rng.random(2_000) < scores
    found = measure(labels, scores)
    assert found.rows == 2_000
    assert found.base_rate == labels.mean()
    assert found.auc == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert found.average_precision == pytest.approx(metrics.average_precision_score(labels, scores))
    assert found.brier == pytest.approx(metrics.brier_score_loss(labels, scores))
    assert found.log_loss == pytest.approx(metrics.log_loss(labels, scores))


def test_with_one_outcome_nothing_is_ranked() -> None:
    scores = np.array([0.1, 0.9])
    assert auc(np.array([True, True]), scores) == 0.5
    assert ranking_z(np.array([False, False]), scores) == 0.0
    assert average_precision(np.array([False, False]), scores) == 0.0


def test_ranking_beyond_chance_is_counted_in_standard_errors() -> None:
    labels = np.array([False] * 4 + [True] * 4)
    assert ranking_z(labels, np.arange(8.0)) == pytest.approx(0.5 / np.sqrt(9 / (12 * 16)))


def test_the_curve_has_bands_of_equal_size_that_never_part_a_score() -> None:
    labels = np.array([False, False, True, False, True, True])
    scores = np.array([0.1, 0.1, 0.1, 0.1, 0.8, 0.9])
    bands = calibration_curve(labels, scores, bands=3)
    assert [(band.rows, band.share) for band in bands] == [(4, 0.25), (2, 1.0)]
    assert [band.mean_score for band in bands] == pytest.approx([0.1, 0.85])
    assert (bands[0].share_low, bands[0].share_high) == wilson(1, 4)
    assert calibration_error(labels, scores, bands=3) == pytest.approx((4 * 0.15 + 2 * 0.15) / 6)
    assert calibration_curve(labels[:0], scores[:0]) == []


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_the_interval_of_a_share_is_wilsons(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_lift_is_the_share_of_a_band_over_the_base_rate() -> None:
    labels = np.array([True, False, False, True])
    assert lift_bands(labels, np.array([0.9, 0.2, 0.1, 0.8]), bands=2) == [
        LiftBand(1, 2, 1.0, 2.0),
        LiftBand(3, 4, 0.0, 0.0),
    ]


def test_rows_of_one_score_share_their_lift() -> None:
    labels = np.array([True, True, False, False])
    found = lift_bands(labels, np.full(4, 0.5), bands=2)
    assert [band.lift for band in found] == [1.0, 1.0]


def test_stability_is_zero_where_nothing_moved_and_siddiqis_sum_else() -> None:
    before, now = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    assert population_stability(before, before) == 0.0
    expected = 0.3 * np.log(1.6) - 0.3 * np.log(0.4)
    assert population_stability(before, now) == pytest.approx(expected)
    assert np.isfinite(population_stability(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
