"""Bad input ends in a lower rung and a clear statement: never in an exception or a silly number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from apps.predictions.columns import Column, ColumnKind, Row, Value
from apps.predictions.enums import Rung
from apps.predictions.estimation.bulk import probabilities
from apps.predictions.estimation.evaluating import evaluate
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.ladder import Climb, climb
from apps.predictions.estimation.tables import Table
from apps.predictions.exceptions import ExamplesRefusedError
from apps.predictions.tests.tables import COLUMNS, drawn_examples, drawn_rows


def examples_of(rows: Sequence[Row], labels: np.ndarray, **rest: np.ndarray) -> Examples:
    return Examples(Table.from_rows(COLUMNS, rows), labels, **rest)


def coins(count: int, seed: int = 1) -> np.ndarray:
    labels: np.ndarray = np.random.default_rng(seed).random(count) < 0.5
    return labels


def require_base_rate(found: Climb, examples: Examples) -> None:
    assert found.rung is Rung.BASE_RATE
    scores = probabilities(found.document, examples.table)
    np.testing.assert_allclose(scores, np.full(len(examples), examples.labels.mean()))


def test_ten_rows_end_on_the_base_rate() -> None:
    examples = drawn_examples(10)
    found = climb(examples)
    require_base_rate(found, examples)
    assert found.measures is None
    assert found.next_need == (
        "Shrunken frequencies needs 20 records with a known outcome, 5 of the rarer one; there are 10 and "
        f"{examples.rarer_outcomes}."
    )
    assert evaluate(examples).rung is Rung.BASE_RATE


def test_no_rows_at_all_end_on_the_base_rate_of_one_half() -> None:
    found = climb(drawn_examples(0))
    assert (found.rung, found.outcomes) == (Rung.BASE_RATE, 0)
    assert found.document.probability({}) == 0.5


@pytest.mark.parametrize(("outcome", "score"), [(True, 1 - 0.5 / 101), (False, 0.5 / 101)])
def test_one_class_ends_on_a_base_rate_that_is_not_certain(outcome: bool, score: float) -> None:
    examples = examples_of(drawn_rows(100), np.full(100, outcome))
    found = climb(examples)
    assert found.rung is Rung.BASE_RATE
    assert found.document.probability(drawn_rows(1)[0]) == pytest.approx(score)
    assert "100 and 0" in found.next_need
    with pytest.raises(ExamplesRefusedError, match="each outcome must occur at least 2 times"):
        evaluate(examples)


def test_all_values_missing_leave_no_column() -> None:
    examples = examples_of([{}] * 600, coins(600))
    found = climb(examples)
    require_base_rate(found, examples)
    assert [(left.column, left.reason) for left in found.refused] == [
        (column.name, "Nothing is filled in.") for column in COLUMNS
    ]


def test_a_million_categories_tell_nothing() -> None:
    count = 1_000_000
    codes = Table.from_tuples(
        [Column("id", ColumnKind.CATEGORY)], [(f"id {number}",) for number in range(count)]
    )
    found = climb(Examples(codes, coins(count)))
    assert found.rung is Rung.BASE_RATE
    assert [left.reason for left in found.refused] == ["Hardly any value occurs more than once."]


def test_many_categories_beside_honest_columns_do_no_harm() -> None:
    plain = drawn_examples(2_000, strength=2.0)
    rows = [{**row, "region": f"id {number}"} for number, row in enumerate(drawn_rows(2_000))]
    found = climb(examples_of(rows, plain.labels))
    without = climb(plain)
    assert found.measures is not None
    assert without.measures is not None
    assert found.measures.log_loss == pytest.approx(without.measures.log_loss, abs=0.01)


def test_infinities_are_not_known() -> None:
    rows = drawn_rows(600)
    wild: list[Value] = [float("inf"), float("-inf"), float("nan"), 1e308, -1e308]
    broken = [{**row, "amount": wild[number % 5]} for number, row in enumerate(rows)]
    examples = examples_of(broken, drawn_examples(600, strength=2.0).labels)
    found = climb(examples)
    assert found.is_served
    scores = probabilities(found.document, examples.table)
    assert np.all((scores >= 0.001) & (scores <= 0.999))
    assert found.document.probability(broken[0]) == pytest.approx(scores[0], abs=1e-9)


def test_dates_in_the_future_are_numbers_like_others() -> None:
    examples = drawn_examples(600, strength=2.0)
    moments = np.where(np.arange(600) % 50 == 0, 400_000.0, np.arange(600.0))
    found = climb(Examples(examples.table, examples.labels, moments))
    assert (found.is_served, found.is_by_time) == (True, True)


def test_labels_that_flip_within_a_record_are_no_signal() -> None:
    """Each record stands there twice, once with either outcome."""
    rows = drawn_rows(400)
    found = climb(
        examples_of(
            [*rows, *rows],
            np.repeat([True, False], 400),
            groups=np.concatenate([np.arange(400), np.arange(400)]),
        )
    )
    assert found.rung is Rung.BASE_RATE


@pytest.mark.parametrize("count", [40, 300, 700])
def test_two_hundred_columns_of_noise_beat_nothing(count: int) -> None:
    rng = np.random.default_rng(8)
    columns = [
        Column(f"column {place}", ColumnKind.NUMBER if place % 2 else ColumnKind.CATEGORY)
        for place in range(200)
    ]
    cells = rng.integers(0, 6, (count, 200))
    tuples = [
        tuple(float(cell) if place % 2 else f"value {cell}" for place, cell in enumerate(row))
        for row in cells.tolist()
    ]
    found = climb(Examples(Table.from_tuples(columns, tuples), coins(count)))
    assert found.rung is Rung.BASE_RATE


def test_one_moment_for_all_rows_parts_nothing() -> None:
    examples = drawn_examples(300, strength=2.0)
    found = climb(Examples(examples.table, examples.labels, np.zeros(300)))
    assert (found.is_served, found.is_by_time) == (True, False)
    with pytest.raises(ExamplesRefusedError, match="Time does not part the rows"):
        evaluate(Examples(examples.table, examples.labels, np.zeros(300)))


@pytest.mark.parametrize("filled", [1, 2, 6])
def test_a_column_that_is_filled_in_a_few_rows_alone_is_no_exception(filled: int) -> None:
    rows: list[Row] = [{"amount": float(place)} if place < filled else {} for place in range(600)]
    found = climb(examples_of(rows, coins(600)))
    assert found.rung is Rung.BASE_RATE
    assert [column.name for column in found.document.columns] == ["amount"]
