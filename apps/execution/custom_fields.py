"""A company's own fields as tools write them: which there are, and what each may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.crm.custom_values import check_custom_value
from apps.crm.enums import FieldType, RecordKind
from apps.crm.models import CustomField
from apps.crm.presentation import show_attribute
from apps.execution.custom_names import custom_key, custom_name
from apps.execution.enums import ValueKind
from apps.execution.exceptions import ReferenceRefusedError
from apps.execution.schemas import JsonValue
from apps.execution.signs import without_unseen

# By kind of record and key.
Definitions = Mapping[str, CustomField]

_VALUE_KINDS = {
    FieldType.NUMBER: ValueKind.NUMBER,
    FieldType.DATE: ValueKind.DATE,
    FieldType.BOOLEAN: ValueKind.BOOLEAN,
    FieldType.CHOICE: ValueKind.CHOICE,
}


def definitions_of(kind: RecordKind) -> dict[str, CustomField]:
    """The fields that the company has for a kind of record, in their order. One query."""
    fields = CustomField.objects.filter(record_kind=kind, is_active=True)
    return {field.key: field for field in fields}


def definitions_among(kind: RecordKind, names: Iterable[str]) -> dict[str, CustomField]:
    """The definitions of the custom ones of these fields, by name. One query, where there are any.

    One that is no longer in use is among them; one that is gone goes by its key.
    """
    keys = [key for name in names if (key := custom_key(name))]
    if not keys:
        return {}
    held = {
        field.key: field for field in CustomField.objects.filter(record_kind=kind, key__in=keys)
    }
    return {
        custom_name(key): held.get(key) or CustomField(record_kind=kind, key=key, label=key)
        for key in keys
    }


def definition_of(kind: RecordKind, name: str) -> CustomField:
    """The definition of one custom field, as ``definitions_among`` has it."""
    return definitions_among(kind, [name])[name]


def kind_of_custom(field: CustomField) -> ValueKind:
    """How its values are shown."""
    return _VALUE_KINDS.get(FieldType(field.field_type), ValueKind.TEXT)


def words_of_custom(field: CustomField, value: JsonValue) -> str:
    """A value that there is, in words."""
    return show_attribute(field, value).text


def is_fit(field: CustomField, value: JsonValue) -> bool:
    """Whether this is a value of the field, just as it would be stored."""
    return _problem_of(field, value) == ""


def require_custom(kind: RecordKind, values: Mapping[str, JsonValue]) -> None:
    """See that the company has these fields for the kind, and that each value is of its field's type.

    Raises:
        ReferenceRefusedError: one is not.
    """
    definitions = definitions_of(kind) if values else {}
    for key, value in values.items():
        field = definitions.get(key)
        problem = "There is no such custom field." if field is None else _problem_of(field, value)
        if problem:
            raise ReferenceRefusedError(custom_name(key), problem)


def unfit_custom(definitions: Definitions, values: Mapping[str, JsonValue]) -> frozenset[str]:
    """Those of these flat values that are no values of the defined fields."""
    return frozenset(
        name
        for name, value in values.items()
        if (key := custom_key(name))
        and value is not None
        and (key not in definitions or not is_fit(definitions[key], value))
    )


def _problem_of(field: CustomField, value: JsonValue) -> str:
    try:
        stored = check_custom_value(field, value)
    except ValueError as error:
        return str(error)
    # True equals 1, and a number may be sent as text: neither is how it is stored. Of a text a tool writes
    # what its reviewer has read.
    if (type(stored), stored) != (type(value), value):
        return "Not as it would be stored."
    is_readable = not isinstance(value, str) or without_unseen(value).strip() == value
    return "" if is_readable else "Not as a reader sees it."
