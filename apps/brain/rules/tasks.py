"""Proposals that settle overdue tasks."""

from __future__ import annotations

from collections.abc import Mapping

from apps.brain.rules.findings import Finding, Phrase, Statement, statements_of
from apps.brain.rules.followups import at_stake
from apps.brain.rules.wording import (
    capital,
    claims_from,
    counted,
    day_text,
    shortened,
)
from apps.brain.schemas import Claim, Proposal, ThinkTask
from apps.execution.schemas import JsonValue


def clear_task(task: ThinkTask) -> Proposal | None:
    """Move an overdue task to the next working day, or cancel it when its deal or lead is closed."""
    due = task.fact("due_on")
    if due is None or str(due.value) >= task.today.isoformat():
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
                    (capital(closed.text), closed),
                )
            ),
        )
    new_day = task.next_working_day
    arguments["due_on"] = new_day.isoformat()
    about = task.fact("about")
    where = f" for {shortened(about.text, 80)}" if about else ""
    piled = [one for one in statements_of(task, PHRASES) if one.facts[0] is not due]
    return Proposal(
        tool="update_task",
        arguments=arguments,
        title=shortened(f"Move “{name}” to {day_text(new_day.isoformat())}", 200),
        reason=shortened(
            " ".join(
                [
                    f"It was due on {day_text(due.value)} and is still open{where}.",
                    *(f"{one.text}." for one in piled),
                    "A day that can be kept is better than one that has passed.",
                ]
            ),
            500,
        ),
        claims=(
            *claims_from(
                (
                    (f"Due on {day_text(due.value)} and still open", due),
                    (f"It is about {shortened(about.text, 120)}" if about else "", about),
                    at_stake(task),
                )
            ),
            *(Claim(one.text, tuple(fact.number for fact in one.facts)) for one in piled),
        ),
    )


def _overdue(finding: Finding) -> Statement:
    due = finding.task.fact("due_on")
    return finding.says("It is overdue", due)


def _piling_up(finding: Finding) -> Statement:
    count = finding.number("overdue_count")
    what = f"{counted(count, 'task')} of the same person are overdue" if count else ""
    return finding.says(what or "Overdue tasks are piling up with the same person")


PHRASES: Mapping[str, Phrase] = {
    "task_overdue": _overdue,
    "tasks_piling_up": _piling_up,
}
