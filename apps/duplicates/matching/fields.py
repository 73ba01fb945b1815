"""What is compared: the fields of a record, and tables of records, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Field(StrEnum):
    """What a column may say of a person or a company."""

    GIVEN_NAME = "given_name"
    SURNAME = "surname"
    FULL_NAME = "full_name"
    EMAIL = "email"
    PHONE = "phone"
    BIRTH_DATE = "birth_date"
    STREET = "street"
    HOUSE_NUMBER = "house_number"
    CITY = "city"
    POSTCODE = "postcode"
    REGION = "region"
    COMPANY = "company"
    WEBSITE = "website"
    TITLE = "title"
    ID_NUMBER = "id_number"

    @property
    def label(self) -> str:
        """The field in words."""
        return _LABELS.get(self, self.value.replace("_", " ").capitalize())


_LABELS = {Field.EMAIL: "E-mail", Field.TITLE: "Job title", Field.ID_NUMBER: "Number"}

# The two that may have been exchanged.
NAMES = (Field.GIVEN_NAME, Field.SURNAME)

# One record as it was typed in; what is empty or missing is not known.
Row = Mapping[Field, str]

# One record made comparable (``values.comparable``): texts that are equal where they mean the same. The full
# name has become given name and surname.
Comparable = Mapping[Field, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Records side by side, as they were typed in: each column has one text per record."""

    columns: Mapping[Field, Sequence[str]]
    size: int

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> Table:
        """Put rows side by side; a field that no row knows has no column."""
        present = [field for field in Field if any(row.get(field) for row in rows)]
        return cls({field: [row.get(field, "") for row in rows] for field in present}, len(rows))

    def row(self, position: int) -> Row:
        """One record of it."""
        return {field: column[position] for field, column in self.columns.items()}

    def take(self, positions: Iterable[int]) -> Table:
        """The records at these positions, in this order."""
        chosen = list(positions)
        return Table(
            {field: [column[at] for at in chosen] for field, column in self.columns.items()},
            len(chosen),
        )
