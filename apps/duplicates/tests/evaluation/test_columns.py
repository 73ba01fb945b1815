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


LANGUAGES = {
    "english": (
        "Forename, Family name, DOB, Street address, Zip, Town, E-mail, Mobile, Company, Web site",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company, website",
    ),
    "german": (
        "Vorname, Nachname, Geburtsdatum, Straße, PLZ, Ort, E-Mail-Adresse, Tel.-Nr., Firma, Webseite",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company, website",
    ),
    "french": (
        "Prénom, Nom, Né(e) le, Rue, Code postal, Ville, Courriel, Téléphone, Société, Site web",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company, website",
    ),
    "dutch": (
        "Voornaam, Achternaam, Geboortedatum, Adres, Postcode, Woonplaats, E-mail-adres, Mobiel, Bedrijf",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company",
    ),
    "spanish": (
        "Nombre, Apellidos, Fecha de nacimiento, Dirección, Código postal, Población, Correo electrónico, "
        "Teléfono móvil, Razón social, Página web",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company, website",
    ),
    "italian": (
        "Nome, Cognome, Data di nascita, Indirizzo, CAP, Città, Indirizzo e-mail, Cellulare, Ragione sociale",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company",
    ),
    "portuguese": (
        "Nome, Apelido, Data de nascimento, Morada, Código postal, Localidade, E-mail, Telemóvel, Empresa",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company",
    ),
    "polish": (
        "Imię, Nazwisko, Data urodzenia, Ulica, Kod pocztowy, Miejscowość, Adres e-mail, Nr telefonu, "
        "Nazwa firmy, Strona www",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company, website",
    ),
    "swedish": (
        "Förnamn, Efternamn, Födelsedatum, Gatuadress, Postnummer, Ort, E-postadress, Mobilnr, Företag",
        "given_name, surname, birth_date, street, postcode, city, email, phone, company",
    ),
    "full names": ("Imię i nazwisko, Województwo", "full_name, region"),
    "without accents": ("PRENOM, NOM, TELEPHONE, SOCIETE", "given_name, surname, phone, company"),
    "compounds": (
        "Kundenvorname, Kundenname, addr1, tel_nr, e-mail-adres, client_city, Kunden-PLZ",
        "given_name, surname, street, phone, email, city, postcode",
    ),
    "whose it is": ("customer_name, Tel. privat, addr", "full_name, phone, street"),
    "of several": ("naam, addr2, Téléphone du client", "full_name, street, phone"),
    "one of two names": ("Name, Surname", "given_name, surname"),
    "a contact's beside a supplier's": (
        "Nombre del proveedor, Persona de contacto",
        "company, full_name",
    ),
    "suppliers": ("Leverancier, Woonplaats", "company, city"),
}


@pytest.mark.parametrize("table", LANGUAGES)
def test_headers_are_understood_in_nine_languages(table: str) -> None:
    header, fields = ([word.strip() for word in text.split(",")] for text in LANGUAGES[table])
    assert recognised(header) == dict(zip(fields, header, strict=True))


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Land", ["CH", "NL"]),
        ("Geburtsort", ["Basel", "Bern"]),
        ("Nombre de places", ["4", "5"]),
        ("last contact", []),
        ("e-mail", ["yes", "no"]),
        ("phone", ["06.07.1978", "1948-12-15"]),
        ("tel", ["ja", "nein"]),
        ("name", ["1204", "1205"]),
        ("dob", ["ja", "nein"]),
        ("PLZ", ["Basel", "Bern"]),
        ("Kunde", ["ja", "nein"] * 10),
    ],
)
def test_what_a_column_cannot_be_it_is_not(name: str, cells: list[str]) -> None:
    assert recognised(["company", name], {name: cells}) == {"company": "company"}


@pytest.mark.parametrize(
    "cells",
    [
        ["06.07.1978", "15.12.1948"],
        ["1978-07-06", "1948-12-15"],
        ["1978/07/06 12:30", "1948/12/15 08:00"],
        ["06 07 1978", "15 12 1948"],
        ["06-07-78", "15-12-48"],
        ["19780706", "19481215"],
        ["4164887442", "8856014540"],
        ["0000012345", "0000012346"],
        ["1.234.567", "12.345.678"],
        ["47.376888", "8.541694"],
        ["2024-000123", "2024-000124"],
        ["756.1234.5678.97", "756.9217.0769.85"],
        ["123-45-6789", "987-65-4321"],
        ["01310-100", "22041-001"],
        ["4111 1111 1111 1111", "5500 0000 0000 0004"],
    ],
)
def test_other_numbers_are_no_telephones(cells: list[str]) -> None:
    assert recognised(["company", "x"], {"x": cells}) == {"company": "company"}


@pytest.mark.parametrize(
    "cells",
    [
        ["0768835601", "0374281998"],
        ["758/679-4972", "483/507-6345"],
        ["(555) 123-4567 x12", "1-800-555-0199"],
        ["+31 6 43189444", "0031 6 87079843"],
        ["06 12 34 56 78", "06.12.34.56.79"],
        ["", "612 345 678"],
    ],
)
def test_telephones_are_known_by_how_they_are_dialled(cells: list[str]) -> None:
    assert recognised(["company", "x"], {"x": cells}) == {"company": "company", "phone": "x"}


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        (["name", "when"], ["06.07.1978", "15.12.1948", "01.02.2001"], "when"),
        (["name", "birth_iso_day"], ["1978-07-06", "1979-12-15"], "birth_iso_day"),
        (["name", "signed_up"], ["2019-07-06", "2024-12-15"], None),
        (["company", "founded"], ["06.07.1878", "15.12.1948"], None),
    ],
)
def test_dates_of_birth_are_known_by_their_years_beside_people(
    header: list[str], cells: list[str], expected: str | None
) -> None:
    assert recognised(header, {header[1]: cells}).get("birth_date") == expected


RESTAURANTS = ["Old Anchor Kitchen", "Green Kettle Room (The)", "Happy Garden Diner", "Bei Anna"]
PEOPLE = ["Jürgen Müller", "Anna Kitchen", "María José Pérez", "Dr. Wim de Vries"]
FIRMS = ["Hartung GmbH", "Maderas López S.L.", "Acme", "Kowalski Sp. z o.o."]
NAMESAKES = ["Bob Smith", "Elizabeth Hall", "Smith, John", "Will Church"]


@pytest.mark.parametrize(
    ("header", "names", "field"),
    [
        (["name", "addr", "phone"], RESTAURANTS, "company"),
        (
            ["name", "addr", "phone", "cuisine"],
            ["Campanile", "Arnie Morton's", "Citrus"],
            "company",
        ),
        (["name", "category"], ["Goldener Stern", "Zum Ochsen", "Hotel Krone"], "company"),
        (["Nom", "Ville"], FIRMS, "company"),
        (["name", "contact person"], ["Acme", "Globex"], "company"),
        (["name", "addr", "phone"], PEOPLE, "full_name"),
        (["Nom", "category"], PEOPLE[::2], "full_name"),
        (["name", "website"], NAMESAKES, "full_name"),
        (["name", "company"], FIRMS, "full_name"),
        (["Kunde", "Ort"], FIRMS, "company"),
        (["Kunde", "Ort"], PEOPLE, "full_name"),
        (["name", "first name", "last name"], FIRMS, "company"),
        (["name", "first name", "last name"], PEOPLE, "full_name"),
        (["name", "first name"], FIRMS, "surname"),
    ],
)
def test_whose_names_they_are_is_told_by_what_they_look_like(
    header: list[str], names: list[str], field: str
) -> None:
    assert recognised(header, {header[0]: names})[field] == header[0]


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
