"""Questions to the Brain, with facts by key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.brain.enums import Goal
from apps.brain.schemas import Fact, ThinkTask
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef

PIPELINE = Actor(None, "pipeline", Origin.TRIGGER, "request-1")
NOW = datetime(2026, 3, 6, 9, tzinfo=UTC)

# A Friday, and the Monday after it.
FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)


def fact(key: str, text: str, value: Any = None, *, record: RecordRef | None = None) -> Fact:
    """A fact whose number is set when the task is made."""
    return Fact(0, key, key.replace("_", " ").capitalize(), text, value, None, record)


def finding(
    trigger: str, label: str = "", *, went_by: dict[str, int] | None = None, **saw: Any
) -> Fact:
    """What a trigger noticed, with the moments, days and numbers that it saw."""
    value = {"trigger": trigger, "saw": saw, "went_by": went_by or {}}
    return fact("finding", label or trigger, value)


def question(
    goal: Goal,
    *facts: Fact,
    kind: RecordKind = RecordKind.LEAD,
    label: str = "Ana Lopez",
    today: date = FRIDAY,
    next_working_day: date = MONDAY,
    doer_id: int | None = 7,
) -> ThinkTask:
    """A task about record 3 with numbered facts."""
    numbered = tuple(
        Fact(n, f.key, f.label, f.text, f.value, f.occurred_at, f.record)
        for n, f in enumerate(facts, start=1)
    )
    return ThinkTask(
        RecordRef(kind, 3), label, goal, numbered, (), today, next_working_day, doer_id
    )
