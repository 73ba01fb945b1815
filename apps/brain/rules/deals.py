"""Proposals that take a deal further: move it, settle its date, widen it, act on interest."""

from __future__ import annotations

from collections.abc import Mapping

from apps.brain.rules.findings import Finding, Phrase, Statement, statements_of
from apps.brain.rules.followups import at_stake, followup, not_to_be_contacted
from apps.brain.rules.leads import interest
from apps.brain.rules.wording import capital, last_contact_phrase, shortened, shown
from apps.brain.schemas import Fact, Proposal, ThinkTask


def move_deal(task: ThinkTask) -> Proposal | None:
    """A deal stands still, slows down or went back: ask the other side for the next step."""
    name = shortened(task.record_label, 120)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Follow up on {name}",
        task_title=f"Agree on the next step: {name}",
        advice="Agree on a next step or close it.",
        priority=3,
        also=(not_to_be_contacted(task), at_stake(task), _expected(task)),
    )


def settle_close_date(task: ThinkTask) -> Proposal | None:
    """The expected day has passed or been put off again: agree on one that holds."""
    name = shortened(task.record_label, 120)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Settle a new close date for {name}",
        task_title=f"Settle the close date: {name}",
        advice="Ask what has to happen first, then set a date that holds, or close it.",
        also=(_last_contact(task), not_to_be_contacted(task), at_stake(task), _stage(task)),
    )


def widen_deal(task: ThinkTask) -> Proposal | None:
    """All depends on one person: bring in another, by name when one is on file."""
    name = shortened(task.record_label, 110)
    other = task.fact("other_contact")
    person = shortened(task.text("other_contact"), 60) or "a second contact"
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Bring {person} into {name}",
        task_title=f"Bring {person} into {name}",
        advice="One person’s leave or new job would end the talks.",
        also=(
            (f"Also at the account: {shortened(other.text, 120)}" if other else "", other),
            at_stake(task),
            _stage(task),
        ),
    )


def act_on_deal(task: ThinkTask) -> Proposal | None:
    """The other side shows interest: take the next step while it does."""
    name = shortened(task.record_label, 120)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Take the next step on {name} while the interest is there",
        task_title=f"Take the next step: {name}",
        advice="Propose the next step, or ask for the decision.",
        priority=3,
        also=(not_to_be_contacted(task), _stage(task), at_stake(task)),
    )


def _stalled(finding: Finding) -> Statement:
    task = finding.task
    stage, entered = task.fact("stage"), task.fact("stage_entered_at")
    since = f"{stage.text if stage else 'this stage'} since {entered.text if entered else 'long'}"
    text = f"In {since}{_longer_than_usual(finding)}, {last_contact_phrase(task)}"
    contact = task.fact("last_activity") or task.fact("created_at")
    if task.value("open_tasks") == 0:
        planned = task.fact("open_tasks")
        return finding.says(f"{text}, and nothing is planned", entered, contact, planned)
    return finding.says(text, entered, contact)


def _longer_than_usual(finding: Finding) -> str:
    """How long such deals usually stand there, when the company's own closed deals say so."""
    days, share = finding.number("own_limit_days"), finding.went_by.get("percentile")
    return f" ({share}% of such deals stay {days:g} days at most)" if days and share else ""


def _decaying(finding: Finding) -> Statement:
    compared = finding.comparison
    return finding.says(f"Contact is thinning out{f': {compared}' if compared else ''}")


def _regressed(finding: Finding) -> Statement:
    former, stage = finding.task.fact("former_stage"), finding.task.fact("stage")
    if former is None or stage is None:
        return finding.says("The deal went back a stage")
    when = f" on {finding.day('moved_at')}" if finding.day("moved_at") else ""
    went_back = f"It went back from {former.text} to {stage.text}{when}"
    return finding.says(went_back, finding.fact, former, stage)


def _date_past(finding: Finding) -> Statement:
    expected = finding.task.fact("expected_close_on")
    if expected is None:
        return finding.says("Its expected close date has passed")
    return finding.says(f"It was to close on {expected.text} and is still open", expected)


def _date_pushed(finding: Finding) -> Statement:
    pushes, first = finding.number("push_count"), finding.day("former_close_on")
    expected = finding.task.fact("expected_close_on")
    times = f"{pushes:g} times" if pushes else "more than once"
    move = f", from {first} to {expected.text}" if first and expected else ""
    return finding.says(f"Its close date was put off {times}{move}", finding.fact, expected)


def _single_threaded(finding: Finding) -> Statement:
    contact = finding.task.fact("contact")
    if contact is None:
        return finding.says("At most one person of theirs is in the talks")
    return finding.says(
        f"Contact is only with {shortened(contact.text, 80)}", finding.fact, contact
    )


def _hot(finding: Finding) -> Statement:
    return finding.says(interest(finding) or "The other side shows interest")


PHRASES: Mapping[str, Phrase] = {
    "deal_stalled": _stalled,
    "deal_decaying": _decaying,
    "deal_regressed": _regressed,
    "deal_close_date_past": _date_past,
    "deal_close_date_pushed": _date_pushed,
    "deal_single_threaded": _single_threaded,
    "deal_hot": _hot,
}


def _expected(task: ThinkTask) -> tuple[str, Fact | None]:
    return f"Expected to close on {shown(task, 'expected_close_on')}", task.fact(
        "expected_close_on"
    )


def _last_contact(task: ThinkTask) -> tuple[str, Fact | None]:
    fact = task.fact("last_activity") or task.fact("created_at")
    return capital(last_contact_phrase(task)), fact


def _stage(task: ThinkTask) -> tuple[str, Fact | None]:
    return f"In {shown(task, 'stage')}", task.fact("stage")
