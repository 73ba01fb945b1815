"""Suggestions in every state, made the way the product makes them wherever that is possible."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.brain.enums import Provider
from apps.brain.models import BrainCall
from apps.brain.schemas import Proposal, ThinkTask
from apps.brain.services import Answer
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.execution.enums import ExecutionStatus
from apps.execution.enums import Verdict as PolicyVerdict
from apps.execution.models import Execution, PolicyDecision
from apps.suggestions.enums import Segment, State, Verdict
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.awaiting import Awaiting, find_awaiting
from apps.suggestions.pipeline.context import Context
from apps.suggestions.pipeline.validation import Asked
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import ScanKind
from apps.triggers.models import Scan
from apps.triggers.services import scan_now
from apps.users.models import User

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


def scan(after: timedelta = timedelta()) -> Scan:
    """A full scan, so long after ``NOW``."""
    return scan_now(kind=ScanKind.FULL, now=NOW + after)


def awaiting(most: int = 60) -> list[Awaiting]:
    """What awaits a suggestion and is to have it now."""
    return list(find_awaiting(NOW, most=most).awaiting)


def answered(context: Context, task: ThinkTask, proposal: Proposal | None) -> Asked:
    """A question with its answer, as the Brain gives it."""
    return Asked(context, task, Answer(proposal, BrainCall(provider=Provider.RULES)))


def quiet_lead(owner: User | None, **fields: object) -> Lead:
    """A lead for which ``lead_inactive`` holds."""
    lead: Lead = LeadFactory(owner=owner, **{"created_at": LONG_AGO, **fields})
    return lead


def suggested(owner: User | None, **fields: object) -> Suggestion:
    """A scan's suggestion for one quiet lead: of that trigger alone, because it takes a tenth of the time."""
    lead = quiet_lead(owner, **fields)
    scan_now(kind=ScanKind.FULL, now=NOW, triggers=["lead_inactive"])
    return Suggestion.objects.get(record_kind="lead", record_id=lead.pk)


def decided(
    by: User,
    count: int,
    verdict: Verdict,
    *,
    trigger: str = "lead_inactive",
    tool: str = "create_followup",
    segment: Segment = Segment.UNKNOWN,
    reason: str = "",
    at: datetime = NOW,
    **values: Any,
) -> list[Suggestion]:
    """So many decisions of one person on one kind, each about a suggestion of its own."""
    kind = {"trigger": trigger, "tool": tool, "segment": segment}
    suggestions = SuggestionFactory.build_batch(
        count,
        lead=None,
        record_id=1,
        record_label="A lead",
        arguments={},
        guard_values={},
        assignee=by,
        state=State.WITHDRAWN,
        queued_at=None,
        **kind,
    )
    made = Suggestion.objects.bulk_create(suggestions)
    Decision.objects.bulk_create(
        Decision(
            suggestion=suggestion,
            verdict=verdict,
            decided_by=by,
            decided_at=at,
            goal="revive_lead",
            reason=reason,
            **kind,
            **values,
        )
        for suggestion in made
    )
    return made


def put_in(suggestion: Suggestion, state: State, by: User) -> Suggestion:
    """Move a suggestion to a state by hand, with what the database demands of it."""
    values: dict[str, object] = {"state": state}
    if state in {State.APPROVED, State.FAILED, State.REJECTED, State.APPLIED, State.UNDONE}:
        values |= {"reviewed_by": by, "reviewed_at": NOW}
    if state == State.SNOOZED:
        values["snoozed_until"] = NOW + timedelta(days=3)
    if state == State.APPLIED:
        values |= {"applied_at": NOW, "execution": _execution(suggestion, by)}
    Suggestion.objects.filter(pk=suggestion.pk).update(**values)
    suggestion.refresh_from_db()
    return suggestion


def give_execution(suggestion: Suggestion, **values: object) -> Execution:
    """Put a copy of its execution in the place of it: the rows themselves cannot be changed."""
    execution = Suggestion.objects.get(pk=suggestion.pk).execution
    assert execution is not None
    execution.pk = None
    execution.idempotency_key += ":copy"
    execution.policy_decision = _policy_decision(suggestion)
    for name, value in values.items():
        setattr(execution, name, value)
    execution.save()
    Suggestion.objects.filter(pk=suggestion.pk).update(execution=execution)
    return execution


def _execution(suggestion: Suggestion, by: User) -> Execution:
    return Execution.objects.create(
        tool=suggestion.tool,
        arguments=suggestion.arguments,
        record_kind=suggestion.record_kind,
        record_id=suggestion.record_id,
        status=ExecutionStatus.SUCCEEDED,
        policy_decision=_policy_decision(suggestion),
        approved_by=by,
        approved_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        idempotency_key=f"case:{suggestion.pk}",
    )


def _policy_decision(suggestion: Suggestion) -> PolicyDecision:
    return PolicyDecision.objects.create(
        decided_at=NOW,
        tool=suggestion.tool,
        verdict=PolicyVerdict.PERSON_MUST_DECIDE,
        policy_version=1,
    )
