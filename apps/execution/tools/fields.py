"""The types of tools' arguments: what a value may look like, and what the form draws for it."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic.fields import FieldInfo

from apps.crm.enums import RecordKind

# What the schema says of an argument besides its type: that it tells which record is meant, so that nobody
# edits it; and of the id of another row, what it is the id of (a record's id: the kind).
FIXED, REFERENCE = "x-fixed", "x-reference"
OWNER, STAGE = "owner", "stage"

_LARGEST_ID = 2**63 - 1


def _checked_email(text: str) -> str:
    try:
        validate_email(text)
    except DjangoValidationError as error:
        raise ValueError("not an e-mail address") from error
    return text


def _checked_line(text: str) -> str:
    # Tabs too: they set apart what looks like another field.
    if any(sign in text for sign in "\n\r\t"):
        raise ValueError("more than one line")
    return text


def _checked_words(text: str) -> str:
    if not any(unicodedata.category(sign)[0] in "LNPS" for sign in text):
        raise ValueError("nothing that could be read")
    return text


RecordId = Annotated[int, Field(gt=0, le=_LARGEST_ID, json_schema_extra={FIXED: True})]
Fixed = Field(json_schema_extra={FIXED: True})
AccountId = Annotated[
    int, Field(gt=0, le=_LARGEST_ID, json_schema_extra={REFERENCE: RecordKind.ACCOUNT.value})
]
OwnerId = Annotated[int, Field(gt=0, le=_LARGEST_ID, json_schema_extra={REFERENCE: OWNER})]
StageId = Annotated[int, Field(gt=0, le=_LARGEST_ID, json_schema_extra={REFERENCE: STAGE})]


def is_fixed(field: FieldInfo) -> bool:
    """Whether an argument tells which record is meant."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get(FIXED))


EmailText = Annotated[
    str,
    Field(max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(_checked_email),
]

# One line of text (a title, a name), and text that a reader can see.
OneLine = AfterValidator(_checked_line)
Readable = AfterValidator(_checked_words)


def _refused_truth(value: object) -> object:
    # In Python true equals 1, also where 1 is one of the choices.
    if isinstance(value, bool):
        raise ValueError("not a number")
    return value


Priority = Annotated[Literal[1, 2, 3, 4], BeforeValidator(_refused_truth)]


def _amount(max_digits: int) -> FieldInfo:
    field: FieldInfo = Field(
        ge=0,
        max_digits=max_digits,
        decimal_places=2,
        description="Together with its currency.",
        json_schema_extra={"format": "decimal"},
    )
    return field


# Two places, as the database keeps it: 4514.5 and 4514.50 are no difference.
_TwoPlaces = AfterValidator(lambda amount: amount.quantize(Decimal("0.01")))
Amount = Annotated[Decimal, _amount(14), _TwoPlaces]
# A company's may have two digits more.
Revenue = Annotated[Decimal, _amount(16), _TwoPlaces]
CurrencyCode = Annotated[
    str, Field(pattern="^[A-Z]{3}$", description="Three capital letters, such as USD.")
]


# A company's own field, by its key; whether there is one, and whether the value is of its type, only the rows
# can tell (``Tool.check``).
CustomKey = Annotated[str, Field(min_length=1, max_length=60)]
CustomValue: TypeAlias = Annotated[str, Field(min_length=1, max_length=5000)] | bool | int | float


def require_both(arguments: BaseModel, amount: str, currency: str = "currency") -> None:
    """See that an amount and its currency are given together, or neither.

    Raises:
        ValueError: one is missing.
    """
    given = arguments.model_fields_set & {amount, currency}
    if len(given) == 1:
        raise ValueError("an amount and its currency are given together")
