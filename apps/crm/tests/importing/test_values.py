"""Understanding values as people type them, and never reading one as something else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.crm.importing.rows import full_salesforce_id
from apps.crm.importing.values import (
    Amount,
    DateOrder,
    DecimalMark,
    ValueRefused,
    date_order_evidence,
    decimal_mark_evidence,
    fold,
    parse_amount,
    parse_boolean,
    parse_choice,
    parse_date,
    parse_day_in_zone,
    parse_email,
    parse_integer,
    parse_moment,
    parse_number,
    split_full_name,
)

BERLIN = ZoneInfo("Europe/Berlin")
DMY, MDY = DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST
POINT, COMMA = DecimalMark.POINT, DecimalMark.COMMA

days = st.dates(date(1900, 1, 1), date(2200, 12, 31))
sums = st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2)


@given(days)
def test_every_day_survives_every_way_of_writing_it(day: date) -> None:
    for order in DateOrder:
        assert parse_date(day.isoformat(), order) == day
        assert parse_date(f"{day:%Y/%m/%d}", order) == day
        assert parse_date(f"{day:%d.%m.%Y}", order) == day
        assert parse_date(f"{day:%d %B %Y}", order) == day
        assert parse_date(f"{day:%b %d}, {day.year}", order) == day
    assert parse_date(f"{day:%d/%m/%Y}", DMY) == day
    assert parse_date(f"{day:%m/%d/%Y}", MDY) == day
    assert parse_date(f"{day.day}-{day.month}-{day.year}", DMY) == day


@given(days)
def test_a_day_read_in_the_wrong_order_is_refused_or_really_ambiguous(day: date) -> None:
    written = f"{day:%d/%m/%Y}"
    if day.day > 12:
        with pytest.raises(ValueRefused):
            parse_date(written, MDY)
        assert date_order_evidence(written) == DMY
    else:
        assert parse_date(written, MDY) == date(day.year, day.day, day.month)
        assert date_order_evidence(written) is None


@given(st.text(max_size=30))
def test_no_text_breaks_the_date_parser(text: str) -> None:
    for order in DateOrder:
        try:
            day = parse_date(text, order)
        except ValueRefused:
            continue
        assert 1900 <= day.year <= 2200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026"),
        ("2026-02-30", "is not a day of the calendar"),
        ("31/31/2026", "is not a day of the calendar"),
        (
            "31/12/2026",
            "is not a date when the month before day is written, as in the rest of this column",
        ),
        ("0206-01-05", "lies outside the years 1900 to 2200"),
        ("2026-01-05 later", "is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026"),
        ("46022", "is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026"),
    ],
)
def test_bad_dates_are_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        parse_date(text, MDY)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "day"),
    [("1/2/26", date(2026, 1, 2)), ("1/2/69", date(2069, 1, 2)), ("1/2/70", date(1970, 1, 2))],
)
def test_two_digits_of_a_year_lie_in_the_hundred_years_from_1970(text: str, day: date) -> None:
    assert parse_date(text, MDY) == day


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-01 14:30", datetime(2026, 7, 1, 12, 30, tzinfo=UTC)),
        ("2026-07-01T14:30:05.000Z", datetime(2026, 7, 1, 14, 30, 5, tzinfo=UTC)),
        ("2026-07-01T14:30:05.000+0000", datetime(2026, 7, 1, 14, 30, 5, tzinfo=UTC)),
        ("7/1/2026 2:30 PM", datetime(2026, 7, 1, 12, 30, tzinfo=UTC)),
        ("7/1/2026, 12:05 a.m.", datetime(2026, 6, 30, 22, 5, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
        ("1 Jul 2026 23:00 -05:00", datetime(2026, 7, 2, 4, 0, tzinfo=UTC)),
    ],
)
def test_moments_without_an_offset_are_local(text: str, moment: datetime) -> None:
    assert parse_moment(text, MDY, BERLIN) == moment


def test_a_day_written_as_a_moment_is_the_day_in_the_companys_zone() -> None:
    assert parse_day_in_zone("2026-12-31T23:30:00Z", MDY, BERLIN) == date(2027, 1, 1)
    assert parse_day_in_zone("2026-12-31 23:30", MDY, BERLIN) == date(2026, 12, 31)


@pytest.mark.parametrize(
    "text", ["2026-07-01 25:00", "2026-07-01 13:00 PM", "2026-07-01 10:00 +25:00"]
)
def test_times_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        parse_moment(text, MDY, BERLIN)


@given(sums)
def test_every_sum_survives_every_way_of_writing_it(value: Decimal) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert parse_amount(f"{value:.2f}", POINT).value == value
    assert parse_amount(english, POINT).value == value
    assert parse_amount(german, COMMA).value == value
    assert parse_amount(english.replace(",", " "), POINT).value == value
    assert parse_amount(english.replace(",", "\u202f"), POINT).value == value
    assert parse_amount(english.replace(",", "'"), POINT).value == value
    assert parse_amount(f"{german} €", COMMA) == Amount(value, "EUR")


@given(sums)
def test_a_sum_read_with_the_wrong_mark_is_never_another_sum_unless_its_column_is_ambiguous(
    value: Decimal,
) -> None:
    english = f"{value:,.2f}"
    try:
        read = parse_amount(english, COMMA).value
    except ValueRefused:
        return
    assert read == value
    assert "," not in english


@given(st.text(max_size=30))
def test_no_text_breaks_the_amount_parser(text: str) -> None:
    for mark in DecimalMark:
        try:
            amount = parse_amount(text, mark)
        except ValueRefused:
            continue
        assert amount.value.is_finite()
        assert amount.value == amount.value.quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$4,514.00", Amount(Decimal(4514), "$")),
        ("US$ 4514", Amount(Decimal(4514), "USD")),
        ("(250.00)", Amount(Decimal(-250), "")),
        ("-$5", Amount(Decimal(-5), "$")),
        ("$-5", Amount(Decimal(-5), "$")),
        ("CHF 1'234.50", Amount(Decimal("1234.5"), "CHF")),
        ("1 234", Amount(Decimal(1234), "")),
        ("12,345,678", Amount(Decimal(12345678), "")),
        ("1054.0", Amount(Decimal(1054), "")),
        (".5", Amount(Decimal("0.5"), "")),
        ("0.125", Amount(Decimal("0.12"), "")),
    ],
)
def test_sums_with_signs_and_currencies(text: str, amount: Amount) -> None:
    assert parse_amount(text, POINT) == amount


@pytest.mark.parametrize(
    "text",
    [
        "1,23",
        "1.234.567",
        "12,34,567",
        "1e5",
        "NaN",
        "$5 EUR",
        "(5",
        "5)",
        "five",
        "1,2345",
        "--5",
        "1..5",
    ],
)
def test_what_is_no_sum_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        parse_amount(text, POINT)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1,234.56", POINT), ("1.234,56", COMMA), ("12,5", COMMA), ("12.50", POINT), ("1.234.567", COMMA),
        ("1,234,567", POINT), ("1.234", None), ("1,234", None), ("1234", None), ("0.125", POINT),
        ("1234.567", POINT),
    ],
)  # fmt: skip
def test_what_a_value_proves_about_the_decimal_mark(text: str, mark: DecimalMark | None) -> None:
    assert decimal_mark_evidence(text) == mark


@given(st.integers(0, 10**12))
def test_plain_numbers_keep_their_value(number: int) -> None:
    assert parse_number(str(number), POINT) == number
    assert parse_number(f"{number:,}", POINT) == number
    assert parse_number(f"-{number}", COMMA) == -number
    assert parse_integer(f"{number:,}", POINT) == number


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [("1.5", POINT, 1.5), ("0,125", COMMA, 0.125), ("7.0", POINT, 7), (".25", POINT, 0.25)],
)
def test_plain_numbers_with_decimals(text: str, mark: DecimalMark, number: float) -> None:
    assert parse_number(text, mark) == number


@pytest.mark.parametrize("text", ["1,5", "1.5.5", "x", "5 €"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused):
        parse_number(text, POINT)


def test_a_count_is_whole_and_has_no_currency() -> None:
    assert parse_integer("2,822", POINT) == 2822
    for text in ("12.5", "$12"):
        with pytest.raises(ValueRefused):
            parse_integer(text, POINT)


def test_yes_and_no() -> None:
    assert [parse_boolean(text) for text in ("Yes", "TRUE", "1", "x")] == [True] * 4
    assert [parse_boolean(text) for text in ("no", "False", "0", "off")] == [False] * 4
    with pytest.raises(ValueRefused, match="is neither yes nor no"):
        parse_boolean("maybe")


@pytest.mark.parametrize(
    "text", ["ada", "ada@", "@example.com", "ada@example", "a da@example.com", "a@b.c"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused, match="is not an e-mail address"):
        parse_email(text)


def test_addresses() -> None:
    assert parse_email("mailto:Ada.King@example.co.uk") == "Ada.King@example.co.uk"


def test_choices_are_found_by_letters_alone_and_named_when_missed() -> None:
    choices = {"new": "new", "inprogress": "working"}
    assert parse_choice("In Progress", choices, ["New", "Working"]) == "working"
    assert parse_choice("IN_PROGRESS", choices, ["New", "Working"]) == "working"
    with pytest.raises(ValueRefused, match="is none of: New, Working"):
        parse_choice("Old", choices, ["New", "Working"])


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ada Lovelace", ("Ada", "Lovelace")),
        ("Ada King Lovelace", ("Ada King", "Lovelace")),
        ("Lovelace, Ada King", ("Ada King", "Lovelace")),
        ("Plato", ("", "Plato")),
    ],
)
def test_full_names_are_split(text: str, names: tuple[str, str]) -> None:
    assert split_full_name(text) == names


def test_short_salesforce_ids_are_completed() -> None:
    # In "DlaDi" the first and the fourth letter are capitals: 1 + 8, the tenth sign of the table.
    assert full_salesforce_id("0011a00000DlaDi") == "0011a00000DlaDiAAJ"
    assert full_salesforce_id("0011a00000DlaDiAAJ") == "0011a00000DlaDiAAJ"
    assert full_salesforce_id("not an id") == "not an id"
