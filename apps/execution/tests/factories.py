"""Approved changes as the review makes them: what was seen is read just before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.audit.schemas import Actor
from apps.execution.reading import read_seen
from apps.execution.schemas import ApprovedChange, JsonValue, Seen
from apps.execution.tools import registry
from apps.users.models import User

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def approved(
    tool_key: str,
    arguments: dict[str, JsonValue],
    by: User,
    *,
    seen: Seen | None = None,
    **changes: Any,
) -> ApprovedChange:
    """A change that this person has approved, seen as the records stand now."""
    tool = registry.get(tool_key)
    typed = tool.parse(arguments)
    values: dict[str, Any] = {
        "tool": tool_key,
        "arguments": arguments,
        "record": tool.subject(typed),
        "seen": seen if seen is not None else read_seen(tool, typed),
        "approved_by": by,
        "approved_at": NOW,
        "actor": Actor.for_person(by),
        "idempotency_key": "test:1",
        "suggestion_id": None,
        **changes,
    }
    return ApprovedChange(**values)
