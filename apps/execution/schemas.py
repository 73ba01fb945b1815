"""What travels on the road from approval to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from django.urls import reverse

from apps.audit.schemas import Actor
from apps.crm.enums import RecordKind
from apps.execution.custom_names import nested
from apps.execution.enums import ValueChoice, ValueKind
from apps.execution.signs import isolated
from apps.users.models import User

# A value as it stands in JSON: dates as ISO text, decimals as text, references as ids.
JsonValue: TypeAlias = "str | int | float | bool | list[Any] | dict[str, Any] | None"

# Who a row of a diff comes from: the proposal, or the person who edited it or left it out.
RowOrigin: TypeAlias = Literal["proposed", "edited", "left out"]


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """One record, by kind and id."""

    kind: RecordKind
    id: int

    @classmethod
    def parse(cls, key: str) -> Self:
        """Read the ``kind:id`` form used as a JSON key."""
        kind, _, record_id = key.partition(":")
        return cls(RecordKind(kind), int(record_id))

    @property
    def address(self) -> str:
        """The record's page."""
        return reverse(f"crm:{self.kind.value}_detail", args=[self.id])

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.id}"


def key_pattern(kinds: Iterable[RecordKind]) -> str:
    """The pattern of keys that ``RecordRef.parse`` reads, for records of these kinds."""
    return rf"^({'|'.join(kinds)}):[1-9][0-9]{{0,17}}$"


def ids_by_kind(refs: Iterable[RecordRef]) -> dict[RecordKind, set[int]]:
    """The ids of records, each once, by kind."""
    by_kind: dict[RecordKind, set[int]] = {}
    for ref in refs:
        by_kind.setdefault(ref.kind, set()).add(ref.id)
    return by_kind


@dataclass(frozen=True, slots=True)
class Seen:
    """Values of records as they were seen: what the change replaces, and what its reason rests on.

    Keys are ``kind:id``, values ``{field: value}``.
    """

    before: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    guards: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)

    def by_record(self) -> dict[RecordRef, dict[str, JsonValue]]:
        """All seen values, records in the order in which they are to be locked."""
        merged: dict[RecordRef, dict[str, JsonValue]] = {}
        for part in (self.guards, self.before):
            for key, values in part.items():
                merged.setdefault(RecordRef.parse(key), {}).update(values)
        return dict(sorted(merged.items()))


@dataclass(frozen=True, slots=True)
class ValueMoved:
    """A seen value that is now another."""

    record: RecordRef
    field: str
    seen: JsonValue
    now: JsonValue


@dataclass(frozen=True, slots=True)
class ApprovedChange:
    """A change that a person has approved, with everything the engine needs to apply it once."""

    tool: str
    arguments: Mapping[str, JsonValue]
    record: RecordRef
    seen: Seen
    approved_by: User
    approved_at: datetime
    actor: Actor
    idempotency_key: str
    suggestion_id: int | None


