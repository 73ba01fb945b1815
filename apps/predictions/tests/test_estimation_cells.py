"""What the cells of a file's column are is decided for the whole column."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from apps.predictions.estimation.cells import TextColumn, TextReader


def column_of(cells: list[str]) -> TextColumn:
    """The column, read in two parts."""
    reader = TextReader()
    reader.add(cells[:1])
    reader.add(cells[1:])
    return reader.column()


def days(*texts: str) -> list[float]:
    first = date(1970, 1, 1)
    return [float((date.fromisoformat(text) - first).days) for text in texts]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "2.5", "-3", "1e3"], [1, 2.5, -3, 1000]),
        (["1,234.50", "2,000", ""], [1234.5, 2000, np.nan]),
        (["1.234,50", "2,5", "n/a"], [1234.5, 2.5, np.nan]),
        (["$1,200.50", "€3.00", "$4"], [1200.5, 3, 4]),
        (["45%", "7.5 %", "0 %"], [45, 7.5, 0]),
        (["inf", "-inf", "nan", "1"], [np.nan, np.nan, np.nan, 1]),
        ([*["5"] * 30, "?"], [*[5] * 30, np.nan]),
    ],
)
def test_numbers_are_read_as_they_are_written(cells: list[str], numbers: list[float]) -> None:
    found = column_of(cells).as_numbers()
    assert found is not None
    np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize(
    "cells",
    [
        ["web", "fair"],
        ["1", "two", "3"],
        ["007", "042"],
        ["1_000"],
        ["GTX500"],
        ["2026-01-31"],
        ["", "-"],
    ],
)
def test_what_is_no_column_of_numbers_is_none(cells: list[str]) -> None:
    assert column_of(cells).as_numbers() is None


@pytest.mark.parametrize(
    ("cells", "moments"),
    [
        (["2026-01-31", "2025-12-01"], days("2026-01-31", "2025-12-01")),
        (["31/01/2026", "02/03/2026"], days("2026-01-31", "2026-03-02")),
        (["01/31/2026", "02/03/2026"], days("2026-01-31", "2026-02-03")),
        (["1970-01-02 12:00", "1970-01-03 06:00"], [1.5, 2.25]),
        (["2199-12-31", ""], [*days("2199-12-31"), np.nan]),
    ],
)
def test_days_are_counted_since_1970(cells: list[str], moments: list[float]) -> None:
    found = column_of(cells).as_days()
    assert found is not None
    np.testing.assert_array_equal(found, moments)


def test_categories_are_trimmed_and_what_says_nothing_is_not_known() -> None:
    found = column_of(["web ", "fair", "N/A", "web", " "]).as_categories()
    assert found.vocabulary == ("web", "fair")
    assert found.codes.tolist() == [0, 1, -1, 0, -1]
