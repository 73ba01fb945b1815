"""What raised and lowered a score, from the model itself."""

from __future__ import annotations

import time

import numpy as np
import pytest

from apps.predictions.columns import Row
from apps.predictions.documents import CategoryColumn, ModelDocument, NumberColumn, TreesPart
from apps.predictions.explaining import Factor, Influence, counterfactual, explain
from apps.predictions.tests.tables import small_document

ROW: Row = {"amount": 5_000.0, "age": None, "source": "referral"}


def test_a_factor_is_worth_what_the_score_loses_without_it() -> None:
    document = small_document()
    score = document.probability(ROW)
    by_source = 100 * (score - document.probability({**ROW, "source": "web"}))
    by_amount = 100 * (score - document.probability({**ROW, "amount": 100.0}))
    assert by_source > by_amount > 0
    assert explain(document, ROW) == [
        Influence("source", by_source, {"source": "referral"}, {"source": "web"}),
        Influence("amount", by_amount, {"amount": 5_000.0}, {"amount": 100.0}),
    ]


def test_what_lowers_a_score_is_told_with_its_sign() -> None:
    (influence,) = explain(small_document(), {"amount": 1.0, "source": "web"})
    assert influence.factor == "amount"
    assert influence.points < 0
    assert not influence.raises


def test_columns_that_belong_together_are_one_factor() -> None:
    factors = [Factor("size and origin", ("amount", "source", "unknown"))]
    (influence,) = explain(small_document(), ROW, factors)
    assert influence.values == {"amount": 5_000.0, "source": "referral"}
    assert influence.usual == {"amount": 100.0, "source": "web"}


def test_a_usual_record_has_nothing_to_tell() -> None:
    document = small_document()
    assert explain(document, document.typical()) == []


def test_a_counterfactual_is_the_score_with_other_values() -> None:
    document = small_document()
    assert counterfactual(document, ROW, {"source": "web"}) == document.probability(
        {"amount": 5_000.0, "source": "web"}
    )


def grown(trees: int, columns: int) -> ModelDocument:
    """A document of full binary trees with 31 leaves, about what the library grows."""
    rng = np.random.default_rng(0)
    inner = 31
    part = small_document().parts[1]
    assert isinstance(part, TreesPart)
    grown_trees = []
    for _ in range(trees):
        leaf = [node >= inner for node in range(2 * inner + 1)]
        size = len(leaf)
        grown_trees.append(
            part.trees[0].model_copy(
                update={
                    "feature": tuple(
                        -1 if is_leaf else int(rng.integers(columns)) for is_leaf in leaf
                    ),
                    "threshold": tuple(rng.random(size).tolist()),
                    "left_codes": (0,) * size,
                    "missing_left": (True,) * size,
                    "left": tuple(0 if is_leaf else 2 * n + 1 for n, is_leaf in enumerate(leaf)),
                    "right": tuple(0 if is_leaf else 2 * n + 2 for n, is_leaf in enumerate(leaf)),
                    "value": tuple((rng.random(size) / 100).tolist()),
                    "is_category": (False,) * size,
                }
            )
        )
    names = [f"column {number}" for number in range(columns)]
    return small_document().model_copy(
        update={
            "columns": tuple(NumberColumn(name=name, typical=0.5) for name in names),
            "parts": (part.model_copy(update={"trees": tuple(grown_trees)}),),
            "calibration": small_document().calibration.model_copy(update={"weights": (1.0,)}),
        }
    )


def test_three_hundred_trees_over_forty_columns_are_explained_at_once() -> None:
    document = grown(300, 40)
    row: Row = {column.name: 0.25 for column in document.columns}
    times = []
    for _ in range(3):
        began = time.perf_counter()
        assert explain(document, row)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.1


@pytest.mark.parametrize("value", ["unseen", None, ""])
def test_any_value_can_be_explained(value: str | None) -> None:
    document = small_document()
    assert isinstance(document.columns[2], CategoryColumn)
    assert all(-100 < found.points < 100 for found in explain(document, {"source": value}))
