"""Proposals that take a lead further: meet it, revive it, act on its interest."""

from __future__ import annotations

from collections.abc import Mapping

from apps.brain.rules.findings import Finding, Phrase, Statement, statements_of
from apps.brain.rules.followups import followup, quiet
from apps.brain.rules.wording import capital, shortened, shown
from apps.brain.schemas import Fact, Proposal, ThinkTask


def meet_lead(task: ThinkTask) -> Proposal | None:
    """Somebody has just become a lead: introduce oneself."""
    name = shortened(task.record_label, 120)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Introduce yourself to {name}{_of_company(task)}",
        task_title=f"Introduce yourself to {name}",
        advice="Get in touch while an answer is still expected.",
        priority=3,
        also=_worth(task),
    )


def revive_lead(task: ThinkTask) -> Proposal | None:
    """A lead has gone quiet: call when there is a number, else write."""
    name = shortened(task.record_label, 120)
    verb = _verb(task)
    means = "a call" if verb == "Call" else "a short mail"
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"{verb} {name}{_of_company(task)}",
        task_title=f"{verb} {name}",
        advice=f"Try {means} while the lead is still warm.",
        also=_worth(task),
    )


def act_on_lead(task: ThinkTask) -> Proposal | None:
    """A lead shows interest: get hold of it now."""
    name = shortened(task.record_label, 120)
    verb = _verb(task)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"{verb} {name}{_of_company(task)} while the interest is there",
        task_title=f"{verb} {name}",
        advice="Ask for a meeting, or for what they need to decide.",
        priority=3,
        also=_worth(task),
    )


def _new(finding: Finding) -> Statement:
    task = finding.task
    created, source = task.fact("created_at"), task.fact("lead_source")
    by = f" ({shortened(source.text, 60)})" if source else ""
    came = f"Came in on {created.text}{by}" if created else finding.fact.text
    if task.fact("last_activity") is None:
        came += ", and nobody has been in touch"
    return finding.says(came, created, source)


def _inactive(finding: Finding) -> Statement:
    text, facts = quiet(finding.task)
    return finding.says(text, *facts)


def _score_drop(finding: Finding) -> Statement:
    former, present = finding.percent("former_score_0_1"), finding.percent("score_0_1")
    if not former or not present:
        return finding.says("The chance that this lead converts has fallen")
    return finding.says(f"The chance that this lead converts fell from {former} to {present}")


def _hot(finding: Finding) -> Statement:
    return finding.says(interest(finding) or "This lead shows interest")


def interest(finding: Finding) -> str:
    """What shows interest: messages and calls of the other side, their question, their score; else empty."""
    count, share = finding.number("inbound_count"), finding.percent("score_0_1")
    former = finding.percent("former_score_0_1")
    begin = finding.since("window_days")
    since = f" since {begin}" if begin else ""
    parts = []
    if count:
        # It was counted how many, not which.
        what = "message or call" if count == 1 else "messages and calls"
        parts.append(f"{count:g} {what} from them{since}")
    if finding.day("asked_at"):
        parts.append(f"a question for price, offer, demo or meeting on {finding.day('asked_at')}")
    if share and former:
        parts.append(f"a chance of success that rose from {former} to {share}")
    elif share:
        parts.append(f"a chance of success of {share}")
    return capital(" and ".join(parts))


PHRASES: Mapping[str, Phrase] = {
    "lead_new": _new,
    "lead_inactive": _inactive,
    "lead_score_drop": _score_drop,
    "lead_hot": _hot,
}


def _worth(task: ThinkTask) -> tuple[tuple[str, Fact | None], ...]:
    return (
        (f"The lead is still open: {shown(task, 'status').lower()}", task.fact("status")),
        (f"Worth about {shown(task, 'value')}", task.fact("value")),
    )


def _verb(task: ThinkTask) -> str:
    return "Call" if task.text("phone") else "Write to"


def _of_company(task: ThinkTask) -> str:
    """The lead's company, unless the lead is known by it."""
    company = task.fact("company")
    if company is None or company.text == task.record_label:
        return ""
    return f" of {shortened(company.text, 60)}"
