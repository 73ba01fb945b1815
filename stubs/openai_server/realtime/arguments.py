"""Fills the arguments of a function by the names and the JSON schema that it comes with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.realtime.findings import FoundRecord

_SEARCHED = re.compile(r"text|query|q|words|term|search|name")
_TITLE = re.compile(r"title|subject|what|next_step|action")
_REASON = re.compile(r".*(?:reason|description|note|body|detail|message|why|rationale).*")
_KIND = re.compile(r"(?:.*_)?(?:kind|type)")
_ID = re.compile(r"(?:(?P<of>.*)_)?id")
_DAY = re.compile(r"(?:.*_)?(?:due|date|day|on|at|when|until)(?:_.*)?")
_FOLLOW_UP = re.compile(r"follow_?up|task|reminder")
# Ids that name somebody or something else than the record that is spoken of.
_OF_OTHERS = frozenset({"owner", "user", "assignee", "doer", "suggestion", "session"})
_KINDS = frozenset(
    {"lead", "contact", "account", "opportunity", "deal", "activity", "task", "contract", "product"}
)
_SAME_KIND = {"deal": "opportunity", "opportunity": "deal"}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ON = re.compile(
    rf"\b(?:on |by |next )*(?P<day>{'|'.join(_WEEKDAYS)}|today|tomorrow|next week|\d{{4}}-\d\d-\d\d)\b",
    re.IGNORECASE,
)
_REMIND = re.compile(r"^(?:please )?(?:remind me|i have|i want|i need)(?: to)? ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a function is called for.

    Attributes:
        words: what was said.
        searched: what is searched for, if anything.
        record: the record that is spoken of.
    """

    words: str
    searched: str = ""
    record: FoundRecord | None = None
    day: date | None = None

    @property
    def title(self) -> str:
        """What is to be done, without the day: “Call Ana”."""
        text = _REMIND.sub("", _ON.sub("", self.words)).strip(" .!")
        return text[:1].upper() + text[1:]


def day_in(words: str, today: date) -> date | None:
    """The day that is named: the next such weekday after today, or the date itself."""
    found = _ON.search(words)
    if found is None:
        return None
    name = found["day"].casefold()
    if name in _WEEKDAYS:
        ahead = (_WEEKDAYS.index(name) - today.weekday() - 1) % 7 + 1
        return today + timedelta(days=ahead)
    ahead_by_word = {"today": 0, "tomorrow": 1, "next week": 7}
    if name in ahead_by_word:
        return today + timedelta(days=ahead_by_word[name])
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def fill(schema: JsonObject, wish: Wish) -> JsonObject:
    """The arguments: every required one, and of the others those that something is known for."""
    return _object(schema, wish, schema)


def _object(schema: Mapping[str, JsonValue], wish: Wish, root: JsonObject) -> JsonObject:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return {}
    needed = set(required) if isinstance(required, list) else set()
    filled: JsonObject = {}
    for name, part in properties.items():
        options = _resolved(part, root)
        value = _value(name, options, wish, root)
        if value is None and name in needed:
            filled[name] = _needed(options, wish)
        elif value is not None:
            filled[name] = value
    return filled


def _value(name: str, options: Sequence[JsonObject], wish: Wish, root: JsonObject) -> JsonValue:
    """What is known for an argument; None where nothing is."""
    for schema in options:
        value = _known(name.casefold(), schema, wish)
        if value is not None:
            return value
        if schema.get("type") == "object":
            return _object(schema, wish, root)
    return None


def _needed(options: Sequence[JsonObject], wish: Wish) -> JsonValue:
    """What a required argument gets of which nothing is known: null where that will do."""
    if not options or any(schema.get("type") == "null" for schema in options):
        return None
    schema = options[0]
    kind = schema.get("type")
    if kind in {"integer", "number"}:
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        return int(least) + 1 if isinstance(least, int | float) else 1
    empty: JsonObject = {"boolean": False, "array": [], "string": wish.words, "object": {}}
    return empty.get(str(kind))


def _known(name: str, schema: JsonObject, wish: Wish) -> JsonValue:
    choices, kind = schema.get("enum"), schema.get("type")
    record = wish.record
    if isinstance(choices, list):
        return _choice(name, choices, wish)
    if kind in {"integer", "string"} and (match := _ID.fullmatch(name)):
        is_its = record is not None and _is_of(match["of"] or "", record.kind)
        if record is None or not is_its:
            return None
        return record.id if kind == "integer" else str(record.id)
    if kind != "string":
        return None
    if _KIND.fullmatch(name):
        return record.kind if record else None
    if schema.get("format") in {"date", "date-time"} or _DAY.fullmatch(name):
        return _day(schema, wish.day)
    if _TITLE.fullmatch(name):
        return wish.title
    if _SEARCHED.fullmatch(name) and wish.searched:
        return wish.searched
    return wish.words if _REASON.fullmatch(name) else None


def _is_of(what: str, kind: str) -> bool:
    """Whether an id of such a name may be that of a record of this kind."""
    return what not in _OF_OTHERS and what not in _KINDS - {kind, _SAME_KIND.get(kind, kind)}


def _choice(name: str, choices: Sequence[JsonValue], wish: Wish) -> JsonValue:
    """One of the values that are allowed."""
    if _KIND.fullmatch(name) and wish.record is not None:
        kind = wish.record.kind
        for one in (kind, _SAME_KIND.get(kind)):
            if one in choices:
                return one
    fitting = (one for one in choices if isinstance(one, str) and _FOLLOW_UP.search(one))
    return next(fitting, choices[0] if choices else None)


def _day(schema: JsonObject, day: date | None) -> str | None:
    if day is None:
        return None
    return f"{day}T09:00:00Z" if schema.get("format") == "date-time" else day.isoformat()


def _resolved(part: JsonValue, root: JsonObject) -> list[JsonObject]:
    """The alternatives of a schema, references followed, each of one type."""
    if not isinstance(part, dict):
        return []
    reference = part.get("$ref")
    if isinstance(reference, str):
        target: JsonValue = root
        for step in reference.removeprefix("#/").split("/"):
            target = target.get(step) if isinstance(target, dict) else None
        return _resolved(target, root)
    for word in ("anyOf", "oneOf"):
        alternatives = part.get(word)
        if isinstance(alternatives, list):
            return [one for option in alternatives for one in _resolved(option, root)]
    kinds = part.get("type")
    if isinstance(kinds, list):
        return [{**part, "type": kind} for kind in kinds]
    return [part]
