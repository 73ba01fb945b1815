"""What each tool is and takes, from one place: for the Brain, the API, the edit form and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from apps.crm.changelog import model_of
from apps.crm.custom_values import MAX_TEXT_LENGTH
from apps.crm.enums import FieldType, RecordKind
from apps.crm.models import CustomField
from apps.execution.custom_names import custom_name
from apps.execution.diff import field_of, label_of, text_of
from apps.execution.enums import Risk
from apps.execution.schemas import JsonValue
from apps.execution.tools import Tool
from apps.execution.tools.base import UpdateTool
from apps.execution.tools.fields import FIXED, REFERENCE


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool, as its schema says it.

    ``is_fixed``: it says which record is meant, and nobody edits it. ``reference``: what it is the id of.
    ``choices`` are values with their words. ``default`` stands for an argument that is not given; of an
    update, where such a field stays as it is, there is none.
    """

    name: str
    label: str
    help_text: str
    json_type: str
    format: str
    choices: tuple[tuple[JsonValue, str], ...]
    reference: str
    is_fixed: bool
    is_required: bool
    is_nullable: bool
    may_be_empty: bool
    max_length: int | None
    default: JsonValue


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """A tool for readers: programs, and the page of the docs that is made from it."""

    key: str
    label: str
    description: str
    subject_kinds: tuple[RecordKind, ...]
    is_creation: bool
    permissions: dict[str, tuple[str, ...]]
    risk: Risk
    touched_fields: dict[str, tuple[str, ...]]
    guard_fields: dict[str, tuple[str, ...]]
    consequences: str
    is_partial: bool
    together: tuple[tuple[str, ...], ...]
    is_reversible: bool
    undo: str
    schema: dict[str, Any]


def describe(tool: Tool[Any]) -> ToolDescription:
    """Gather what a tool declares."""
    return ToolDescription(
        key=tool.key,
        label=tool.label,
        description=(tool.__doc__ or "").partition("\n")[0],
        subject_kinds=tuple(sorted(tool.subject_kinds)),
        is_creation=tool.is_creation,
        permissions={
            kind.value: tuple(sorted(tool.permissions(kind))) for kind in sorted(tool.subject_kinds)
        },
        risk=tool.risk,
        touched_fields={
            kind.value: tuple(sorted(fields)) for kind, fields in sorted(tool.writes.items())
        },
        guard_fields={kind.value: names for kind, names in sorted(tool.guard_fields.items())},
        consequences=tool.consequences,
        is_partial=tool.partial,
        together=tuple(tuple(sorted(group)) for group in tool.together),
        is_reversible=tool.is_reversible,
        undo=_undo_in_words(tool),
        schema=schema_of(tool),
    )


@cache
def schema_of(tool: Tool[Any]) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments, each with its label as title."""
    schema: dict[str, Any] = tool.arguments_type.model_json_schema()
    schema["title"] = tool.label
    for name, rule in schema["properties"].items():
        rule["title"] = _label_of(tool, name)
        if isinstance(tool, UpdateTool):
            rule.pop("default", None)
    return schema


@cache
def arguments_of(tool: Tool[Any]) -> tuple[Argument, ...]:
    """Return the arguments that a tool takes, in the order in which they are declared."""
    schema = schema_of(tool)
    required = set(schema.get("required", ()))
    return tuple(
        _argument(tool, name, rule, is_required=name in required)
        for name, rule in schema["properties"].items()
    )


def own_argument(field: CustomField) -> Argument:
    """A company's own field as an argument of a tool that takes some by key."""
    json_type, form = _OWN_TYPES.get(FieldType(field.field_type), ("string", ""))
    choices = field.choices if field.field_type == FieldType.CHOICE else ()
    return Argument(
        name=custom_name(field.key),
        label=field.label,
        help_text="",
        json_type=json_type,
        format=form,
        choices=tuple((value, str(value)) for value in choices),
        reference="",
        is_fixed=False,
        is_required=False,
        is_nullable=False,
        may_be_empty=False,
        max_length=MAX_TEXT_LENGTH if json_type == "string" and not form else None,
        default=None,
    )


# The types in JSON of what is not plain text, and the formats.
_OWN_TYPES = {
    FieldType.NUMBER: ("number", ""),
    FieldType.DATE: ("string", "date"),
    FieldType.BOOLEAN: ("boolean", ""),
}


def _undo_in_words(tool: Tool[Any]) -> str:
    if not tool.is_reversible:
        return tool.irreversible_because
    if not tool.is_creation:
        return f"The former values are written back. {tool.undo_consequences}".strip()
    (kind,) = tool.writes
    noun = kind.label.lower()
    settings = [
        f"{label_of(kind, name).lower()} becomes “{text_of(kind, name, value, viewer=None)}”"
        for name, value in tool.undo_values.items()
    ]
    return f"The {noun} stays, and its {' and its '.join(settings)}. Nothing is deleted."


def _argument(tool: Tool[Any], name: str, rule: dict[str, Any], *, is_required: bool) -> Argument:
    kinds = [branch for branch in rule.get("anyOf", [rule]) if branch.get("type") != "null"]
    known = {**kinds[-1], **rule}
    is_text = known["type"] == "string"
    return Argument(
        name=name,
        label=rule["title"],
        help_text=rule.get("description", ""),
        json_type=known["type"],
        format=known.get("format", ""),
        choices=_choices_of(tool, name, known.get("enum", ())),
        reference=known.get(REFERENCE, ""),
        is_fixed=bool(known.get(FIXED)),
        is_required=is_required,
        is_nullable=any(branch.get("type") == "null" for branch in rule.get("anyOf", ())),
        may_be_empty=is_text
        and not any(known.get(word) for word in ("minLength", "format", "pattern", "enum")),
        max_length=known.get("maxLength"),
        default=rule.get("default"),
    )


def _label_of(tool: Tool[Any], name: str) -> str:
    if (kind := _kind_with(tool, name)) is not None:
        return label_of(kind, name)
    word = name.removesuffix("_id")
    if word in RecordKind.values:
        return str(RecordKind(word).label)
    return word.replace("_", " ").capitalize()


def _kind_with(tool: Tool[Any], name: str) -> RecordKind | None:
    """A kind of record of which the tool writes this field."""
    return next((kind for kind, fields in sorted(tool.writes.items()) if name in fields), None)


def _choices_of(
    tool: Tool[Any], name: str, values: list[JsonValue]
) -> tuple[tuple[JsonValue, str], ...]:
    words: dict[Any, Any] = {}
    if (kind := _kind_with(tool, name)) is not None:
        words = dict(field_of(model_of(kind), name).flatchoices)
    elif name.endswith("_kind"):
        words = dict(RecordKind.choices)
    return tuple((value, str(words.get(value, value))) for value in values)
