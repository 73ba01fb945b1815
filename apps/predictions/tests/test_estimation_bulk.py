"""A document scores a table as it scores each record, gaps and unseen values included."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from apps.predictions.columns import Row
from apps.predictions.documents import ModelDocument, digest_of
from apps.predictions.estimation import bulk
from apps.predictions.estimation.bulk import part_log_odds, probabilities
from apps.predictions.estimation.encoding import encode, learn_columns
from apps.predictions.estimation.rungs import learn_frequencies, learn_logistic, learn_trees
from apps.predictions.estimation.tables import Table
from apps.predictions.tests.tables import (
    COLUMNS,
    SOURCES,
    drawn_examples,
    drawn_rows,
    small_document,
)

NUMBERS = st.one_of(st.none(), st.floats(), st.integers(-10, 500).map(float))
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "amount": NUMBERS,
        "age": NUMBERS,
        "source": st.one_of(st.none(), st.sampled_from([*SOURCES, "unseen", ""]), st.text()),
        "region": st.one_of(st.none(), st.sampled_from(["north", "south", "west"])),
    },
)


@cache
def learned() -> ModelDocument:
    """A document of each part that learns, from examples with gaps."""
    examples = drawn_examples(1_500)
    encoded = encode(learn_columns(examples.table), examples.table)
    with threadpool_limits(limits=1):
        parts = (
            learn_frequencies(encoded, examples.labels),
            learn_logistic(encoded, examples.labels),
            learn_trees(encoded, examples.labels, seed=0, rounds=40),
        )
    return small_document().model_copy(
        update={
            "columns": encoded.columns,
            "parts": parts,
            "calibration": small_document().calibration.model_copy(
                update={"weights": (0.2, 0.3, 0.5)}
            ),
        }
    )


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(ROWS, min_size=1, max_size=30))
def test_bulk_and_single_scores_are_equal(rows: list[Row]) -> None:
    document = learned()
    scores = probabilities(document, Table.from_rows(COLUMNS, rows))
    single = [document.probability(row) for row in rows]
    np.testing.assert_allclose(scores, single, rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(ROWS, min_size=1, max_size=30))
def test_so_are_those_of_a_document_made_by_hand(rows: list[Row]) -> None:
    document = small_document()
    scores = probabilities(document, Table.from_rows(COLUMNS, rows))
    single = [document.probability(row) for row in rows]
    np.testing.assert_allclose(scores, single, rtol=0, atol=1e-9)


def test_the_trees_of_the_document_are_those_of_the_library() -> None:
    """Held against the library's own scores, since its fields are read to make them."""
    examples = drawn_examples(2_000)
    encoded = encode(learn_columns(examples.table), examples.table)
    with threadpool_limits(limits=1):
        part = learn_trees(encoded, examples.labels, seed=0, rounds=30)
    # As the library would be used: the columns as they stand, categories marked.
    matrix = np.column_stack(encoded.values)
    bare = HistGradientBoostingClassifier(
        max_iter=30,
        learning_rate=0.06,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=5.0,
        early_stopping=False,
        categorical_features=[2, 3],
        random_state=0,
    )
    with threadpool_limits(limits=1):
        bare.fit(matrix, examples.labels)
    np.testing.assert_allclose(
        part_log_odds(part, encoded), bare.decision_function(matrix), rtol=0, atol=1e-9
    )


def test_rows_are_scored_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table.from_rows(COLUMNS, drawn_rows(25))
    whole = probabilities(learned(), table)
    monkeypatch.setattr(bulk, "ROWS_AT_A_TIME", 10)
    np.testing.assert_array_equal(probabilities(learned(), table), whole)


def test_scores_survive_being_stored() -> None:
    document = learned()
    content = document.to_bytes()
    again = ModelDocument.from_bytes(content, digest_of(content))
    table = Table.from_rows(COLUMNS, drawn_rows(50, seed=9))
    np.testing.assert_array_equal(probabilities(again, table), probabilities(document, table))


def test_no_rows_have_no_scores() -> None:
    assert len(probabilities(learned(), Table.from_rows(COLUMNS, []))) == 0
