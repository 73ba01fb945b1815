"""Which columns of somebody's table say what: by the words in their header, else by what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from apps.crm.importing.values import fold
from apps.duplicates.exceptions import TableRefusedError
from apps.duplicates.matching.fields import Field

# Words that mean a field, compared by their letters and digits alone; what stands first wins over the others.
_WORDS: dict[Field, str] = {
    Field.GIVEN_NAME: "given name, given, first name, forename, fname, vorname, prenom",
    Field.SURNAME: "surname, last name, family name, lname, nachname, nom, familienname",
    Field.FULL_NAME: "full name, name, contact name, lead name, person, contact, customer name, display name",
    Field.EMAIL: "email, e-mail, email address, work email, mail, email 1, e-mail-adresse, mailadresse, "
    "courriel",
    Field.PHONE: "phone, phone number, telephone, tel, mobile, mobile phone, business phone, telefon, "
    "telefonnummer, rufnummer, mobilnummer, handy",
    Field.BIRTH_DATE: "birth date, date of birth, dob, birthday, birthdate, geburtsdatum, date de naissance",
    Field.STREET: "street, street address, address, address 1, address line 1, billing street, strasse, rue",
    Field.HOUSE_NUMBER: "house number, street number, hausnummer",
    Field.CITY: "city, town, suburb, locality, billing city, location, ort, wohnort, stadt, ville",
    Field.POSTCODE: "postcode, postal code, zip, zip code, plz, billing postal code, code postal",
    Field.REGION: "region, state, province, county, canton, kanton",
    Field.COMPANY: "company, company name, account name, account, organization, organisation, firma, "
    "business name, employer, societe",
    Field.WEBSITE: "website, website url, domain, company domain name, url, web",
    Field.TITLE: "title, job title, position, role, funktion",
    Field.ID_NUMBER: "id number, ssn, social security number, soc sec id, tax id, vat number, vat, passport "
    "number, national id, ahv, ahv number",
}
# The last part of a longer header means the same for these fields ("Kundenvorname", "contact_email"), unless
# it is so short or common that it may stand at the end of anything.
_BY_LAST_PART = (
    Field.GIVEN_NAME, Field.SURNAME, Field.EMAIL, Field.PHONE, Field.BIRTH_DATE, Field.CITY, Field.POSTCODE,
    Field.COMPANY, Field.WEBSITE,
)  # fmt: skip
_LEAST_LAST_PART = 5
_NO_LAST_PARTS = frozenset(map(fold, ("location", "account", "domain")))
# Of a table with one of these, "name" is a company's.
_COMPANY_WORDS = frozenset(
    map(fold, ("industry", "sector", "employees", "annual revenue", "revenue"))
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s()./-]{8,20}")
# Of the cells that are filled, so many must look alike.
_MOST_CELLS = 0.8


def recognise(header: Sequence[str], cells: Mapping[str, Sequence[str]]) -> dict[Field, str]:
    """The column of each field that a table has; ``cells`` are some of each column.

    Raises:
        TableRefusedError: no column says what can be compared.
    """
    folded = {name: fold(name) for name in header}
    chosen: dict[Field, str] = {}
    for field, words in _WORDS.items():
        for word in map(fold, (field.value, *words.split(","))):
            column = next((name for name, known in folded.items() if known == word), None)
            if column is not None and column not in chosen.values():
                chosen[field] = column
                break
    for field in _BY_LAST_PART:
        if field not in chosen:
            free = [name for name in header if name not in chosen.values()]
            column = next((name for name in free if _ends_as(field, folded[name])), None)
            if column is not None:
                chosen[field] = column
    _name_surnames(chosen, folded)
    for field, pattern in ((Field.EMAIL, _EMAIL), (Field.PHONE, _PHONE)):
        if field not in chosen:
            column = _holding(
                pattern, [name for name in header if name not in chosen.values()], cells
            )
            if column is not None:
                chosen[field] = column
    _name_companies(chosen, set(folded.values()))
    if not chosen:
        raise TableRefusedError(
            f"No column is recognised among {', '.join(header[:8])}: say which is which, as in "
            f"--columns given=first_name,email=mail. The fields are {', '.join(Field)}."
        )
    return chosen


def choose(header: Sequence[str], text: str) -> dict[Field, str]:
    """The columns that somebody named: "given=first_name,surname=last_name".

    Raises:
        TableRefusedError: a field or a column does not exist, or one is named twice.
    """
    chosen: dict[Field, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        word, equals, column = (side.strip() for side in part.partition("="))
        if not equals or not column:
            raise TableRefusedError(f"{part!r} names no column: write FIELD=COLUMN.")
        field = _field_of(word)
        require(header, column)
        if field in chosen or column in chosen.values():
            raise TableRefusedError(f"{part!r} is said twice: a field has one column.")
        chosen[field] = column
    if not chosen:
        raise TableRefusedError("No column is named: write FIELD=COLUMN,FIELD=COLUMN.")
    return chosen


def require(header: Sequence[str], column: str) -> None:
    """Hold a column's name against the header.

    Raises:
        TableRefusedError: there is none of that name.
    """
    if column not in header:
        raise TableRefusedError(
            f"There is no column {column!r}. The file has {', '.join(header[:20])}."
        )


def _field_of(word: str) -> Field:
    known = fold(word)
    for field, words in _WORDS.items():
        if known in map(fold, (field.value, *words.split(","))):
            return field
    raise TableRefusedError(f"There is no field {word!r}. The fields are {', '.join(Field)}.")


def _ends_as(field: Field, folded: str) -> bool:
    parts = {fold(word) for word in _WORDS[field].split(",")} - _NO_LAST_PARTS
    return any(len(part) >= _LEAST_LAST_PART and folded.endswith(part) for part in parts)


def _name_surnames(chosen: dict[Field, str], folded: Mapping[str, str]) -> None:
    """Beside a given name, what is called a name is the surname ("Kundenvorname", "Kundenname")."""
    if Field.GIVEN_NAME not in chosen or Field.SURNAME in chosen:
        return
    if Field.FULL_NAME in chosen:
        if folded[chosen[Field.FULL_NAME]] == "name":
            chosen[Field.SURNAME] = chosen.pop(Field.FULL_NAME)
        return
    start = folded[chosen[Field.GIVEN_NAME]]
    for name, word in folded.items():
        is_like = word.endswith("name") and word[: -len("name")] and start.startswith(word[:-4])
        if is_like and name not in chosen.values():
            chosen[Field.SURNAME] = name
            return


def _holding(
    pattern: re.Pattern[str], columns: Sequence[str], cells: Mapping[str, Sequence[str]]
) -> str | None:
    for column in columns:
        filled = [stripped for cell in cells[column] if (stripped := cell.strip())]
        if filled and sum(map(bool, map(pattern.fullmatch, filled))) >= _MOST_CELLS * len(filled):
            return column
    return None


def _name_companies(chosen: dict[Field, str], words: set[str]) -> None:
    """Where a table is about companies, its "name" is a company's."""
    is_of_persons = bool({Field.GIVEN_NAME, Field.SURNAME, Field.BIRTH_DATE} & set(chosen))
    is_of_companies = Field.WEBSITE in chosen or bool(words & _COMPANY_WORDS)
    if (
        is_of_companies
        and not is_of_persons
        and Field.COMPANY not in chosen
        and Field.FULL_NAME in chosen
    ):
        chosen[Field.COMPANY] = chosen.pop(Field.FULL_NAME)
