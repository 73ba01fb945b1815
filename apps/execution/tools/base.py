"""What a tool is, and the registry that refuses what must not exist."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

from django.db import models
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator
from pydantic.fields import FieldInfo

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.crm.presentation import MONEY_FIELDS
from apps.crm.services import all_records
from apps.execution.enums import Risk
from apps.execution.exceptions import InvalidArgumentsError, UnknownToolError
from apps.execution.schemas import Comparison, JsonValue, RecordRef, Seen, SideUndo
from apps.execution.signs import has_controls, without_unseen
from apps.execution.tools.fields import is_fixed
from apps.users.models import User
from apps.users.rules import Reader

# A tool that writes an amount sees this.
CURRENCY_FIELD = "currency"


class ToolArguments(BaseModel):
    """The base of all tools' arguments: strict types, no unknown field, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _refuse_controls(cls, value: object) -> object:
        texts = value.values() if isinstance(value, Mapping) else (value,)
        if any(isinstance(text, str) and has_controls(text) for text in texts):
            raise ValueError("contains a control character")
        return value


@dataclass(frozen=True, slots=True)
class FittedArguments:
    """Arguments by name, typed where they fit; ``problems`` say what does not fit, as ``name: why``."""

    values: Mapping[str, Any]
    problems: tuple[str, ...]


