"""What an attempt leaves behind besides the change: the answer of policy, and why it failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.audit.enums import Event
from apps.audit.services import Detail, Entry, record_event
from apps.execution import policy
from apps.execution.enums import ExecutionStatus
from apps.execution.models import Execution, PolicyDecision
from apps.execution.schemas import ApprovedChange, ApprovedUndo
from apps.tenants.writing import insert


def record_policy(tool: str, answer: policy.PolicyAnswer, now: datetime) -> PolicyDecision:
    """Keep what policy answered; every execution needs it."""
    return insert(policy_row(tool, answer, now))


def policy_row(tool: str, answer: policy.PolicyAnswer, now: datetime) -> PolicyDecision:
    """The same, to be written with its execution."""
    return PolicyDecision(
        decided_at=now, tool=tool, verdict=answer.verdict, policy_version=answer.version
    )


def record_failure(
    attempt: ApprovedChange | ApprovedUndo, *, code: str, message: str, now: datetime
) -> Execution:
    """Keep a failed attempt to apply a change or to undo one, after its transaction was rolled back."""
    tried = _tried_by(attempt)
    failed = Execution.objects.create(
        **tried,
        status=ExecutionStatus.FAILED,
        error_code=code,
        error_message=message,
        policy_decision=record_policy(tried["tool"], policy.decide(attempt), now),
        approved_by=attempt.approved_by,
        approved_at=attempt.approved_at,
        started_at=now,
        finished_at=now,
    )
    details: dict[str, Detail] = {"tool": failed.tool, "code": code}
    if failed.undoes_id is not None:
        details["undoes"] = failed.undoes_id
    record_event(
        attempt.actor,
        Entry(
            Event.EXECUTION_FAILED,
            record_kind=failed.record_kind,
            record_id=failed.record_id,
            suggestion_id=attempt.suggestion_id,
            execution_id=failed.pk,
            details=details,
        ),
    )
    return failed


def undo_key_of(execution: Execution) -> str:
    """What lets an execution be undone once."""
    return f"undo:{execution.pk}"


def _tried_by(attempt: ApprovedChange | ApprovedUndo) -> dict[str, Any]:
    """The columns that say what was tried, with which record."""
    if isinstance(attempt, ApprovedChange):
        return {
            "tool": attempt.tool,
            "arguments": dict(attempt.arguments),
            "record_kind": attempt.record.kind.value,
            "record_id": attempt.record.id,
            "idempotency_key": attempt.idempotency_key,
        }
    undone = Execution.objects.get(pk=attempt.execution_id)
    return {
        "tool": undone.tool,
        "arguments": undone.arguments,
        "record_kind": undone.record_kind,
        "record_id": undone.record_id,
        "idempotency_key": undo_key_of(undone),
        "undoes": undone,
    }
