"""Proposals that keep an account: look after it, plan its renewal."""

from __future__ import annotations

from collections.abc import Mapping

from apps.brain.rules.findings import Finding, Phrase, Statement, statements_of
from apps.brain.rules.followups import at_stake, followup, quiet
from apps.brain.rules.wording import capital, shortened, shown
from apps.brain.schemas import Proposal, ThinkTask


def keep_account(task: ThinkTask) -> Proposal | None:
    """An account is silent or at risk: ask how things are."""
    name = shortened(task.record_label, 120)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Check in with {name}",
        task_title=f"Check in with {name}",
        advice="Ask how things are going before they look elsewhere.",
        priority=3,
        also=(
            at_stake(task),
            (f"Contract renews on {shown(task, 'renews_on')}", task.fact("renews_on")),
        ),
    )


def plan_renewal(task: ThinkTask) -> Proposal | None:
    """A contract comes up for renewal and nobody has planned it."""
    name = shortened(task.record_label, 120)
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"Plan the renewal with {name}",
        task_title=f"Plan the renewal with {name}",
        advice="Agree on the terms while there is time to change them.",
        also=(
            (f"Contract: {shortened(shown(task, 'contract'), 120)}", task.fact("contract")),
            at_stake(task),
        ),
    )


def _at_risk(finding: Finding) -> Statement:
    """Whatever of it is known: silence, thinner contact, mails without answer, a high risk, the renewal."""
    parts = []
    if finding.day("last_activity_at"):
        parts.append(f"there was no contact since {finding.day('last_activity_at')}")
    if finding.comparison:
        parts.append(f"contact is thinning out ({finding.comparison})")
    if finding.number("outbound_count"):
        parts.append(f"they have answered none of {finding.number('outbound_count'):g} attempts")
    if finding.day("unanswered_at"):
        parts.append(f"their mail of {finding.day('unanswered_at')} has no answer")
    if finding.day("leaving_at"):
        parts.append(f"they wrote on {finding.day('leaving_at')} of ending a contract")
    if finding.percent("score_0_1"):
        parts.append(f"the chance that they do not renew is put at {finding.percent('score_0_1')}")
    renews = finding.task.fact("renews_on")
    if renews is not None:
        parts.append(f"the contract renews on {renews.text}")
    if not parts:
        return finding.says(finding.fact.text)
    return finding.says(capital(", ".join(parts)), finding.fact, renews)


def _silent(finding: Finding) -> Statement:
    text, facts = quiet(finding.task)
    return finding.says(text, *facts)


def _renewal(finding: Finding) -> Statement:
    renews = finding.task.fact("renews_on")
    when = f"renews on {renews.text}" if renews else "comes up for renewal"
    if finding.task.value("open_tasks") == 0:
        planned = finding.task.fact("open_tasks")
        return finding.says(f"The contract {when} and nothing is planned", renews, planned)
    return finding.says(f"The contract {when}", renews)


PHRASES: Mapping[str, Phrase] = {
    "account_at_risk": _at_risk,
    "account_silent": _silent,
    "renewal_approaching": _renewal,
}