def _readable(arguments: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    def read(value: JsonValue) -> JsonValue:
        if isinstance(value, dict):
            return _readable(value)
        return without_unseen(value) if isinstance(value, str) else value

    return {name: read(value) for name, value in arguments.items()}


def _typed_alone(field: FieldInfo, value: JsonValue) -> Any:
    """One argument's value, which is known to fit its field."""
    kind: Any = field.annotation
    for rule in field.metadata:
        kind = Annotated[kind, rule]
    config = ConfigDict(strict=True, str_strip_whitespace=True)
    return TypeAdapter(kind, config=config).validate_json(json.dumps(value))


ArgumentsT = TypeVar("ArgumentsT", bound=ToolArguments)


class Tool(ABC, Generic[ArgumentsT]):
    """A named, typed change that may be proposed.

    A tool either updates one record or makes one; it never deletes. ``writes`` are the fields it may touch
    on the record that it writes, ``guard_fields`` what is compared besides, both by kind of record.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    arguments_type: type[ArgumentsT]
    # What the change is about (what the suggestion hangs on) and what is written: the subject itself, or a
    # new record, which is of one kind whatever the subject.
    subject_kinds: ClassVar[frozenset[RecordKind]]
    writes: ClassVar[Mapping[RecordKind, frozenset[str]]]
    is_creation: ClassVar[bool]
    guard_fields: ClassVar[Mapping[RecordKind, tuple[str, ...]]] = {}
    risk: ClassVar[Risk]
    # What happens besides the fields, in words, whatever the arguments are; and whether that alone is worth
    # doing, where no field of the record changes.
    consequences: ClassVar[str]
    is_more_than_fields: ClassVar[bool] = False
    # Whether a person may accept some of the fields and leave out the rest; those of one group in
    # ``together`` mean something only with each other, and are accepted or left out as one.
    partial: ClassVar[bool] = False
    together: ClassVar[tuple[frozenset[str], ...]] = ()
    # Nothing is ever deleted. A change is undone by writing the former values back, a creation by
    # setting ``undo_values`` on the record that was made; what cannot be undone says why.
    is_reversible: ClassVar[bool] = True
    undo_values: ClassVar[Mapping[str, JsonValue]] = {}
    irreversible_because: ClassVar[str] = ""
    # What an undo does besides the fields, in words.
    undo_consequences: ClassVar[str] = ""

    def written_kind(self, subject: RecordKind) -> RecordKind:
        """The kind of record that is written where the change is about this kind."""
        return next(iter(self.writes)) if self.is_creation else subject

    def permissions(self, subject: RecordKind) -> frozenset[str]:
        """What the approver's role must include for a change that is about this kind of record."""
        return frozenset({self.permission_for(self.written_kind(subject))})

    def permission_for(self, written: RecordKind) -> str:
        """What it takes to write this kind of record."""
        verb = "add" if self.is_creation else "change"
        return f"crm.{verb}_{model_of(written)._meta.model_name}"

    def parse(self, arguments: Mapping[str, JsonValue]) -> ArgumentsT:
        """Return the typed arguments.

        Signs that nobody sees are taken out of each text, so that a tool writes what its reviewer has read.

        Raises:
            InvalidArgumentsError: they do not fit the schema.
        """
        try:
            return self.arguments_type.model_validate_json(json.dumps(_readable(arguments)))
        except ValidationError as error:
            problems = [
                f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"
                for problem in error.errors()
            ]
            raise InvalidArgumentsError(self.key, problems) from error

    def fit(self, arguments: Mapping[str, JsonValue]) -> FittedArguments:
        """Part arguments that may have been stored for another schema: what fits, and what does not."""
        fields = self.arguments_type.model_fields
        try:
            typed = self.parse(arguments)
        except InvalidArgumentsError as error:
            problems = tuple(error.extras["problems"])
        else:
            return FittedArguments({name: getattr(typed, name) for name in fields}, ())
        spoiled = {re.split(r"[.:]", problem, maxsplit=1)[0] for problem in problems}
        values = {
            name: _typed_alone(fields[name], value)
            for name, value in _readable(arguments).items()
            if name in fields and name not in spoiled
        }
        return FittedArguments(values, problems)

    @abstractmethod
    def subject(self, arguments: ArgumentsT) -> RecordRef:
        """The record that the change is about."""

    @abstractmethod
    def values(self, arguments: ArgumentsT) -> dict[str, Any]:
        """The fields that are written, by column (``owner_id``, not ``owner``), as Python values."""

    def mentions(self, arguments: ArgumentsT) -> tuple[RecordRef, ...]:
        """Every record that the arguments name; the approver must see them all."""
        return (self.subject(arguments),)

    def guarded(self, arguments: ArgumentsT) -> tuple[RecordRef, ...]:
        """The records whose guard fields are compared, the subject first."""
        return (self.subject(arguments),)

    def compare(
        self, arguments: ArgumentsT, seen: Seen, viewer: Reader, noted: JsonValue
    ) -> Comparison | None:
        """Two records side by side, as they were seen, where the change is about two."""
        return None

    def is_same_matter(self, fixed: Mapping[str, Any], arguments: ArgumentsT) -> bool:
        """Whether edited arguments are about the same records as the ``fixed`` ones said."""
        return all(getattr(arguments, name) == value for name, value in fixed.items())

    def side_effects(self, arguments: ArgumentsT) -> tuple[str, ...]:
        """What else happens, in words."""
        return ()

    def check(self, arguments: ArgumentsT, approver: User) -> None:
        """Refuse what only the rows can tell: a person who has left, a stage that is not there.

        Called after the records were locked and compared, before anything is written.

        Raises:
            ReferenceRefusedError: a row that the arguments name is not there, or not for this person.
            ChangeNotPossibleError: the record as it stands does not allow the change.
        """

    def invented(self, arguments: ArgumentsT, seen: Seen) -> frozenset[str]:
        """Arguments that a proposal may not have like this, because no record says so; a person may."""
        return frozenset()

    def check_undo(self, record: Record, back: Mapping[str, JsonValue], approver: User) -> None:
        """Refuse an undo that the rows do not allow; ``back`` is what would stand in the record again.

        Called under the record's lock, before anything is written.

        Raises:
            ReferenceRefusedError, ChangeNotPossibleError: see ``check``.
        """

    def finish(self, arguments: ArgumentsT, written: Record) -> JsonValue:
        """Make the side effects, inside the same role and transaction.

        Returns what ``unfinish`` needs to take them back; None when there is nothing.
        """
        return None

    def moved(self, noted: JsonValue) -> Mapping[RecordKind, int]:
        """How many records of each kind ``finish``, which had ``noted`` this, has moved."""
        return {}

    def attached(self, noted: JsonValue) -> tuple[RecordRef, ...]:
        """The records that ``finish``, which had ``noted`` this, hung on the new one."""
        return ()

    def side_undo(self, written: Record, noted: JsonValue, *, is_locked: bool) -> SideUndo:
        """What ``unfinish`` would take back besides the fields, and what it would leave.

        Called without locks for the preview, and with them just before the undo is written.

        Raises:
            RecordGoneError, ChangeNotPossibleError: it cannot be taken back any more.
        """
        return SideUndo()

    def unfinish(self, written: Record, noted: JsonValue, returned: frozenset[str]) -> None:
        """Take back the side effects of ``finish``, which had ``noted`` this.

        Called within the undo's role and transaction, after the fields that ``returned`` names were set
        back in ``written``. What a person has changed since is left as it is.
        """


class UpdateTool(Tool[ArgumentsT]):
    """Changes fields of one record; the arguments that were given are the fields to change."""

    is_creation = False
    partial = True
    id_field: ClassVar[str]

    def subject(self, arguments: ArgumentsT) -> RecordRef:
        """The record to be changed."""
        (kind,) = self.writes
        return RecordRef(kind, getattr(arguments, self.id_field))

    def values(self, arguments: ArgumentsT) -> dict[str, Any]:
        """The given fields and nothing else."""
        return {
            name: getattr(arguments, name)
            for name in sorted(arguments.model_fields_set & settable_fields(self.arguments_type))
        }


@cache
def settable_fields(arguments_type: type[ToolArguments]) -> frozenset[str]:
    """The arguments that are values to be written, and do not say which record is meant."""
    return frozenset(
        name for name, field in arguments_type.model_fields.items() if not is_fixed(field)
    )


# No name proves what a tool does, and the role that writes may not delete: this finds an honest mistake.
_DELETING = ("delete", "remove", "purge", "drop", "erase", "wipe", "destroy", "truncate")


class ToolRegistry:
    """All tools by key."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool[Any]] = {}

    def register(self, tool: Tool[Any]) -> None:
        """Add a tool, or refuse it.

        Raises:
            ValueError: the key is taken, the tool deletes, it leaves something unsaid, it takes arguments
                that it does not name, it reaches outside its own field list, or it writes money without its
                currency.
        """
        if tool.key in self._tools:
            raise ValueError(f"Two tools are named {tool.key!r}.")
        if any(word in tool.key for word in _DELETING):
            raise ValueError(f"{tool.key!r}: nothing is deleted by a tool.")
        _check_declared(tool)
        _check_fields(tool)
        _check_undo(tool)
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

    def label(self, key: str) -> str:
        """The tool's label; a key that is no longer known stands for itself."""
        tool = self._tools.get(key)
        return tool.label if tool else key

    def __contains__(self, key: str) -> bool:
        return key in self._tools

    def all(self) -> list[Tool[Any]]:
        """Every tool, by key."""
        return [self._tools[key] for key in sorted(self._tools)]

    def keys(self) -> frozenset[str]:
        """The names of all tools."""
        return frozenset(self._tools)


def _check_declared(tool: Tool[Any]) -> None:
    for name in ("label", "risk", "consequences", "writes"):
        if not getattr(tool, name, ""):
            raise ValueError(f"{tool.key!r} does not declare its {name}.")
    if not isinstance(tool.risk, Risk):
        raise ValueError(f"{tool.key!r} knows a risk that is neither low nor high.")
    if any(not tool.permissions(kind) for kind in tool.subject_kinds):
        raise ValueError(f"{tool.key!r} asks for no permission.")
    config = tool.arguments_type.model_config
    if not issubclass(tool.arguments_type, ToolArguments) or (
        config.get("extra"), config.get("strict"), config.get("frozen"),
    ) != ("forbid", True, True):  # fmt: skip
        raise ValueError(f"{tool.key!r} takes arguments that it does not name, or of other types.")
    unguarded = sorted(kind for kind in tool.subject_kinds if not tool.guard_fields.get(kind))
    if unguarded:
        raise ValueError(f"{tool.key!r} has no guard fields for {', '.join(unguarded)}.")
    if tool.is_creation and len(tool.writes) > 1:
        raise ValueError(f"{tool.key!r} makes records of several kinds.")
    if not tool.is_creation and tool.writes.keys() != tool.subject_kinds:
        raise ValueError(f"{tool.key!r} is an update, and writes another kind than it is about.")


def _check_fields(tool: Tool[Any]) -> None:
    for kind, fields in tool.writes.items():
        outside = sorted(fields - set(model_of(kind).tracked_fields))
        if outside:
            raise ValueError(f"{tool.key!r} lists fields that {kind} does not own: {outside}.")
    for kind, names in tool.guard_fields.items():
        unknown = sorted(set(names) - set(model_of(kind).tracked_fields))
        if unknown:
            raise ValueError(f"{tool.key!r} guards what {kind} does not own: {unknown}.")
    if isinstance(tool, UpdateTool):
        arguments_type: type[ToolArguments] = tool.arguments_type
        outside = sorted(settable_fields(arguments_type).difference(*tool.writes.values()))
        if outside:
            raise ValueError(f"{tool.key!r} reaches outside its field list: {outside}.")
    for kind, fields in tool.writes.items():
        guards = () if tool.is_creation else tool.guard_fields.get(kind, ())
        if fields & MONEY_FIELDS and CURRENCY_FIELD not in {*fields, *guards}:
            raise ValueError(f"{tool.key!r} writes money without seeing its currency.")


def _check_undo(tool: Tool[Any]) -> None:
    if not tool.is_reversible:
        if not tool.irreversible_because:
            raise ValueError(f"{tool.key!r} does not say why it cannot be undone.")
        return
    if tool.is_creation != bool(tool.undo_values):
        raise ValueError(f"{tool.key!r}: a creation, and nothing else, says what its undo sets.")
    for kind in tool.writes:
        if not set(tool.undo_values) <= set(model_of(kind).tracked_fields):
            raise ValueError(f"{tool.key!r}: its undo sets fields that {kind} does not own.")


@cache
def every_row_of(kind: RecordKind) -> Any:
    """The rows of a kind, as its queryset, with those that lists leave out because they were merged."""
    return all_records(model_of(kind))


def to_json(value: object) -> JsonValue:
    """Return a column's value as it is kept in JSON."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, models.Choices):
        return cast("str | int", value.value)
    return cast(JsonValue, value)
