"""Between context and prompt: what reads like instructions to an AI is marked, and told on record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from apps.audit.enums import Event
from apps.audit.services import Entry
from apps.brain.hostile import reads_like_orders
from apps.brain.schemas import LABEL, ThinkTask, Withheld

# What the product writes itself: moments, days, numbers and choices.
_OWN_KEYS = frozenset(
    {
        "activity_kind", "created_at", "due_on", "expected_close_on", "finding", "last_activity",
        "last_activity_kind", "open_tasks", "priority", "renews_on", "stage_entered_at", "status",
        "subject_closed", "value",
    }
)  # fmt: skip


def quarantined(task: ThinkTask) -> ThinkTask:
    """Return the task with the texts marked that no language model is to be shown."""
    texts = dict(_texts(task))
    codes = {number: code for number, text in texts.items() if (code := reads_like_orders(text))}
    if not codes:
        return task
    # A label may be made of a fact: “Message from” somebody.
    found = list(codes.items())
    for number, text in texts.items():
        for known, code in found:
            if texts[known] in text:
                codes.setdefault(number, code)
    return replace(
        task, withheld=tuple(Withheld(number, codes[number]) for number in sorted(codes))
    )


def codes_of(withheld: Sequence[Withheld]) -> list[str]:
    """What was found, each code once, as it is stored."""
    return sorted({item.code for item in withheld})


def found_entry(task: ThinkTask, suggestion_id: int | None = None) -> Entry:
    """What goes on record: where it stands and what makes it read so, never the text."""
    return Entry(
        Event.HOSTILE_TEXT_FOUND,
        record_kind=task.record.kind,
        record_id=task.record.id,
        suggestion_id=suggestion_id,
        details={
            "goal": task.goal,
            "codes": [*codes_of(task.withheld)],
            "places": [
                "name" if item.number == LABEL else f"F{item.number}" for item in task.withheld
            ],
        },
    )


def _texts(task: ThinkTask) -> Iterator[tuple[int, str]]:
    yield LABEL, task.record_label
    for fact in task.facts:
        if fact.key not in _OWN_KEYS:
            yield fact.number, fact.text
