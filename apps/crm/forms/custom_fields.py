"""The tenant's custom fields as form fields, typed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from apps.crm.enums import FieldType
from apps.crm.forms.fields import DayField, NumberField
from apps.crm.models import CustomField
from apps.crm.presentation import parse_day
from apps.crm.services import AttributeValue

PREFIX = "custom_"
LONGEST_TEXT = 5000
_YES_OR_NO = [("", "–"), ("yes", "Yes"), ("no", "No")]


def field_for(custom_field: CustomField) -> forms.Field:
    """Return the form field for a custom field; none is required."""
    options: dict[str, Any] = {"label": custom_field.label, "required": False}
    match custom_field.field_type:
        case FieldType.NUMBER:
            return NumberField(**options)
        case FieldType.DATE:
            return DayField(**options)
        case FieldType.BOOLEAN:
            return forms.ChoiceField(choices=_YES_OR_NO, **options)
        case FieldType.CHOICE:
            texts = [(str(text), str(text)) for text in custom_field.choices]
            return forms.ChoiceField(choices=[("", "–"), *texts], **options)
        case _:
            return forms.CharField(max_length=LONGEST_TEXT, **options)


def initial_for(custom_field: CustomField, stored: Any) -> Any:
    """Return what stands in the form for a stored value.

    What the box cannot show (a text that is no longer among the choices, an imported day that is
    none) stands as empty, and is kept unless something else is typed.
    """
    match custom_field.field_type:
        case FieldType.BOOLEAN:
            return {True: "yes", False: "no"}.get(stored, "") if isinstance(stored, bool) else ""
        case FieldType.CHOICE:
            return stored if stored in custom_field.choices else ""
        case FieldType.DATE:
            return parse_day(stored) or ""
        case _:
            return "" if stored is None else stored


def stored_value(custom_field: CustomField, cleaned: Any) -> AttributeValue:
    """Return how a cleaned value is stored; None for an empty one."""
    if cleaned is None or cleaned == "":
        return None
    if custom_field.field_type == FieldType.BOOLEAN:
        return bool(cleaned == "yes")
    if isinstance(cleaned, date):
        return cleaned.isoformat()
    value: AttributeValue = cleaned
    return value
