"""The peers of the bench do what others do, by numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from apps.predictions.bench.comparing import Comparison, compare
from apps.predictions.bench.peers import base_rate, odoo, peers
from apps.predictions.columns import Column, ColumnKind
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.tables import Table
from apps.predictions.tests.tables import drawn_examples

SOURCE = Column("source", ColumnKind.CATEGORY)


def sources(*values: str | None) -> Table:
    return Table.from_tuples([SOURCE], [(value,) for value in values])


def test_odoos_scores_are_naive_bayes_with_a_tenth_of_a_row() -> None:
    whole = sources("web", "web", "fair", None, "web", "unseen", "fair")
    train = Examples(whole.take(slice(0, 4)), np.array([True, False, True, False]))
    scores = odoo(train, whole.take(slice(4, 7)))
    # Won: web 1.1 of 2.2, fair 1.1 of 2.2. Lost: web 1.1 of 1.2, fair 0.1 of 1.2.
    web, fair = (0.5 / (0.5 + 1.1 / 1.2), 0.5 / (0.5 + 0.1 / 1.2))
    assert scores == pytest.approx([web, 0.5, fair], abs=5e-5)


def test_the_base_rate_is_the_training_mean() -> None:
    train = Examples(sources("web", "web", "fair", "web"), np.array([True, False, False, False]))
    assert base_rate(train, sources("fair", "call")).tolist() == [0.25, 0.25]


def test_everyone_learns_from_the_same_rows_and_is_judged_on_the_same() -> None:
    comparison = compare(drawn_examples(200), 30)
    assert {"ours", *peers()} == set(comparison.scores)
    assert all(
        [len(scores) for scores in found] == [len(labels) for labels in comparison.labels]
        for found in comparison.scores.values()
    )


def test_what_is_within_noise_is_half_an_interval_of_the_difference() -> None:
    labels = np.array([True, False] * 200)
    right, wrong = np.where(labels, 0.7, 0.3), np.where(labels, 0.6, 0.4)
    noisy = np.where(np.arange(400) % 4 < 2, right, 1 - right)
    comparison = Comparison(
        rows=(np.arange(400),),
        labels=(labels,),
        scores={"ours": (wrong,), "steady": (right,), "noisy": (noisy,)},
    )
    assert comparison.best_peer() == "steady"
    assert comparison.within_noise("steady") == pytest.approx(0.0, abs=1e-12)
    # Losses of the noisy one are 0.3567 and 1.2040, each in half of the rows.
    deviation = (1.2040 - 0.3567) / 2
    assert comparison.within_noise("noisy") == pytest.approx(1.96 * deviation / 20, rel=0.1)
