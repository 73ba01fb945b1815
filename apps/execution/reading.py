"""Reading the values that a change rests on, for one change or for thousands in a few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.execution.custom_names import column_of, value_in
from apps.execution.exceptions import RecordGoneError
from apps.execution.schemas import JsonValue, RecordRef, Seen
from apps.execution.tools.base import Tool, ToolArguments, to_json

Row = dict[str, JsonValue]


def read_seen(tool: Tool[Any], arguments: ToolArguments) -> Seen:
    """Read what one change would replace and what guards it, as it stands now.

    Raises:
        RecordGoneError: the record is not there.
    """
    (seen,) = read_seen_many([(tool, arguments)])
    if seen is None:
        raise RecordGoneError()
    return seen


def read_seen_many(changes: Sequence[tuple[Tool[Any], ToolArguments]]) -> list[Seen | None]:
    """Read the same for many changes, in one query per kind of record; None where the record is gone."""
    wanted: dict[RecordKind, tuple[set[int], set[str]]] = defaultdict(lambda: (set(), set()))
    for tool, arguments in changes:
        columns = map(column_of, _before_fields(tool, arguments))
        wanted[tool.subject(arguments).kind][1].update(columns)
        for ref in tool.guarded(arguments):
            ids, fields = wanted[ref.kind]
            ids.add(ref.id)
            fields.update(tool.guard_fields.get(ref.kind, ()))
    rows = {
        kind: _read_rows(kind, ids, sorted(fields))
        for kind, (ids, fields) in sorted(wanted.items())
    }
    return [_seen_in(tool, arguments, rows) for tool, arguments in changes]


def unseen_fields(
    tool: Tool[Any], arguments: ToolArguments, seen: Seen
) -> list[tuple[RecordRef, str]]:
    """What a change would replace or rests on, and nobody has seen.

    There is none as a rule: what was seen is read for the change. A tool may have come to write or guard one
    more field since, and what stands in a row may have come there by another way.
    """
    subject = tool.subject(arguments)
    replaced = seen.before.get(str(subject), {})
    unseen = [
        *((subject, name) for name in _before_fields(tool, arguments) if name not in replaced),
        *(
            (ref, name)
            for ref in tool.guarded(arguments)
            for name in tool.guard_fields.get(ref.kind, ())
            if name not in seen.guards.get(str(ref), {})
        ),
    ]
    # A field may be replaced and guarded, and is one field.
    return list(dict.fromkeys(unseen))


def _before_fields(tool: Tool[Any], arguments: ToolArguments) -> list[str]:
    return [] if tool.is_creation else sorted(tool.values(arguments))


def _read_rows(kind: RecordKind, ids: Iterable[int], fields: list[str]) -> dict[int, Row]:
    found = model_of(kind)._default_manager.filter(pk__in=ids).values("pk", *fields)
    return {row["pk"]: {name: to_json(row[name]) for name in fields} for row in found}


def _seen_in(
    tool: Tool[Any], arguments: ToolArguments, rows: dict[RecordKind, dict[int, Row]]
) -> Seen | None:
    subject: RecordRef = tool.subject(arguments)
    found = {ref: rows[ref.kind].get(ref.id) for ref in tool.guarded(arguments)}
    held = {ref: row for ref, row in found.items() if row is not None}
    if len(held) < len(found):
        return None
    before = {name: value_in(held[subject], name) for name in _before_fields(tool, arguments)}
    guards = {
        str(ref): {name: row[name] for name in names}
        for ref, row in held.items()
        if (names := tool.guard_fields.get(ref.kind, ()))
    }
    return Seen(before={str(subject): before} if before else {}, guards=guards)
