"""Columns are recognised by their headers, else by what they hold."""

from __future__ import annotations

import pytest

from apps.duplicates.evaluation.columns import choose, recognise
from apps.duplicates.exceptions import TableRefusedError
from apps.duplicates.matching.fields import Field


def recognised(header: list[str], cells: dict[str, list[str]] | None = None) -> dict[str, str]:
    empty: dict[str, list[str]] = {name: [] for name in header}
    found = recognise(header, {**empty, **(cells or {})})
    return {field.value: column for field, column in found.items()}


def test_headers_of_many_kinds_are_understood() -> None:
    header = ["rec_id", "First Name", "nachname", "E-Mail", "PLZ", "dob", "address_1", "Handy"]
    assert recognised(header) == {
        "given_name": "First Name",
        "surname": "nachname",
        "email": "E-Mail",
        "phone": "Handy",
        "birth_date": "dob",
        "street": "address_1",
        "postcode": "PLZ",
    }


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (["Kundenvorname", "Kundenname"], ["given_name", "surname"]),
        (["Kundenvorname", "Kundennachname", "Kundenemail"], ["given_name", "surname", "email"]),
        (["Vorname", "Name", "Wohnort"], ["given_name", "surname", "city"]),
        (["contact_first_name", "contact_last_name"], ["given_name", "surname"]),
        (["Mailadresse", "Rufnummer", "username"], ["email", "phone"]),
    ],
)
def test_the_last_part_of_a_header_tells_too(header: list[str], fields: list[str]) -> None:
    assert recognised(header) == dict(zip(fields, header, strict=False))


def test_addresses_and_numbers_are_recognised_by_what_they_hold() -> None:
    cells = {
        "reach": ["ada@acme.com", "", "bob@acme.com"],
        "call": ["044 668 18 00", "+41 44 668 18 01"],
    }
    assert recognised(["reach", "call"], cells) == {"email": "reach", "phone": "call"}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (["name", "website"], "company"),
        (["name", "sector"], "company"),
        (["name", "email"], "full_name"),
        (["name", "dob", "website"], "full_name"),
    ],
)
def test_a_name_is_of_whom_the_table_is_about(header: list[str], field: str) -> None:
    assert recognised(header)[field] == "name"


def test_a_table_of_nothing_known_is_refused() -> None:
    with pytest.raises(TableRefusedError, match="No column is recognised among x, y: say which"):
        recognised(["x", "y"])


def test_columns_are_named_by_short_words_too() -> None:
    header = ["a", "b", "c"]
    assert choose(header, "given=a, last name = b,dob=c") == {
        Field.GIVEN_NAME: "a",
        Field.SURNAME: "b",
        Field.BIRTH_DATE: "c",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("given", "'given' names no column: write FIELD=COLUMN."),
        ("given=", "'given=' names no column: write FIELD=COLUMN."),
        ("given=z", "There is no column 'z'. The file has a, b."),
        ("given=a,surname=a", "'surname=a' is said twice: a field has one column."),
        ("given=a,first name=b", "'first name=b' is said twice: a field has one column."),
        (" , ", "No column is named: write FIELD=COLUMN,FIELD=COLUMN."),
    ],
)
def test_what_cannot_be_chosen_is_said(text: str, message: str) -> None:
    with pytest.raises(TableRefusedError) as caught:
        choose(["a", "b"], text)
    assert caught.value.message == message


def test_an_unknown_field_is_said_with_those_that_there_are() -> None:
    with pytest.raises(
        TableRefusedError, match=r"There is no field 'hat'. The fields are given_name, "
    ):
        choose(["a"], "hat=a")
