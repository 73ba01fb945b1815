"""The functions that a session may call: to read, and to propose. There are no others."""

from __future__ import annotations

from functools import cache
from typing import Any

from apps.brain.language_model.strict import function_of
from apps.brain.reading.tools import read_tool, read_tools
from apps.execution.tools import registry as tools
from apps.suggestions.services import ASKABLE, askable_tools, schema_of
from apps.users.models import User

PROPOSES = "propose_"

_REASON = {
    "type": "string",
    "description": "Why, in one sentence, from what was said and looked up.",
}
_WORDS = {
    "type": "string",
    "description": "What your colleague said that asks for this, word for word.",
}


def functions_for(user: User) -> list[dict[str, Any]]:
    """What this person's session is given, as the provider's API takes it."""
    reads = [_reading(tool.key) for tool in read_tools()]
    return [*reads, *(_proposing(tool.key) for tool in askable_tools(user))]


def function_names() -> frozenset[str]:
    """The names of all functions that any session may be given."""
    return frozenset(
        [*(tool.key for tool in read_tools()), *(f"{PROPOSES}{key}" for key in ASKABLE)]
    )


# Schemas are made of the tools' types, which do not change while a process runs.
@cache
def _reading(key: str) -> dict[str, Any]:
    """A function that looks something up.

    The realtime API knows no strict mode; what comes back is held against the schema here.
    """
    tool = read_tool(key)
    function = function_of(tool.key, tool.description, tool.arguments)
    return {name: value for name, value in function.items() if name != "strict"}


@cache
def _proposing(key: str) -> dict[str, Any]:
    """A function that makes a suggestion with a tool: its arguments, why, and who said so."""
    tool = tools.get(key)
    return {
        "type": "function",
        "name": f"{PROPOSES}{tool.key}",
        "description": f"Proposes, for your colleague to approve: {tool.label}.",
        "parameters": {
            "type": "object",
            "properties": {"arguments": schema_of(tool), "reason": _REASON, "words": _WORDS},
            "required": ["arguments", "reason", "words"],
            "additionalProperties": False,
        },
    }
