"""Proposals that settle overdue tasks."""

from __future__ import annotations

from apps.brain.rules.wording import claims_from, day_text, next_working_day, shortened
from apps.brain.schemas import Proposal, ThinkTask
from apps.execution.schemas import JsonValue


def clear_task(task: ThinkTask) -> Proposal | None:
    """Move an overdue task to the next working day, or cancel it when its deal or lead is closed."""
    due = task.fact("due_on")
    if due is None:
        return None
    name = shortened(task.record_label, 120)
    closed = task.fact("subject_closed")
    arguments: dict[str, JsonValue] = {"task_id": task.record.id}
    if closed is not None:
        arguments["status"] = "cancelled"
        return Proposal(
            tool="update_task",
            arguments=arguments,
            title=shortened(f"Cancel “{name}”: {closed.text}", 200),
            reason=shortened(
                f"It was due on {day_text(due.value)}, and {closed.text}, so it is probably settled.",
                500,
            ),
            claims=claims_from(
                (
                    (f"Due on {day_text(due.value)} and still open", due),
                    (closed.text[:1].upper() + closed.text[1:], closed),
                )
            ),
        )
    new_day = next_working_day(task.today)
    arguments["due_on"] = new_day.isoformat()
    about = task.fact("about")
    where = f" for {shortened(about.text, 80)}" if about else ""
    return Proposal(
        tool="update_task",
        arguments=arguments,
        title=shortened(f"Move “{name}” to {day_text(new_day.isoformat())}", 200),
        reason=shortened(
            f"It was due on {day_text(due.value)} and is still open{where}. "
            "A day that can be kept is better than one that has passed.",
            500,
        ),
        claims=claims_from(
            (
                (f"Due on {day_text(due.value)} and still open", due),
                (f"It is about {shortened(about.text, 120)}" if about else "", about),
                (f"At stake: {_text(task, 'value')}", task.fact("value")),
            )
        ),
    )


def _text(task: ThinkTask, key: str) -> str:
    fact = task.fact(key)
    return fact.text if fact else ""
