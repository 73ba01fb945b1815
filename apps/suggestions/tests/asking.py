"""Asking for a change in tests, as the assistant and the bridge do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.brain.enums import CallOutcome, Mode, Provider
from apps.brain.models import BrainCall
from apps.crm.models import Record
from apps.execution.schemas import RecordRef
from apps.suggestions.models import Suggestion
from apps.suggestions.services import propose_change
from apps.users.models import User

WORDS = "Please follow up with them tomorrow"
REASON = "You said that you want to follow up."


def tomorrow() -> str:
    """A day for what is to be done."""
    return (timezone.localdate() + timedelta(days=1)).isoformat()


def about(record: Record, **arguments: Any) -> dict[str, Any]:
    """The arguments of a task about a record, with others in the place of some."""
    return {
        "subject_kind": record.kind.value,
        "subject_id": record.pk,
        "title": "Call them back",
        "due_on": tomorrow(),
        **arguments,
    }


def answered_call() -> BrainCall:
    """A call of a model that has proposed one change."""
    return BrainCall.objects.create(
        mode=Mode.PROPOSE_ACTIONS,
        provider=Provider.OPENAI,
        tasks_count=1,
        proposals_count=1,
        latency_ms=1,
        outcome=CallOutcome.ANSWERED,
    )


def ask(
    user: User,
    tool: str,
    arguments: dict[str, Any],
    *,
    words: str = WORDS,
    reason: str = REASON,
    origin: Origin = Origin.TYPED,
    now: datetime | None = None,
    brain_call: BrainCall | None = None,
    told_of: Collection[RecordRef] | None = None,
) -> Suggestion:
    """Ask for a change as this person."""
    return propose_change(
        tool=tool,
        arguments=arguments,
        reason=reason,
        words=words,
        user=user,
        origin=origin,
        actor=Actor.for_person(user, origin),
        now=now or timezone.now(),
        brain_call=brain_call,
        told_of=told_of,
    )
