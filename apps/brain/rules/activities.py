"""Proposals that follow from a talk or a message: a next step, an answer."""

from __future__ import annotations

from collections.abc import Mapping

from apps.brain.rules.findings import Finding, Phrase, Statement, statements_of
from apps.brain.rules.followups import at_stake, followup, not_to_be_contacted
from apps.brain.rules.wording import capital, day_text, shortened
from apps.brain.schemas import Proposal, ThinkTask


def plan_next_step(task: ThinkTask) -> Proposal | None:
    """A meeting or call had no consequence: plan one."""
    about, talk = task.fact("about"), task.fact("talk")
    if about is None or about.record is None or talk is None:
        return None
    kind = task.text("activity_kind") or "talk"
    name = shortened(about.text, 110)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Plan a next step after the {kind}: {name}",
        task_title=f"Follow up on the {kind} with {name}",
        advice="Settle who does what next, and by when.",
        about=about.record,
        also=(
            (f"{capital(kind)} on {day_text(talk.value)}: {shortened(talk.text, 120)}", talk),
            not_to_be_contacted(task),
            at_stake(task),
        ),
    )


def answer_message(task: ThinkTask) -> Proposal | None:
    """Somebody wrote or called and waits for an answer."""
    about, message = task.fact("about"), task.fact("message")
    if about is None or about.record is None or message is None:
        return None
    sender = _sender(task)
    is_call = task.text("activity_kind") == "call"
    verb = f"Call {sender} back" if is_call else f"Answer {sender}"
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"{verb}: {shortened(message.text, 100)}",
        task_title=f"{verb}: {shortened(message.text, 100)}",
        advice="A short word now is better than a long one late.",
        priority=3,
        about=about.record,
        also=(
            (f"It is about {shortened(about.text, 120)}", about),
            not_to_be_contacted(task),
            at_stake(task),
        ),
    )


def _no_next_step(finding: Finding) -> Statement:
    talk = finding.task.fact("talk")
    kind = finding.task.text("activity_kind") or "talk"
    when = f" on {day_text(talk.value)}" if talk else ""
    return finding.says(
        f"The {kind}{when} is the last thing that happened, and nothing is planned after it",
        talk,
        finding.task.fact("open_tasks"),
    )


def _promise(finding: Finding) -> Statement:
    promised = finding.day("promised_on")
    until = f" until {promised}" if promised else ""
    return finding.says(
        f"Something was promised{until}, and nothing has happened since",
        finding.task.fact("talk"),
        finding.fact,
    )


def _unanswered(finding: Finding) -> Statement:
    return finding.says(f"{_came_in(finding)} and has had no answer", finding.task.fact("message"))


def _after_silence(finding: Finding) -> Statement:
    former = finding.day("former_activity_at")
    since = f", the first contact since {former}" if former else ""
    return finding.says(f"{_came_in(finding)}{since}", finding.task.fact("message"), finding.fact)


def _came_in(finding: Finding) -> str:
    message = finding.task.fact("message")
    verb = "called" if finding.task.text("activity_kind") == "call" else "wrote"
    when = f" on {day_text(message.value)}" if message else ""
    return f"{_sender(finding.task)} {verb}{when}"


def _sender(task: ThinkTask) -> str:
    about = task.fact("about")
    return shortened(task.text("sender_name") or (about.text if about else "them"), 80)


PHRASES: Mapping[str, Phrase] = {
    "followup_missing": _no_next_step,
    "promise_due": _promise,
    "email_unanswered": _unanswered,
    "new_activity": _after_silence,
}
