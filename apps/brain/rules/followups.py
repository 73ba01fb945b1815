"""Proposals that plan a next step: for a silent lead, a stalled deal, a talk without consequences."""

from __future__ import annotations

from apps.brain.rules.wording import (
    claims_from,
    day_text,
    last_contact_phrase,
    next_working_day,
    shortened,
)
from apps.brain.schemas import Fact, Proposal, ThinkTask
from apps.execution.schemas import JsonValue


def revive_lead(task: ThinkTask) -> Proposal | None:
    """A lead has gone quiet: call when there is a number, else write."""
    has_phone = bool(task.text("phone"))
    verb, means = ("Call", "a call") if has_phone else ("Write to", "a short mail")
    name = shortened(task.record_label, 120)
    silence = last_contact_phrase(task)
    return _followup(
        task,
        title=f"{verb} {name}{_of_company(task)}",
        reason=f"{_capital(silence)} and nothing is planned. Try {means} while the lead is still warm.",
        task_title=f"{verb} {name}",
        description=_last_message(task),
        claims=(
            (f"{_capital(silence)}", task.fact("last_activity") or task.fact("created_at")),
            (f"The lead is still open: {_lower(task, 'status')}", task.fact("status")),
            ("No open task is planned", task.fact("open_tasks")),
            (f"Worth about {_shown(task, 'value')}", task.fact("value")),
        ),
    )


def move_deal(task: ThinkTask) -> Proposal | None:
    """A deal stands still: ask the other side for the next step."""
    name = shortened(task.record_label, 120)
    entered = task.fact("stage_entered_at")
    stage = task.fact("stage")
    silence = last_contact_phrase(task)
    since = f"{stage.text if stage else 'This stage'} since {entered.text if entered else 'long'}"
    return _followup(
        task,
        title=f"Follow up on {name}",
        reason=f"In {since}, {silence}, and nothing is planned. Agree on a next step or close it.",
        task_title=f"Agree on the next step: {name}",
        description=_last_message(task),
        priority=3,
        claims=(
            (f"In {since}", entered),
            (_capital(silence), task.fact("last_activity") or task.fact("created_at")),
            ("No open task is planned", task.fact("open_tasks")),
            (f"At stake: {_shown(task, 'value')}", task.fact("value")),
            (
                f"Expected to close on {_shown(task, 'expected_close_on')}",
                task.fact("expected_close_on"),
            ),
        ),
    )


def plan_next_step(task: ThinkTask) -> Proposal | None:
    """A meeting or call had no consequence: plan one."""
    about = task.fact("about")
    talk = task.fact("talk")
    if about is None or about.record is None or talk is None:
        return None
    kind = task.text("activity_kind") or "talk"
    name = shortened(about.text, 110)
    return _followup(
        task,
        title=f"Plan a next step after the {kind}: {name}",
        reason=f"The {kind} on {day_text(talk.value)} is the last thing that happened, "
        "and nothing is planned after it.",
        task_title=f"Follow up on the {kind} with {name}",
        description=_last_message(task),
        about=(about.record.kind.value, about.record.id),
        claims=(
            (f"{_capital(kind)} on {day_text(talk.value)}: {shortened(talk.text, 120)}", talk),
            ("Nothing has happened since", talk),
            ("No open task is planned", task.fact("open_tasks")),
            (f"At stake: {_shown(task, 'value')}", task.fact("value")),
        ),
    )


def _followup(
    task: ThinkTask,
    *,
    title: str,
    reason: str,
    task_title: str,
    description: str,
    claims: tuple[tuple[str, Fact | None], ...],
    priority: int = 2,
    about: tuple[str, int] | None = None,
) -> Proposal:
    about_kind, about_id = about or (task.record.kind.value, task.record.id)
    arguments: dict[str, JsonValue] = {
        "subject_kind": task.record.kind.value,
        "subject_id": task.record.id,
        "about_kind": about_kind,
        "about_id": about_id,
        "title": shortened(task_title, 200),
        "due_on": next_working_day(task.today).isoformat(),
        "priority": priority,
        "owner_id": task.assignee_id,
    }
    if description:
        arguments["description"] = description
    return Proposal(
        tool="create_followup",
        arguments=arguments,
        title=shortened(title, 200),
        reason=shortened(reason, 500),
        claims=claims_from(claims),
    )


def _of_company(task: ThinkTask) -> str:
    """The lead's company, unless the lead is known by it."""
    company = task.fact("company")
    if company is None or company.text == task.record_label:
        return ""
    return f" of {shortened(company.text, 60)}"


def _last_message(task: ThinkTask) -> str:
    """A reminder of where things were left, quoted as it stands in the record."""
    last = task.fact("last_activity_subject") or task.fact("talk")
    return f"Last: {shortened(last.text, 300)}" if last else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(task: ThinkTask, key: str) -> str:
    fact = task.fact(key)
    return fact.text.lower() if fact else ""


def _shown(task: ThinkTask, key: str) -> str:
    fact = task.fact(key)
    return fact.text if fact else ""
