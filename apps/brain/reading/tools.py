"""Read tools: what may be looked up for an answer, each a name, typed arguments and a function.

An app that stands below this one gives its own with ``register_read_tool``. A tool changes nothing: it runs
as the role ``aisha_ai``, and finds no more than the person who asks may see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from apps.brain.schemas import Fact
from apps.crm.models import Record
from apps.crm.services import permission_name
from apps.execution.schemas import JsonValue, RecordRef
from apps.users.models import User


class ReadArguments(BaseModel):
    """The base of all tools' arguments: no other field is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ArgumentsT = TypeVar("ArgumentsT", bound=ReadArguments)


@dataclass(frozen=True, slots=True)
class ReadTool(Generic[ArgumentsT]):
    """One thing that may be looked up.

    ``read`` is given who asks, the arguments and the day in the tenant's zone, and returns facts without
    numbers (``found``).
    """

    key: str
    description: str
    arguments: type[ArgumentsT]
    read: Callable[[User, ArgumentsT, date], Sequence[Fact]]


class ReadRefusedError(Exception):
    """What is wanted is not there for this person, or not at all; ``code`` says which, for programs."""

    def __init__(self, code: str, record: RecordRef | None = None) -> None:
        self.code = code
        self.record = record
        super().__init__(code)


_TOOLS: dict[str, ReadTool[Any]] = {}


def register_read_tool(tool: ReadTool[Any]) -> None:
    """Let a tool be used for answers.

    Raises:
        ValueError: there is one of this name.
    """
    if tool.key in _TOOLS:
        raise ValueError(f"There is a read tool {tool.key!r} already.")
    _TOOLS[tool.key] = tool


def read_tools() -> tuple[ReadTool[Any], ...]:
    """All tools, in the order of their names."""
    return tuple(_TOOLS[key] for key in sorted(_TOOLS))


def read_tool(key: str) -> ReadTool[Any]:
    """Return a tool by its name.

    Raises:
        ReadRefusedError: there is none.
    """
    try:
        return _TOOLS[key]
    except KeyError:
        raise ReadRefusedError("unknown_tool") from None


def found(
    key: str,
    label: str,
    text: str,
    *,
    value: JsonValue = None,
    occurred_at: datetime | None = None,
    record: RecordRef | None = None,
) -> Fact:
    """A fact that was read; its number is given when it is told."""
    return Fact(0, key, label, text, value, occurred_at, record)


def may_view(asker: User, model: type[Record]) -> bool:
    """Whether the person's role includes seeing such records."""
    return asker.has_perm(permission_name("view", model))


def check_may_view(asker: User, model: type[Record]) -> None:
    """Refuse a person whose role does not include seeing such records.

    Raises:
        ReadRefusedError: it does not.
    """
    if not may_view(asker, model):
        raise ReadRefusedError("not_permitted")
