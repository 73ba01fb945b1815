"""Tables of numbers and codes, and how their columns are encoded."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from apps.predictions.columns import Column, ColumnKind, Row
from apps.predictions.documents import AnyColumn, CategoryColumn, NumberColumn
from apps.predictions.estimation import tables
from apps.predictions.estimation.encoding import (
    MOST_VALUES,
    LeftOut,
    empty_columns,
    encode,
    learn_columns,
)
from apps.predictions.estimation.examples import Examples
from apps.predictions.estimation.tables import Table

NUMBER = Column("amount", ColumnKind.NUMBER)
CATEGORY = Column("source", ColumnKind.CATEGORY)


def column_of(values: Sequence[object], column: Column = CATEGORY) -> Table:
    return Table.from_tuples([column], [(value,) for value in values])  # type: ignore[misc]


def test_rows_become_numbers_and_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_CHUNK", 2)
    rows: list[Row] = [
        {"amount": 1.5, "source": "web"},
        {"amount": None, "source": "fair"},
        {"source": "web", "other": 1.0},
        {"amount": -2.0, "source": ""},
    ]
    table = Table.from_rows([NUMBER, CATEGORY], rows)
    assert len(table) == 4
    np.testing.assert_array_equal(table.numbers["amount"], [1.5, np.nan, np.nan, -2.0])
    assert table.categories["source"].vocabulary == ("web", "fair")
    assert table.categories["source"].codes.tolist() == [0, 1, 0, -1]


def test_numbers_of_any_kind_are_read_and_what_is_none_is_not_known() -> None:
    cells = [True, 3, Decimal("2.5"), None, float("inf"), float("-inf"), float("nan")]
    plain = column_of(cells, NUMBER).numbers["amount"]
    np.testing.assert_array_equal(plain, [1, 3, 2.5, np.nan, np.nan, np.nan, np.nan])
    mixed = column_of([*cells, "7", 10**400], NUMBER).numbers["amount"]
    np.testing.assert_array_equal(mixed, [*plain, np.nan, np.nan])
    huge = column_of([1, 10**400], NUMBER).numbers["amount"]
    np.testing.assert_array_equal(huge, [1, np.nan])


def test_a_table_without_rows_or_columns_is_one() -> None:
    assert len(Table.from_rows([NUMBER, CATEGORY], [])) == 0
    assert len(Table.from_rows([], [{"amount": 1.0}] * 3)) == 3


def test_rows_are_taken_in_their_order() -> None:
    table = column_of(["web", "fair", "call"])
    assert table.take(np.array([2, 0])).categories["source"].codes.tolist() == [2, 0]
    assert len(table.take(slice(1, 100))) == 2
    assert table.without(["source"]).columns == ()


def test_frequent_categories_have_codes_and_rare_ones_share_one() -> None:
    values = ["b"] * 60 + ["a"] * 50 + ["rare"] * 4 + [None] * 3
    (column,) = learn_columns(column_of(values))
    assert column == CategoryColumn(name="source", values=("b", "a"), has_other=True, typical="b")
    seen = encode([column], column_of(["a", "rare", "unseen", None, "b"]))
    np.testing.assert_array_equal(seen.values[0], [1, 2, 2, np.nan, 0])


def test_of_many_categories_a_hundred_are_kept() -> None:
    common = [f"common {number % 150}" for number in range(3_000)]
    unique = [f"unique {number}" for number in range(100_000)]
    (column,) = learn_columns(column_of([*common, *unique]))
    assert isinstance(column, CategoryColumn)
    assert len(column.values) == MOST_VALUES
    assert column.has_other
    assert all(value.startswith("common") for value in column.values)


def test_the_typical_number_is_the_median_where_most_are_known() -> None:
    (known,) = learn_columns(column_of([1.0, 5.0, 9.0, None], NUMBER))
    (unknown,) = learn_columns(column_of([1.0, None, None], NUMBER))
    assert (known, unknown) == (
        NumberColumn(name="amount", typical=5.0),
        NumberColumn(name="amount", typical=None),
    )


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        (NUMBER, [None, float("inf")], "Nothing is filled in."),
        (CATEGORY, [None, ""], "Nothing is filled in."),
        (NUMBER, [4.0, 4.0], "It is the same in every row."),
        (CATEGORY, ["web", "web"], "It is the same in every row."),
        (CATEGORY, ["id 1", "id 2", "id 3"], "Hardly any value occurs more than once."),
    ],
)
def test_a_column_that_tells_nothing_is_left_out(
    column: Column, values: list[object], reason: str
) -> None:
    table = column_of(values, column)
    assert learn_columns(table) == ()
    assert empty_columns(table) == (LeftOut(column.name, reason),)


def test_a_column_that_the_table_lacks_is_not_known() -> None:
    columns: list[AnyColumn] = [
        NumberColumn(name="age", typical=1.0),
        CategoryColumn(name="stage", values=("new",), has_other=True, typical="new"),
    ]
    encoded = encode(columns, column_of(["web", "fair"]))
    assert np.isnan(encoded.values).all()


def test_examples_count_records_not_rows() -> None:
    examples = Examples(
        column_of(["a"] * 6),
        np.array([True, True, True, False, False, True]),
        groups=np.array([1, 1, 1, 2, 3, 4]),
    )
    assert (examples.outcomes, examples.rarer_outcomes) == (4, 2)
    assert examples.base_rate_0_1 == pytest.approx(4 / 6)


def test_examples_must_fit_together() -> None:
    table, labels = column_of(["a", "b"]), np.array([True, False])
    with pytest.raises(ValueError, match="as many as the rows"):
        Examples(table, labels[:1])
    with pytest.raises(ValueError, match="needs a moment"):
        Examples(table, labels, moments=np.array([1.0, np.nan]))
