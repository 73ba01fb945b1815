"""Values made comparable: each field by its own rule, and what stands in one column but means two fields."""

from __future__ import annotations

from collections.abc import Callable

from apps.duplicates.matching.companies import company_of
from apps.duplicates.matching.contacts import email_of, phone_of, title_of, website_of
from apps.duplicates.matching.dates import birth_date_of
from apps.duplicates.matching.fields import Comparable, Field, Row
from apps.duplicates.matching.names import name_of, split_name
from apps.duplicates.matching.places import code_of, place_of, split_street

_PLAIN: dict[Field, Callable[[str], str]] = {
    Field.GIVEN_NAME: name_of,
    Field.SURNAME: name_of,
    Field.EMAIL: email_of,
    Field.HOUSE_NUMBER: code_of,
    Field.CITY: place_of,
    Field.POSTCODE: code_of,
    Field.REGION: place_of,
    Field.COMPANY: company_of,
    Field.WEBSITE: website_of,
    Field.TITLE: title_of,
    Field.ID_NUMBER: code_of,
}
_OF_REGION: dict[Field, Callable[[str, str], str]] = {
    Field.PHONE: phone_of,
    Field.BIRTH_DATE: birth_date_of,
}


def part(field: Field, text: str, region: str) -> dict[Field, str]:
    """What one column says, made comparable, by the field that it says it of; nothing where it says nothing.

    A full name says given name and surname, a street may say a house number, too.
    """
    if not text:
        return {}
    if field == Field.FULL_NAME:
        given, surname = split_name(text)
        said = {Field.GIVEN_NAME: given, Field.SURNAME: surname}
    elif field == Field.STREET:
        street, number = split_street(text)
        said = {Field.STREET: street, Field.HOUSE_NUMBER: number}
    elif field in _OF_REGION:
        said = {field: _OF_REGION[field](text, region)}
    else:
        said = {field: _PLAIN[field](text)}
    return {named: value for named, value in said.items() if value}


def comparable(row: Row, region: str) -> Comparable:
    """The record made comparable; ``region`` (ISO 3166) is where its telephone numbers are dialled.

    What a column of its own says wins over what another says in passing.
    """
    values: dict[Field, str] = {}
    in_passing: dict[Field, str] = {}
    for field, text in row.items():
        for named, value in part(field, text, region).items():
            (values if named == field else in_passing)[named] = value
    if Field.GIVEN_NAME in values or Field.SURNAME in values:
        in_passing.pop(Field.GIVEN_NAME, None)
        in_passing.pop(Field.SURNAME, None)
    return {**in_passing, **values}
