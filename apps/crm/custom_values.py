"""What a custom field may hold: a value of its type, as it is stored."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.crm.enums import FieldType
from apps.crm.models import CustomField

MAX_TEXT_LENGTH = 5000


def check_custom_value(field: CustomField, value: Any) -> str | int | float | bool | None:
    """Return ``value`` as it is stored for ``field``; None empties it.

    Raises:
        ValueError: it is not of the field's type; the message is for the person.
    """
    if value is None:
        return None
    match field.field_type:
        case FieldType.BOOLEAN:
            if not isinstance(value, bool):
                raise ValueError("true or false.")
            return value
        case FieldType.NUMBER:
            return _check_number(value)
        case FieldType.DATE:
            try:
                return date.fromisoformat(value).isoformat()
            except (TypeError, ValueError) as error:
                raise ValueError("A date such as 2026-03-31.") from error
        case FieldType.CHOICE:
            if value not in field.choices:
                raise ValueError(f"One of: {', '.join(map(str, field.choices))}.")
            return str(value)
        case _:
            return _check_text(value)


def _check_number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("A number.")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("A number.") from error
    # Beyond 15 digits a float no longer holds what was sent.
    if not number.is_finite() or abs(number) >= Decimal("1e15"):
        raise ValueError("A number below 1,000,000,000,000,000.")
    return int(number) if number == number.to_integral_value() else float(number)


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("A text.")
    if len(value) > MAX_TEXT_LENGTH:
        raise ValueError(f"At most {MAX_TEXT_LENGTH} characters.")
    # PostgreSQL's jsonb cannot hold either of these.
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("No control character zero and no half of a surrogate pair.")
    return value
