"""The arguments of a merge: as they are proposed, with the other record kept, with what somebody chose."""

from __future__ import annotations

from collections.abc import Mapping

from apps.execution.custom_fields import definitions_of
from apps.execution.custom_names import column_of, flat, nested
from apps.execution.enums import ValueChoice
from apps.execution.schemas import JsonValue, RecordRef, Seen
from apps.execution.tools import registry
from apps.execution.tools.merge_arguments import MergeDuplicatesArguments, naming
from apps.execution.tools.merging import MergeDuplicates
from apps.execution.tools.surviving import (
    NOTES,
    TAKEN_WITH,
    Values,
    fields_of,
    is_empty,
    joined_notes,
    proposed_values,
    unfit_values,
)

Arguments = dict[str, JsonValue]


def propose(survivor: RecordRef, duplicate: RecordRef, *, kept: Values, other: Values) -> Arguments:
    """The merge in which the survivor takes what it lacks; the rows are the two records' values."""
    tool, custom = registry.get(MergeDuplicates.key), definitions_of(survivor.kind)
    ours, theirs = flat(kept), flat(other)
    unfit = unfit_values(tool, survivor, duplicate, theirs, custom)
    taken = proposed_values(fields_of(tool, survivor, custom), ours, theirs, unfit)
    return {**naming(survivor, duplicate), **nested(taken)}


def swap(arguments: MergeDuplicatesArguments, seen: Seen) -> Arguments:
    """The merge in which the other record survives, with what it lacks."""
    rows = seen.by_record()
    survivor, duplicate = arguments.duplicate, arguments.survivor
    return propose(survivor, duplicate, kept=rows[survivor], other=rows[duplicate])


def choose(
    arguments: MergeDuplicatesArguments, seen: Seen, choices: Mapping[str, ValueChoice]
) -> Arguments:
    """The merge in which these fields become what somebody chose; the others stay as they were to be."""
    rows = seen.by_record()
    kept, other = flat(rows[arguments.survivor]), flat(rows[arguments.duplicate])
    own = MergeDuplicates.writes[arguments.survivor.kind]
    chosen = flat(arguments.model_dump(mode="json", exclude_unset=True))
    for name, choice in choices.items():
        if choice == ValueChoice.OTHER:
            continue
        parts = [part for part in (name, *TAKEN_WITH.get(name, ())) if column_of(part) in own]
        for part in parts:
            chosen.pop(part, None)
        if choice == ValueChoice.DUPLICATE:
            chosen |= {part: other[part] for part in parts if not is_empty(other.get(part))}
        elif choice == ValueChoice.BOTH:
            chosen[NOTES] = joined_notes(kept, other)
    return nested(chosen)
