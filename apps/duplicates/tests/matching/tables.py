"""Tables drawn at random, in which some records stand twice and differ."""

from __future__ import annotations

import random

from apps.duplicates.matching.fields import Field, Row, Table

_GIVEN = (
    "Robert",
    "Bob",
    "Grace",
    "Ada",
    "Maria Luisa",
    "José",
    "王伟",
    "محمد",
    "J.",
    "",
    "n/a",
    "Anna",
)
_SURNAMES = (
    "Müller",
    "Mueller",
    "Kelly",
    "Smith",
    "Smyth",
    "van der Berg",
    "Meyer-Huber",
    "Huber",
    "",
)
_OF_SCRIPTS = (
    "王", "伟芳", "王伟芳", "伟芳 王", "Wang", "Weifang", "Wei Fang", "Wei-Fang", "김민수", "Minsu",
    "محمد", "الحسن", "محمد علي", "Mohamed", "El Hassan", "Elhassan", "M.", "جمال", "Gamal", "Jamal",
    "שרה", "Sarah", "Ольга", "Olga", "",
)  # fmt: skip
_CITIES = ("Zürich", "Zurich", "London", "Lonodn", "Bern", "")
_COMPANIES = (
    "Acme AG", "ACME Inc.", "Data Acme", "Acme Data GmbH", "International Business Machines", "IBM", "",
)  # fmt: skip
_DOMAINS = ("acme.com", "acme.org", "gmail.com", "globex.co.uk")
_STREETS = ("12 Main St.", "Main Street", "Bahnhofstraße 3", "Bahnhofstr. 3a", "")


def drawn_rows(seed: int, size: int) -> list[Row]:
    """So many records, every third of them another with one field drawn anew."""
    draw = random.Random(seed)
    rows: list[Row] = []
    while len(rows) < size:
        row = _drawn_row(draw)
        if rows and draw.random() < 0.35:
            other = draw.choice(rows)
            field = draw.choice(list(Field))
            row = {**other, field: _mistyped(draw, other.get(field, ""))}
        rows.append(row)
    return rows


def drawn_names(seed: int, size: int) -> Table:
    """Names alone, of several scripts, in any order and in one column or two."""
    draw = random.Random(seed)
    rows: list[Row] = []
    for _ in range(size):
        names = [draw.choice(_OF_SCRIPTS), draw.choice(_OF_SCRIPTS)]
        if draw.random() < 0.3:
            rows.append({Field.FULL_NAME: " ".join(names)})
        else:
            rows.append(dict(zip((Field.GIVEN_NAME, Field.SURNAME), names, strict=True)))
    return Table.of_rows(rows)


def drawn_table(seed: int, size: int) -> Table:
    """The same side by side."""
    return Table.of_rows(drawn_rows(seed, size))


def _drawn_row(draw: random.Random) -> Row:
    given, surname = draw.choice(_GIVEN), draw.choice(_SURNAMES)
    local = draw.choice(["info", f"{given}.{surname}".lower(), f"x{draw.randrange(40)}"])
    row = {
        Field.GIVEN_NAME: given,
        Field.SURNAME: surname,
        Field.FULL_NAME: draw.choice(["", f"{surname}, {given}", f"{given} {surname}"]),
        Field.EMAIL: draw.choice(["", f"{local}@{draw.choice(_DOMAINS)}"]),
        Field.PHONE: draw.choice(["", "044 668 18 00", f"+41 44 668 18 {draw.randrange(10, 60)}"]),
        Field.BIRTH_DATE: draw.choice(
            ["", f"19{draw.randrange(70, 80)}-0{draw.randrange(1, 9)}-13"]
        ),
        Field.STREET: draw.choice(_STREETS),
        Field.CITY: draw.choice(_CITIES),
        Field.POSTCODE: draw.choice(["", f"80{draw.randrange(10, 40)}"]),
        Field.COMPANY: draw.choice(_COMPANIES),
        Field.WEBSITE: draw.choice(["", f"https://www.{draw.choice(_DOMAINS)}/"]),
        Field.TITLE: draw.choice(["", "Head of Sales", "head sales", "CEO"]),
        Field.ID_NUMBER: draw.choice(["", str(draw.randrange(10_000, 10_400))]),
    }
    if draw.random() < 0.3:
        del row[Field.GIVEN_NAME], row[Field.SURNAME]
    return row


def _mistyped(draw: random.Random, text: str) -> str:
    if len(text) < 2:
        return ""
    at = draw.randrange(len(text) - 1)
    return draw.choice(
        [
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + text[at + 1 :],
            "",
            text + "e",
        ]
    )
