"""Which value of two records survives their merge: what each field may become, and what is proposed.

Values are by name of the field, the company's own each by its own (``custom_fields.flat``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.execution.custom_fields import Definitions, unfit_custom
from apps.execution.custom_names import ATTRIBUTES, custom_names
from apps.execution.exceptions import ReferenceRefusedError
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.accounts import require_parent
from apps.execution.tools.base import CURRENCY_FIELD, Tool
from apps.execution.tools.merge_arguments import LONGEST_NOTES, naming

Values = Mapping[str, JsonValue]

# What is taken from the other record with a field, because it means nothing without it.
TAKEN_WITH = {
    "email": ("email_status",),
    "estimated_value": ("currency",),
    "annual_revenue": ("currency",),
}
_TAKEN_ALONG = frozenset(name for names in TAKEN_WITH.values() for name in names)
# Who does not want to be contacted, as either record says, is not contacted.
_ONCE_SAID = "do_not_contact"
NOTES = "notes"
_PARENT = "parent_id"
_REST = "…\n\n(The rest stands in the notes of the merged record.)"


def is_empty(value: JsonValue) -> bool:
    """Whether there is nothing that could be taken."""
    return value is None or value == ""


def joined_notes(kept: Values, other: Values) -> str | None:
    """Both records' notes one below the other; None where one says nothing, or what the other says too.

    Beyond ``LONGEST_NOTES`` the duplicate's are cut, which is said at their end; None where there is no room.
    """
    ours, theirs = str(kept.get(NOTES) or "").strip(), str(other.get(NOTES) or "").strip()
    if not ours or not theirs or theirs in ours:
        return None
    both = f"{ours}\n\n{theirs}"
    if len(both) <= LONGEST_NOTES:
        return both
    room = LONGEST_NOTES - len(f"{ours}\n\n{_REST}")
    return f"{ours}\n\n{theirs[:room]}{_REST}" if room > 0 else None


def possible_values(name: str, kept: Values, other: Values) -> tuple[JsonValue, ...]:
    """What a field may become without anybody inventing it; the survivor's own value first."""
    values = [row[name] for row in (kept, other) if name in row]
    if name == NOTES and (both := joined_notes(kept, other)) is not None:
        values.append(both)
    return tuple(values)


def proposed_values(
    fields: Iterable[str], kept: Values, other: Values, unfit: frozenset[str] = frozenset()
) -> dict[str, JsonValue]:
    """What the survivor is to take: what it lacks and the duplicate has, and the notes of both.

    ``unfit`` are fields whose value stands in a record and that no tool would write. An amount in no currency
    is none either.
    """
    taken: dict[str, JsonValue] = {}
    names = {*fields}
    for name in sorted(names - _TAKEN_ALONG):
        ours, theirs = kept.get(name), other.get(name)
        parts = [name, *(part for part in TAKEN_WITH.get(name, ()) if part in names)]
        if is_empty(theirs) or not unfit.isdisjoint(parts) or _lacks_currency(parts, other):
            continue
        if is_empty(ours) or (name == _ONCE_SAID and theirs and not ours):
            taken |= {part: other[part] for part in parts if not is_empty(other.get(part))}
        elif name == NOTES and (both := joined_notes(kept, other)) is not None:
            taken[name] = both
    return taken


def _lacks_currency(parts: Iterable[str], values: Values) -> bool:
    return CURRENCY_FIELD in parts and is_empty(values.get(CURRENCY_FIELD))


def fields_of(tool: Tool[Any], survivor: RecordRef, custom: Definitions) -> frozenset[str]:
    """The fields of a survivor that may take another value, the company's own among them."""
    return tool.writes[survivor.kind].difference({ATTRIBUTES}).union(custom_names(custom))


def unfit_values(
    tool: Tool[Any],
    survivor: RecordRef,
    duplicate: RecordRef,
    other: Values,
    custom: Definitions,
) -> frozenset[str]:
    """Fields of the duplicate whose value the survivor cannot take: not every address on record is one.

    No account belongs to itself either, nor to one below it. ``other`` are the duplicate's values, ``custom``
    the company's own fields of the survivor's kind.
    """
    own = {
        name: other[name]
        for name in tool.writes[survivor.kind]
        if name in other and not is_empty(other[name])
    }
    problems = tool.fit({**naming(survivor, duplicate), **own}).problems
    spoiled = frozenset(problem.partition(":")[0] for problem in problems) & own.keys()
    return spoiled | _unfit_parent(survivor, duplicate, own) | unfit_custom(custom, other)


def _unfit_parent(survivor: RecordRef, duplicate: RecordRef, own: Values) -> frozenset[str]:
    if _PARENT not in own:
        return frozenset()
    try:
        require_parent((survivor.id, duplicate.id), int(str(own[_PARENT])))
    except ReferenceRefusedError:
        return frozenset({_PARENT})
    return frozenset()
