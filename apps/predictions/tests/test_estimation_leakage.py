"""Columns that are filled in after the outcome are refused, honest ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from apps.predictions.columns import Column, ColumnKind, Row
from apps.predictions.estimation.encoding import LeftOut
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.leakage import find_leaks
from apps.predictions.estimation.tables import Table
from apps.predictions.tests.tables import COLUMNS, drawn_examples, drawn_rows

ONLY_LOST = (
    "It is filled in only where it did not come about: it is known after the outcome, not before."
)
PERFECT = (
    "Alone it tells the outcomes apart almost perfectly (AUC 1.000): "
    "it is known after the outcome, not before."
)


def examples_with(values: list[object], labels: list[bool], kind: ColumnKind) -> Examples:
    rows: list[Row] = [{"found": value} for value in values]  # type: ignore[dict-item]
    return Examples(Table.from_rows([Column("found", kind)], rows), np.array(labels))


ALTERNATING = [bool(number % 2) for number in range(200)]


@pytest.mark.parametrize(
    ("kind", "values", "reason"),
    [
        # The close value of a lost deal is 0, as in Maven's export.
        (
            ColumnKind.NUMBER,
            [500.0 + n if won else 0.0 for n, won in enumerate(ALTERNATING)],
            PERFECT,
        ),
        (ColumnKind.CATEGORY, ["signed" if won else "sent" for won in ALTERNATING], PERFECT),
        # The reason of a loss is known for most losses and for no win.
        (
            ColumnKind.CATEGORY,
            [None if won or n % 10 == 0 else "price" for n, won in enumerate(ALTERNATING)],
            ONLY_LOST,
        ),
        (
            ColumnKind.NUMBER,
            [None if won or n % 10 == 0 else 1.0 * n for n, won in enumerate(ALTERNATING)],
            ONLY_LOST,
        ),
    ],
)
def test_a_column_known_after_the_outcome_is_refused(
    kind: ColumnKind, values: list[object], reason: str
) -> None:
    assert find_leaks(examples_with(values, ALTERNATING, kind)) == (LeftOut("found", reason),)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        # An id of its own in every row tells nothing, neither as a text nor as a number.
        (ColumnKind.CATEGORY, [f"id {number}" for number in range(200)]),
        (ColumnKind.NUMBER, [float(number) for number in range(200)]),
        # Filled in five rows of one outcome: that may be chance.
        (
            ColumnKind.CATEGORY,
            ["late" if number in {0, 2, 4, 6, 8} else None for number in range(200)],
        ),
        (ColumnKind.NUMBER, [None] * 200),
    ],
)
def test_a_column_that_tells_nothing_is_no_leak(kind: ColumnKind, values: list[object]) -> None:
    assert find_leaks(examples_with(values, ALTERNATING, kind)) == ()


def test_what_is_filled_where_nearly_all_came_about_is_no_leak() -> None:
    """Of 200 rows 190 came about: that all 40 filled ones did is one chance in eight."""
    labels = [number % 20 != 19 for number in range(200)]
    values: list[object] = [
        "seen" if number % 20 in {1, 2, 3, 4} else None for number in range(200)
    ]
    assert find_leaks(examples_with(values, labels, ColumnKind.CATEGORY)) == ()


def test_strong_honest_columns_are_no_leak() -> None:
    assert find_leaks(drawn_examples(3_000, strength=2.0)) == ()


def test_with_hardly_any_outcomes_nothing_is_refused() -> None:
    rows = drawn_rows(40)
    labels = np.array([number < 4 for number in range(40)])
    table = Table.from_rows(COLUMNS, [{**row, "age": float(n)} for n, row in enumerate(rows)])
    assert find_leaks(Examples(table, labels)) == ()
