"""A follow-up as a proposal: the form that most goals are served in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apps.brain.rules.findings import Statement
from apps.brain.rules.wording import claims_from, shortened, shown
from apps.brain.schemas import Claim, Fact, Proposal, ThinkTask
from apps.execution.schemas import JsonValue, RecordRef

# Of several findings a reason tells so many: the strongest and one more.
TOLD = 2


def followup(
    task: ThinkTask,
    statements: Sequence[Statement],
    *,
    title: str,
    task_title: str,
    advice: str,
    also: Iterable[tuple[str, Fact | None]] = (),
    priority: int = 2,
    about: RecordRef | None = None,
) -> Proposal | None:
    """Propose a task for the next working day; None when no finding speaks for it.

    The reason is what the strongest findings say, then the advice; ``also`` is further evidence.
    """
    if not statements:
        return None
    about = about or task.record
    arguments: dict[str, JsonValue] = {
        "subject_kind": task.record.kind.value,
        "subject_id": task.record.id,
        "about_kind": about.kind.value,
        "about_id": about.id,
        "title": shortened(task_title, 200),
        "due_on": task.next_working_day.isoformat(),
        "priority": priority,
        "owner_id": task.doer_id,
    }
    description = _last_message(task)
    if description:
        arguments["description"] = description
    told = list(dict.fromkeys(shortened(one.text, 200) for one in statements))[:TOLD]
    return Proposal(
        tool="create_followup",
        arguments=arguments,
        title=shortened(title, 200),
        reason=shortened(" ".join([*(f"{text}." for text in told), advice]), 500),
        claims=(*_claims(statements), *claims_from(also)),
    )


def _claims(statements: Iterable[Statement]) -> Iterable[Claim]:
    for one in statements:
        yield Claim(shortened(one.text, 300), tuple(fact.number for fact in one.facts))


def _last_message(task: ThinkTask) -> str:
    """A reminder of where things were left, quoted as it stands in the record."""
    last = task.fact("last_activity_subject") or task.fact("talk") or task.fact("message")
    return f"Last: {shortened(last.text, 300)}" if last else ""


def quiet(task: ThinkTask) -> tuple[str, tuple[Fact | None, ...]]:
    """That nobody has been in touch and, when it is so, that nothing is planned; with the facts for it."""
    contact = task.fact("last_activity") or task.fact("created_at")
    last = task.fact("last_activity")
    since = f" since {contact.text}" if contact else ""
    text = f"No contact{since}" if last else f"Nobody has been in touch{since}"
    if task.value("open_tasks") == 0:
        return f"{text} and nothing is planned", (contact, task.fact("open_tasks"))
    return text, (contact,)


def at_stake(task: ThinkTask) -> tuple[str, Fact | None]:
    """What the record is worth, as evidence."""
    return f"At stake: {shown(task, 'value')}", task.fact("value")


def not_to_be_contacted(task: ThinkTask) -> tuple[str, Fact | None]:
    """That the person in it does not want to be contacted, as evidence for whoever decides."""
    wish = task.fact("not_to_be_contacted")
    return f"{shortened(wish.text, 120)} does not want to be contacted" if wish else "", wish
