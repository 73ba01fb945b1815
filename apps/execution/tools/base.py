"""What a tool is, and the registry that refuses what must not exist."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.db import models
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from apps.crm.changelog import record_models
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.execution.enums import Risk
from apps.execution.exceptions import InvalidArgumentsError, UnknownToolError
from apps.execution.schemas import JsonValue, RecordRef

# An amount means nothing without its currency: a tool that writes one sees the other.
MONEY_FIELDS = frozenset({"amount", "estimated_value", "value", "price", "annual_revenue"})
CURRENCY_FIELD = "currency"

RecordId = Annotated[int, Field(gt=0, le=2**63 - 1)]


def _checked_email(text: str) -> str:
    try:
        validate_email(text)
    except DjangoValidationError as error:
        raise ValueError("not an e-mail address") from error
    return text


EmailText = Annotated[str, Field(max_length=254), AfterValidator(_checked_email)]


class ToolArguments(BaseModel):
    """The base of all tools' arguments: strict types, no unknown field, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)


ArgumentsT = TypeVar("ArgumentsT", bound=ToolArguments)


class Tool(ABC, Generic[ArgumentsT]):
    """A named, typed change that may be proposed.

    A tool either updates one record or makes one; it never deletes. ``allowed_fields`` are the fields it
    may touch on the record it writes, ``guard_fields`` what is compared besides, by kind of record.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    arguments_type: type[ArgumentsT]
    # What the change is about (what the suggestion hangs on) and what is written.
    subject_kinds: ClassVar[frozenset[RecordKind]]
    writes: ClassVar[RecordKind]
    is_creation: ClassVar[bool]
    allowed_fields: ClassVar[frozenset[str]]
    guard_fields: ClassVar[Mapping[RecordKind, tuple[str, ...]]] = {}
    permission: ClassVar[str]
    risk: ClassVar[Risk] = Risk.LOW
    is_reversible: ClassVar[bool] = True

    def parse(self, arguments: Mapping[str, JsonValue]) -> ArgumentsT:
        """Return the typed arguments.

        Raises:
            InvalidArgumentsError: they do not fit the schema.
        """
        try:
            return self.arguments_type.model_validate_json(json.dumps(dict(arguments)))
        except ValidationError as error:
            problems = [
                f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"
                for problem in error.errors()
            ]
            raise InvalidArgumentsError(self.key, problems) from error

    @abstractmethod
    def subject(self, arguments: ArgumentsT) -> RecordRef:
        """The record that the change is about."""

    @abstractmethod
    def values(self, arguments: ArgumentsT) -> dict[str, Any]:
        """The fields that are written, by column (``owner_id``, not ``owner``), as Python values."""

    def mentions(self, arguments: ArgumentsT) -> tuple[RecordRef, ...]:
        """Every record that the arguments name; the approver must see them all."""
        return (self.subject(arguments),)

    def side_effects(self, arguments: ArgumentsT) -> tuple[str, ...]:
        """What else happens, in words."""
        return ()

    def finish(self, arguments: ArgumentsT, written: Record) -> None:
        """Make the side effects, inside the same role and transaction."""


class UpdateTool(Tool[ArgumentsT]):
    """Changes fields of one record; the arguments that were given are the fields to change."""

    is_creation = False
    id_field: ClassVar[str]

    def subject(self, arguments: ArgumentsT) -> RecordRef:
        """The record to be changed."""
        return RecordRef(self.writes, getattr(arguments, self.id_field))

    def values(self, arguments: ArgumentsT) -> dict[str, Any]:
        """The given fields and nothing else."""
        return {
            name: getattr(arguments, name)
            for name in sorted(arguments.model_fields_set)
            if name != self.id_field
        }


class ToolRegistry:
    """All tools by key."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool[Any]] = {}

    def register(self, tool: Tool[Any]) -> None:
        """Add a tool, or refuse it.

        Raises:
            ValueError: the key is taken, the tool deletes, it reaches outside its own field list, or it
                writes money without its currency.
        """
        if tool.key in self._tools:
            raise ValueError(f"Two tools are named {tool.key!r}.")
        if any(word in tool.key for word in ("delete", "remove", "purge", "drop")):
            raise ValueError(f"{tool.key!r}: nothing is deleted by a tool.")
        tracked = set(model_of(tool.writes).tracked_fields)
        if not tool.allowed_fields <= tracked:
            outside = sorted(tool.allowed_fields - tracked)
            raise ValueError(
                f"{tool.key!r} lists fields that {tool.writes} does not own: {outside}."
            )
        if isinstance(tool, UpdateTool):
            settable = set(tool.arguments_type.model_fields) - {tool.id_field}
            if not settable <= tool.allowed_fields:
                outside = sorted(settable - tool.allowed_fields)
                raise ValueError(f"{tool.key!r} reaches outside its field list: {outside}.")
        guards = () if tool.is_creation else tool.guard_fields.get(tool.writes, ())
        seen = {*tool.allowed_fields, *guards}
        if tool.allowed_fields & MONEY_FIELDS and CURRENCY_FIELD not in seen:
            raise ValueError(f"{tool.key!r} writes money without seeing its currency.")
        self._tools[tool.key] = tool

    def get(self, key: str) -> Tool[Any]:
        """Return the tool.

        Raises:
            UnknownToolError: there is none of that name.
        """
        try:
            return self._tools[key]
        except KeyError:
            raise UnknownToolError(key) from None

    def all(self) -> list[Tool[Any]]:
        """Every tool, by key."""
        return [self._tools[key] for key in sorted(self._tools)]

    def keys(self) -> frozenset[str]:
        """The names of all tools."""
        return frozenset(self._tools)


@cache
def model_of(kind: RecordKind) -> type[Record]:
    """Return the model of a kind of record."""
    for model in record_models():
        if model.kind == kind:
            return model
    raise ValueError(f"no model of kind {kind}")


def to_json(value: object) -> JsonValue:
    """Return a column's value as it is kept in JSON."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, models.Choices):
        return cast("str | int", value.value)
    return cast(JsonValue, value)
