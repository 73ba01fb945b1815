"""What functions found: the records and the sentences in an output, whatever its shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

MOST_SENTENCES = 6
MOST_CHARACTERS = 600
_NAMES = ("name", "title", "label", "text")
# The text of a fact says more about its record than its label, which says what sort of fact it is.
_NAMES_ABOVE = ("text", "name", "title", "label")
_SENTENCES = ("message", "detail", "summary", "sentence", "answer")


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record that an output names."""

    kind: str
    id: int
    name: str


def parse_output(output: str) -> JsonValue:
    """An output as JSON; one that is none is a text."""
    try:
        parsed: JsonValue = json.loads(output)
    except ValueError:
        return output
    return parsed


def records_in(value: JsonValue, above: str = "") -> Iterator[FoundRecord]:
    """Every object with a kind and an id, in order, each named by itself or by what holds it."""
    if isinstance(value, list):
        for one in value:
            yield from records_in(one, above)
    if not isinstance(value, dict):
        return
    kind, number = value.get("kind"), value.get("id")
    if isinstance(kind, str) and isinstance(number, int):
        yield FoundRecord(kind, number, _first_text(value, _NAMES) or above)
    name = _first_text(value, _NAMES_ABOVE)
    for one in value.values():
        yield from records_in(one, name)


def sentences_in(value: JsonValue) -> list[str]:
    """What an output says: its facts, its message, or its plain values by their names."""
    if isinstance(value, dict):
        facts = value.get("facts")
        if isinstance(facts, list):
            return _cut([_fact(fact) for fact in facts if isinstance(fact, dict)])
        error = value.get("error")
        if isinstance(error, dict):
            return sentences_in(error)
        if said := _first_text(value, _SENTENCES):
            return _cut([said])
    return _cut(list(_plain(value)))


def _first_text(value: dict[str, JsonValue], names: tuple[str, ...]) -> str:
    texts = (value.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text), "")


def _fact(fact: dict[str, JsonValue]) -> str:
    return f"{fact.get('label', '')}: {fact.get('text', '')}"


def _plain(value: JsonValue, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _plain(one, key.replace("_", " "))
    elif isinstance(value, list):
        for one in value:
            yield from _plain(one, name)
    elif value is not None and not isinstance(value, bool):
        yield f"{name}: {value}" if name else str(value)


def _cut(sentences: list[str]) -> list[str]:
    """The first of them, and not more than somebody listens to."""
    kept: list[str] = []
    room = MOST_CHARACTERS
    for sentence in sentences[:MOST_SENTENCES]:
        text = sentence[:room].strip().rstrip(".")
        if text:
            kept.append(f"{text}.")
        room -= len(text)
    return kept