@dataclass(frozen=True, slots=True)
class ApprovedUndo:
    """The wish of a person to take back what one execution wrote.

    ``despite`` names what they know was made of a new record since: columns, and kinds of records that were
    hung on it.
    """

    execution_id: int
    approved_by: User
    approved_at: datetime
    actor: Actor
    suggestion_id: int | None
    despite: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SideUndo:
    """What an undo takes back besides the fields of the record that was written, and what it leaves.

    ``records`` are the others that it changes: whoever undoes it must see them. ``back`` and ``staying`` say
    it in words; ``left`` are the records that stay where people have put them since.
    """

    records: tuple[RecordRef, ...] = ()
    back: tuple[str, ...] = ()
    staying: tuple[str, ...] = ()
    left: tuple[RecordRef, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field before and after, ready to be shown."""

    field: str
    label: str
    kind: ValueKind
    before: JsonValue
    after: JsonValue
    before_text: str
    after_text: str
    is_new: bool
    # Long text alone: (``equal`` | ``delete`` | ``insert``, text) in reading order.
    segments: tuple[tuple[str, str], ...] = ()
    origin_label: RowOrigin = "proposed"
    # Who edited this field or left it out, where that is known field by field.
    edited_by: str = ""

    def as_json(self) -> dict[str, JsonValue]:
        """The row as the API gives it."""
        return {
            "field": self.field,
            "label": self.label,
            "kind": self.kind.value,
            "before": self.before,
            "after": self.after,
            "before_text": self.before_text,
            "after_text": self.after_text,
            "origin": self.origin_label,
            "edited_by": self.edited_by,
            "segments": [{"op": op, "text": text} for op, text in self.segments],
        }

    def as_text(self) -> str:
        """The change of this field on one line, or indented below its name where it has several."""
        if self.segments:
            marks = {"equal": "{}", "delete": "[-{}-]", "insert": "{{+{}+}}"}
            change = "".join(marks[op].format(text) for op, text in self.segments)
        elif self.is_new:
            change = isolated(self.after_text)
        else:
            change = f"{isolated(self.before_text)} → {isolated(self.after_text)}"
        lines = change.splitlines()
        if len(lines) < 2:
            return f"  {self.label}: {change}"
        return "\n".join([f"  {self.label}:", *(f"    {line}".rstrip() for line in lines)])


@dataclass(frozen=True, slots=True)
class ValueOption:
    """One value that a field may have after a merge; ``is_offered``: whether it may be chosen.

    ``values`` are the arguments that say so: the field's, and what goes with it (an amount's currency).
    """

    choice: ValueChoice
    values: Mapping[str, JsonValue]
    text: str
    is_chosen: bool
    is_offered: bool

    def as_json(self) -> dict[str, JsonValue]:
        """The option as the API gives it."""
        return {
            "choice": self.choice.value,
            "values": nested(self.values),
            "text": self.text,
            "is_chosen": self.is_chosen,
            "is_offered": self.is_offered,
        }


@dataclass(frozen=True, slots=True)
class ComparedField:
    """One field in which two records differ: the survivor's value, the duplicate's, and others."""

    field: str
    label: str
    kind: ValueKind
    survivor: ValueOption
    duplicate: ValueOption
    more: tuple[ValueOption, ...] = ()

    @property
    def sides(self) -> tuple[ValueOption, ValueOption]:
        """The values of the two records."""
        return self.survivor, self.duplicate

    def as_json(self) -> dict[str, JsonValue]:
        """The row as the API gives it."""
        return {
            "field": self.field,
            "label": self.label,
            "kind": self.kind.value,
            "options": [option.as_json() for option in (*self.sides, *self.more)],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two records side by side, of which one is merged into the other.

    ``moved`` says in words what moves to the survivor, or has moved, by kind of record.
    """

    survivor: RecordRef
    survivor_label: str
    duplicate: RecordRef
    duplicate_label: str
    is_swappable: bool
    is_done: bool
    fields: tuple[ComparedField, ...]
    moved: tuple[str, ...]

    def as_text(self) -> str:
        """What is merged and what is not taken, a line each."""
        lines = [f"  Merged into it: {isolated(self.duplicate_label)}"]
        lines += [
            f"  Kept: {row.label}: {isolated(row.survivor.text)} (not {isolated(row.duplicate.text)})"
            for row in self.fields
            if row.survivor.is_chosen and row.duplicate.is_offered
        ]
        lines += [f"  Also: {words}" for words in self.moved]
        return "\n".join(lines)

    def as_json(self) -> dict[str, JsonValue]:
        """The comparison as the API gives it."""
        return {
            "survivor": {"record": str(self.survivor), "label": self.survivor_label},
            "duplicate": {"record": str(self.duplicate), "label": self.duplicate_label},
            "is_swappable": self.is_swappable,
            "fields": [row.as_json() for row in self.fields],
            "moved": list(self.moved),
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """What a change would do, as the reviewer sees it and the engine checks it."""

    tool: str
    tool_label: str
    record_kind: RecordKind
    record_label: str
    is_creation: bool
    rows: tuple[FieldDiff, ...]
    side_effects: tuple[str, ...]
    # What was proposed and a person left out, or emptied; and who edited the rest.
    left_out: tuple[FieldDiff, ...] = ()
    edited_by: str = ""
    # Of a merge: both records side by side.
    comparison: Comparison | None = None

    def as_text(self) -> str:
        """The diff in plain text, one line a field."""
        new = f"New {self.record_kind.label.lower()}"
        head = new if self.is_creation else isolated(self.record_label)
        lines = [head]
        for row in self.rows:
            who = row.edited_by or self.edited_by
            by = f" (edited by {who})" if who else " (edited)"
            lines.append(row.as_text() + (by if row.origin_label == "edited" else ""))
        lines.extend(
            f"  Left out: {row.label} ({isolated(row.after_text)})" for row in self.left_out
        )
        if self.comparison is not None:
            lines.append(self.comparison.as_text())
        lines.extend(f"  Also: {effect}" for effect in self.side_effects)
        return "\n".join(lines)

    def as_json(self) -> dict[str, JsonValue]:
        """The diff as the API gives it."""
        return {
            "tool": self.tool,
            "tool_label": self.tool_label,
            "record_kind": self.record_kind.value,
            "record_label": self.record_label,
            "is_creation": self.is_creation,
            "fields": [row.as_json() for row in self.rows],
            "left_out": [row.as_json() for row in self.left_out],
            "edited_by": self.edited_by,
            "side_effects": list(self.side_effects),
            "comparison": self.comparison.as_json() if self.comparison else None,
        }
