"""Two records side by side before they are merged: where they differ, and what the survivor will have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.execution.custom_fields import Definitions, definitions_of, kind_of_custom
from apps.execution.custom_names import custom_key, custom_names, flat
from apps.execution.diff import NOTHING, custom_text, field_of, kind_of, label_of, text_of
from apps.execution.enums import ValueChoice, ValueKind
from apps.execution.schemas import (
    ComparedField,
    Comparison,
    JsonValue,
    RecordRef,
    Seen,
    ValueOption,
)
from apps.execution.signs import with_unseen_named
from apps.execution.tools.base import CURRENCY_FIELD, Tool, every_row_of, to_json
from apps.execution.tools.merge_arguments import MergeDuplicatesArguments
from apps.execution.tools.repointing import said
from apps.execution.tools.surviving import (
    NOTES,
    TAKEN_WITH,
    Values,
    fields_of,
    is_empty,
    joined_notes,
    unfit_values,
)
from apps.users.rules import Reader


def compare_records(
    tool: Tool[Any],
    arguments: MergeDuplicatesArguments,
    seen: Seen,
    viewer: Reader,
    *,
    moved: Mapping[RecordKind, int],
    is_done: bool,
) -> Comparison | None:
    """Both records as they were seen; None where a change was stored without what was seen of one."""
    survivor, duplicate = arguments.survivor, arguments.duplicate
    rows = seen.by_record()
    if survivor not in rows or duplicate not in rows:
        return None
    kept, other = flat(rows[survivor]), flat(rows[duplicate])
    names = {ref: _name_of(ref) for ref in (survivor, duplicate)}
    one, many = ("was moved", "were moved") if is_done else ("moves", "move")
    to = f"to “{names[survivor]}”."
    sides = _Sides(
        survivor.kind,
        kept,
        other,
        {**kept, **{name: to_json(value) for name, value in tool.values(arguments).items()}},
        viewer,
        definitions_of(survivor.kind),
    )
    return Comparison(
        survivor=survivor,
        survivor_label=names[survivor],
        duplicate=duplicate,
        duplicate_label=names[duplicate],
        is_swappable=survivor.kind == duplicate.kind,
        is_done=is_done,
        fields=_fields(sides, tool, arguments),
        moved=(said(moved, f"{one} {to}", f"{many} {to}"),) if moved else (),
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """The values of the survivor, those of the duplicate, and those that the survivor will have."""

    kind: RecordKind
    kept: Values
    other: Values
    result: Values
    viewer: Reader
    custom: Definitions

    def label(self, name: str) -> str:
        """The field by its name."""
        key = custom_key(name)
        return self.custom[key].label if key else label_of(self.kind, name)

    def value_kind(self, name: str) -> ValueKind:
        """How its values are shown."""
        key = custom_key(name)
        if key:
            return kind_of_custom(self.custom[key])
        return kind_of(field_of(model_of(self.kind), name))

    def words(self, name: str, value: JsonValue, currency: str = "") -> str:
        """One value as the viewer reads it."""
        key = custom_key(name)
        if not key:
            return text_of(self.kind, name, value, viewer=self.viewer, currency=currency)
        return custom_text(self.custom[key], value)


def _fields(
    sides: _Sides, tool: Tool[Any], arguments: MergeDuplicatesArguments
) -> tuple[ComparedField, ...]:
    own = fields_of(tool, arguments.survivor, sides.custom)
    names = [name for name in type(arguments).model_fields if name in own]
    names += custom_names(sides.custom)
    along = {name: [part for part in TAKEN_WITH.get(name, ()) if part in names] for name in names}
    taken_along = {part for parts in along.values() for part in parts}
    unfit = unfit_values(tool, arguments.survivor, arguments.duplicate, sides.other, sides.custom)
    rows = []
    for name in names:
        parts = [name, *along[name]]
        if name in taken_along or not _differ(parts, sides.kept, sides.other, sides.result):
            continue
        rows.append(_field(parts, sides, is_fit=not unfit & {*parts}))
    return tuple(rows)


def _field(parts: list[str], sides: _Sides, *, is_fit: bool) -> ComparedField:
    name = parts[0]
    both = joined_notes(sides.kept, sides.other) if name == NOTES else None
    chosen = _choice(parts, sides, both)

    def option(choice: ValueChoice, values: Values, *, is_offered: bool = True) -> ValueOption:
        text = _text(sides, parts, values)
        given = {part: values[part] for part in parts if part in values}
        return ValueOption(choice, given, text, chosen == choice, is_offered)

    more = []
    if both is not None:
        more.append(option(ValueChoice.BOTH, {name: both}))
    if chosen == ValueChoice.OTHER:
        more.append(option(ValueChoice.OTHER, sides.result))
    return ComparedField(
        field=name,
        label=sides.label(name),
        kind=sides.value_kind(name),
        survivor=option(ValueChoice.SURVIVOR, sides.kept),
        duplicate=option(
            ValueChoice.DUPLICATE, sides.other, is_offered=is_fit and _can_take(parts, sides)
        ),
        more=tuple(more),
    )


def _differ(parts: list[str], *rows: Values) -> bool:
    """Whether the values are not all the same; what is not there is as good as empty."""
    first, *others = ([row.get(part) or None for part in parts] for row in rows)
    return any(values != first for values in others)


def _can_take(parts: list[str], sides: _Sides) -> bool:
    """Nothing is no value to take, and neither is an amount in no currency."""
    if is_empty(sides.other.get(parts[0])) or not _differ(parts, sides.kept, sides.other):
        return False
    return CURRENCY_FIELD not in parts or not is_empty(sides.other.get(CURRENCY_FIELD))


def _choice(parts: list[str], sides: _Sides, both: str | None) -> ValueChoice:
    if not _differ(parts, sides.kept, sides.result):
        return ValueChoice.SURVIVOR
    # A lead's address says nothing of whether it works.
    known = [part for part in parts if part in sides.other]
    if not _differ(known, sides.other, sides.result):
        return ValueChoice.DUPLICATE
    if both is not None and sides.result[parts[0]] == both:
        return ValueChoice.BOTH
    return ValueChoice.OTHER


def _text(sides: _Sides, parts: list[str], values: Values) -> str:
    """The value in words, money with its currency, an address with what is known of it."""
    name, *along = parts
    currency = str(values.get(CURRENCY_FIELD) or "")
    words = sides.words(name, values.get(name), currency)
    status = values.get("email_status")
    if "email_status" not in along or words == NOTHING or status in (None, "", "unknown"):
        return words
    return f"{words} ({sides.words('email_status', status).lower()})"


def _name_of(ref: RecordRef) -> str:
    return with_unseen_named(str(every_row_of(ref.kind).filter(pk=ref.id).first() or ref))
