"""What a record that a suggestion would make looks like: told before anybody approves, never in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.crm.enums import RecordKind
from apps.crm.look_alikes import LookAlikes, ToldLike, look_alikes, probe_rows, tell
from apps.execution.exceptions import InvalidArgumentsError
from apps.execution.tools import registry as tools
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.users.models import User

# Somebody waits for the page of many: after so long no further ones are looked at.
SECONDS_FOR_MANY = 3.0
# Whoever approves many is shown so many of them, and how many more there are.
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class LikeLine:
    """One of many suggestions, and what its record looks like: a record, or what another one would make."""

    suggestion: Suggestion
    like: ToldLike | None
    other: Suggestion | None


@dataclass(frozen=True, slots=True)
class LikesOfMany:
    """Those that look like something, and how many more do; how many were looked at, of how many."""

    lines: tuple[LikeLine, ...] = ()
    more: int = 0
    looked_at: int = 0
    of: int = 0


def look_alikes_of(suggestion: Suggestion, viewer: User) -> LookAlikes:
    """The records like the one that would be made, as this person may be told of them.

    None, where nothing is made any more or its kind is not compared.
    """
    made = _made_by(suggestion)
    return LookAlikes() if made is None else look_alikes(viewer, *made)


def tells_more(found: LookAlikes, than: LookAlikes) -> bool:
    """Whether somebody is told of a record that they have not been told of before."""
    before = {like.record for like in than.named}
    return found.unseen > than.unseen or any(like.record not in before for like in found.named)


def likes_of_many(suggestions: Iterable[Suggestion], viewer: User) -> LikesOfMany:
    """Which of these would make a record like one that is there, or like one of the others."""
    by_id = {suggestion.pk: suggestion for suggestion in suggestions}
    rows: dict[RecordKind, dict[int, Mapping[str, Any]]] = {}
    for pk, suggestion in by_id.items():
        if (made := _made_by(suggestion)) is not None:
            rows.setdefault(made[0], {})[pk] = made[1]
    lines: list[LikeLine] = []
    looked_at = 0
    for kind, values in rows.items():
        probed = probe_rows(kind, values, budget_s=SECONDS_FOR_MANY)
        told = tell(viewer, probed.records.values())
        lines += [LikeLine(by_id[pk], told[ref], None) for pk, ref in probed.records.items()]
        lines += [LikeLine(by_id[pk], None, by_id[other]) for pk, other in probed.rows.items()]
        looked_at += probed.looked_at
    place = {pk: number for number, pk in enumerate(by_id)}
    lines.sort(key=lambda line: place[line.suggestion.pk])
    count = sum(map(len, rows.values())) if looked_at else 0
    return LikesOfMany(tuple(lines[:MOST_TOLD]), max(0, len(lines) - MOST_TOLD), looked_at, count)


def _made_by(suggestion: Suggestion) -> tuple[RecordKind, dict[str, Any]] | None:
    """The kind and the values of the record that would be made."""
    if suggestion.is_concealed or suggestion.state not in State.open_values():
        return None
    if suggestion.tool not in tools:
        return None
    tool = tools.get(suggestion.tool)
    if not tool.is_creation:
        return None
    try:
        values = tool.values(tool.parse(suggestion.arguments))
    except InvalidArgumentsError:
        return None
    return tool.written_kind(RecordKind(suggestion.record_kind)), values
