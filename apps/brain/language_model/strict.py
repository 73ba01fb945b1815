"""The tools' own schemas in the strict form that structured outputs ask for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel

from apps.execution.descriptions import schema_of
from apps.execution.tools import registry

# What strict structured outputs do not know (lengths, defaults), and what only our forms read. The reply
# is held against the tool's whole schema afterwards.
_DROPPED = frozenset({"default", "minLength", "maxLength", "title"})
# Of formats only those that OpenAI's guide "Structured model outputs" lists are taken.
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
# Numbers that mean nothing to a model and cost tokens in each request.
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


@cache
def proposal_schema(tools: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of a proposal that uses one of these tools.

    What is said comes before what is done: the claims are written first, and the change follows from them.
    """
    return _object(
        {
            "claims": {"type": "array", "items": _claim()},
            "reason": {"type": "string"},
            "title": {"type": "string"},
            "change": {"anyOf": _changes(tools)},
        }
    )


@cache
def wish_schema(tools: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of what a wish comes to: changes that use these tools, or a question back."""
    change = _object({"reason": {"type": "string"}, "change": {"anyOf": _changes(tools)}})
    return _object(
        {
            "changes": {"type": "array", "items": change},
            "ask_back": {"anyOf": [_claim(), {"type": "null"}]},
        }
    )


@cache
def answer_schema() -> dict[str, Any]:
    """Return the schema of the answer to a question: sentences, each with the facts that bear it out."""
    return _object({"sentences": {"type": "array", "items": _claim()}})


def want_schema(choices: Iterable[str], pages: Iterable[str]) -> dict[str, Any]:
    """Return the schema of what a message wants: one of the choices, and perhaps a page or a name."""
    page: dict[str, Any] = {"type": "string", "enum": [*pages]}
    return _object(
        {
            "wants": {"type": "string", "enum": [*choices]},
            "page": _nullable(page) if page["enum"] else {"type": "null"},
            "name": _nullable({"type": "string"}),
        }
    )


def function_of(key: str, description: str, arguments: type[BaseModel]) -> dict[str, Any]:
    """Return a function that a model may call, as the Responses API has it."""
    return {
        "type": "function",
        "name": key,
        "description": description,
        "parameters": _strict(arguments.model_json_schema()),
        "strict": True,
    }


@cache
def arguments_schema(tool: str) -> dict[str, Any]:
    """Return the schema of a tool's arguments; null stands for an optional one that is not given."""
    return _strict(schema_of(registry.get(tool)))


def _claim() -> dict[str, Any]:
    """A sentence with the numbers of the facts that bear it out."""
    return _object(
        {
            "text": {"type": "string"},
            "facts": {"type": "array", "items": {"type": "integer"}},
        }
    )


def _changes(tools: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        _object({"tool": {"type": "string", "enum": [key]}, "arguments": arguments_schema(key)})
        for key in tools
    ]


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    return _object(
        {
            name: _plain(rule) if name in required else _nullable(_plain(rule))
            for name, rule in schema.get("properties", {}).items()
        }
    )


def _plain(rule: dict[str, Any]) -> dict[str, Any]:
    if isinstance(rule.get("additionalProperties"), dict):
        # Keys that a strict schema cannot name beforehand.
        pair = {"key": {"type": "string"}, "value": _plain(rule["additionalProperties"])}
        words = {"description": rule["description"]} if "description" in rule else {}
        return {"type": "array", "items": _object(pair), **words}
    kept: dict[str, Any] = {}
    for word, value in rule.items():
        if word in _DROPPED or word in _BOUNDS or word.startswith("x-"):
            continue
        if word == "format" and value not in _FORMATS:
            continue
        kept[word] = [_plain(branch) for branch in value] if word == "anyOf" else value
    return kept


def _nullable(rule: dict[str, Any]) -> dict[str, Any]:
    branches = rule.get("anyOf")
    if branches is None:
        words = {word: value for word, value in rule.items() if word != "description"}
        description = {"description": rule["description"]} if "description" in rule else {}
        return {"anyOf": [words, {"type": "null"}], **description}
    if any(branch.get("type") == "null" for branch in branches):
        return rule
    return {**rule, "anyOf": [*branches, {"type": "null"}]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
