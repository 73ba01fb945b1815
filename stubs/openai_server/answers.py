"""The parts of an answer, to look at and to change."""

from __future__ import annotations

from pydantic import JsonValue

JsonObject = dict[str, JsonValue]


def change_of(answer: JsonObject) -> JsonObject:
    """The change that is proposed, empty when there is none."""
    change = answer.get("change")
    return change if isinstance(change, dict) else {}


def arguments_of(answer: JsonObject) -> JsonObject:
    """The arguments of the change."""
    arguments = change_of(answer).get("arguments")
    return arguments if isinstance(arguments, dict) else {}


def claims_of(answer: JsonObject) -> list[JsonObject]:
    """The claims."""
    claims = answer.get("claims")
    if not isinstance(claims, list):
        return []
    return [claim for claim in claims if isinstance(claim, dict)]


def with_arguments(answer: JsonObject, arguments: JsonObject) -> JsonObject:
    """The answer with some arguments set."""
    change: JsonObject = {
        **change_of(answer),
        "arguments": {**arguments_of(answer), **arguments},
    }
    return {**answer, "change": change}
