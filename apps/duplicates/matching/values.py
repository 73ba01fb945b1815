"""Values made comparable: each field by its own rule, and what stands in one column but means two fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from apps.duplicates.matching.companies import company_of
from apps.duplicates.matching.contacts import email_of, phone_of, title_of, website_of
from apps.duplicates.matching.dates import birth_date_of
from apps.duplicates.matching.fields import NAMES, Comparable, Field, Row
from apps.duplicates.matching.names import is_whole_name, name_of, split_name
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


# What stands in one column but may mean two fields.
_PARTED: dict[Field, tuple[tuple[Field, Field], Callable[[str], tuple[str, str]]]] = {
    Field.FULL_NAME: (NAMES, split_name),
    Field.STREET: ((Field.STREET, Field.HOUSE_NUMBER), split_street),
}


def parts(field: Field, texts: Sequence[str], region: str) -> dict[Field, list[str]]:
    """What texts of one column say, made comparable, by the field that they say it of.

    A full name says given name and surname, a street may say a house number, too. A text that says nothing of
    a field is empty there.
    """
    if field in _PARTED:
        named, split = _PARTED[field]
        pairs = [split(text) for text in texts]
        return {each: [pair[at] for pair in pairs] for at, each in enumerate(named)}
    if field in _OF_REGION:
        read = _OF_REGION[field]
        return {field: [read(text, region) if text else "" for text in texts]}
    return {field: list(map(_PLAIN[field], texts))}


def name_in_one(row: Row) -> Field | None:
    """The one column for names that says something, where it holds a whole name in Chinese or Korean."""
    said = [field for field in (*NAMES, Field.FULL_NAME) if row.get(field, "").strip()]
    if len(said) == 1 and said[0] in NAMES and is_whole_name(row[said[0]]):
        return said[0]
    return None


def comparable(row: Row, region: str) -> Comparable:
    """The record made comparable; ``region`` (ISO 3166) is where its telephone numbers are dialled.

    What a column of its own says wins over what another says in passing.
    """
    whole = name_in_one(row)
    if whole is not None:
        row = {**row, whole: "", Field.FULL_NAME: row[whole]}
    values: dict[Field, str] = {}
    in_passing: dict[Field, str] = {}
    for field, text in row.items():
        for named, (value,) in parts(field, [text], region).items():
            if value:
                (values if named == field else in_passing)[named] = value
    if Field.GIVEN_NAME in values or Field.SURNAME in values:
        in_passing.pop(Field.GIVEN_NAME, None)
        in_passing.pop(Field.SURNAME, None)
    return {**in_passing, **values}
