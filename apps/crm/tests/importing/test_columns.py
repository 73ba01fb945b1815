"""What is decided once for a whole column: the order of dates, the decimal mark, the type of a new field."""

from __future__ import annotations

import pytest

from apps.crm.enums import FieldType, RecordKind
from apps.crm.importing.columns import FileProfile, profile_columns
from apps.crm.importing.mapping import MappingFile, fit_mapping
from apps.crm.importing.tables import FileRow
from apps.crm.importing.values import DateOrder, DecimalMark

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_acme(acme: object) -> None:
    """Custom fields are read from the tenant."""


def profile(
    table: dict[str, list[str]], kind: RecordKind = RecordKind.OPPORTUNITY, **mapping: object
) -> FileProfile:
    fitted = fit_mapping(kind, list(table), MappingFile.parse(mapping))
    rows = [
        FileRow(number, list(cells))
        for number, cells in enumerate(zip(*table.values(), strict=True), 2)
    ]
    return profile_columns(fitted, rows)


def test_one_value_decides_the_order_of_the_whole_column() -> None:
    found = profile({"opened_on": ["03/04/2026", "05/06/2026", "31/01/2026"]})
    assert found.date_orders == {0: DateOrder.DAY_FIRST}
    assert found.notes == (
        "Dates in “opened_on” are read day before month, as some of its values prove.",
    )


def test_a_column_without_proof_follows_the_others_of_the_file() -> None:
    found = profile({"opened_on": ["03/04/2026"], "closed_on": ["13/04/2026"]})
    assert found.date_orders == {0: DateOrder.DAY_FIRST, 1: DateOrder.DAY_FIRST}
    assert found.notes == (
        "Dates in “opened_on” are read day before month, as in the file's other columns.",
        "Dates in “closed_on” are read day before month, as some of its values prove.",
    )


def test_without_any_proof_the_month_comes_first_and_that_is_said() -> None:
    found = profile({"opened_on": ["03/04/2026", "05/06/2026"]})
    assert found.date_orders == {0: DateOrder.MONTH_FIRST}
    assert found.notes == (
        "Dates in “opened_on” are read month before day, by assumption, as no value tells the two apart; "
        "choose the order if that is wrong.",
    )


def test_columns_that_disagree_are_each_read_by_their_own_proof() -> None:
    found = profile(
        {
            "opened_on": ["31/01/2026"],
            "closed_on": ["01/31/2026"],
            "expected_close_on": ["01/02/2026"],
        }
    )
    assert found.date_orders == {
        0: DateOrder.DAY_FIRST,
        1: DateOrder.MONTH_FIRST,
        2: DateOrder.MONTH_FIRST,
    }


def test_a_column_that_contradicts_itself_goes_by_the_majority() -> None:
    found = profile({"opened_on": ["31/01/2026", "30/01/2026", "01/31/2026", "01/02/2026"]})
    assert found.date_orders == {0: DateOrder.DAY_FIRST}
    assert found.notes == (
        "Dates in “opened_on” are read day before month, as most of its values say; the others are refused.",
    )


def test_a_chosen_order_wins_over_the_evidence() -> None:
    found = profile(
        {"opened_on": ["31/01/2026"]}, columns={"opened_on": "opened_on"}, date_order="mdy"
    )
    assert found.date_orders == {0: DateOrder.MONTH_FIRST}


def test_dates_that_need_no_order_are_not_spoken_of() -> None:
    found = profile({"opened_on": ["2026-01-31", "31.01.2026", "05/05/2026", "", "n/a"]})
    assert found.notes == ()


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["1,234.56", "5"], DecimalMark.POINT),
        (["1.234,56", "5"], DecimalMark.COMMA),
        (["12,5", "1.234"], DecimalMark.COMMA),
        (["1.234", "5.678"], DecimalMark.COMMA),
        (["1,234", "5,678"], DecimalMark.POINT),
        (["1,234", "5.678"], DecimalMark.POINT),
        (["1054.0", "4514.0"], DecimalMark.POINT),
        (["4514"], DecimalMark.POINT),
    ],
)
def test_the_decimal_mark_of_a_column(values: list[str], mark: DecimalMark) -> None:
    assert profile({"amount": values}).decimal_marks == {0: mark}


def test_a_decimal_comma_is_spoken_of() -> None:
    assert profile({"amount": ["1.234,56"]}).notes == (
        "Numbers in “amount” have a decimal comma, as its values show.",
    )


@pytest.mark.parametrize(
    ("values", "field_type"),
    [
        (["yes", "No", "", "TRUE"], FieldType.BOOLEAN),
        (["1", "0", "1"], FieldType.NUMBER),
        (["12.5", "1,000.25", "-3"], FieldType.NUMBER),
        (["00123", "00124"], FieldType.TEXT),
        (["2026-01-31", "31.12.2026"], FieldType.DATE),
        (["Big", "Small"] * 3, FieldType.CHOICE),
        (["Big", "Small"], FieldType.TEXT),
        ([f"note {number}" for number in range(30)], FieldType.TEXT),
        (["x" * 61] * 9, FieldType.TEXT),
        (["", ""], FieldType.TEXT),
        (["yes", "no", "unknown"] * 3, FieldType.CHOICE),
        (["1", "two"], FieldType.TEXT),
    ],
)
def test_the_type_of_a_new_custom_field(values: list[str], field_type: FieldType) -> None:
    found = profile({"Odd": values}, columns={"Odd": "custom:odd"})
    assert found.custom_types == {"odd": field_type}


def test_the_choices_of_a_new_custom_field_are_those_of_the_file() -> None:
    found = profile({"Size": ["Big", "Small", "Big"] * 3}, columns={"Size": "custom:size"})
    assert found.custom_choices == {"size": ("Big", "Small")}


def test_too_many_choices_make_a_text_field() -> None:
    found = profile(
        {"Odd": [f"word {number}" for number in range(150)]}, columns={"Odd": "custom:odd:choice"}
    )
    assert found.custom_types == {"odd": FieldType.TEXT}
    assert found.notes == (
        "“Odd” has more than 100 different or very long values and becomes a text field, not a choice.",
    )


def test_rows_are_counted_and_a_sample_says_that_it_is_one() -> None:
    fitted = fit_mapping(RecordKind.PRODUCT, ["name"], None)
    rows = [FileRow(number, [f"P{number}"]) for number in range(2, 12)]
    assert (profile_columns(fitted, rows).rows, profile_columns(fitted, rows).is_whole_file) == (
        10,
        True,
    )
    sample = profile_columns(fitted, rows, max_rows=4)
    assert (sample.rows, sample.is_whole_file) == (4, False)
    exact = profile_columns(fitted, rows, max_rows=10)
    assert (exact.rows, exact.is_whole_file) == (10, True)
