"""What goes on record of calls: rows, kept texts, and why the rules wrote in the model's place.

The SQL runs as the role ``aisha_ai``.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_events
from apps.brain import budget, providers
from apps.brain.config import BrainConfig
from apps.brain.enums import CallOutcome, FallBack, Mode, Provider
from apps.brain.language_model.calling import Called
from apps.brain.models import BrainCall, CapturedText
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role


def keep_called(called: Sequence[Called], config: BrainConfig, actor: Actor) -> None:
    """Store what a language model was asked, with its texts where the tenant keeps them."""
    if not called:
        return
    with transaction.atomic(), taking_role(Role.AI):
        BrainCall.objects.bulk_create([item.call for item in called])
        record_events(actor, [call_entry(item.call) for item in called])
        if config.captures_text:
            # No text of the database holds a NUL.
            CapturedText.objects.bulk_create(
                CapturedText(
                    call=item.call,
                    prompt=item.prompt.text,
                    answer=item.reply.said.replace("\0", "\N{REPLACEMENT CHARACTER}"),
                )
                for item in called
            )


def keep_call_of_rules(
    mode: Mode,
    version: str,
    actor: Actor,
    *,
    tasks: int,
    proposals: int,
    began: float,
    because: FallBack | None,
) -> BrainCall:
    """Store a call of the built-in rules in their version; they ``began`` at this ``time.monotonic()``.

    ``because`` says in whose place, and why, they wrote.
    """
    call = BrainCall(
        provider=Provider.RULES,
        mode=mode,
        prompt_version=version,
        prompt_hash=hashlib.sha256(version.encode()).hexdigest(),
        tasks_count=tasks,
        proposals_count=proposals,
        latency_ms=int((time.monotonic() - began) * 1000),
        outcome=CallOutcome.ANSWERED,
        fell_back_because=because or "",
    )
    with transaction.atomic(), taking_role(Role.AI):
        call.save(force_insert=True)
        record_events(actor, [call_entry(call)])
    return call


def note_fall_back(reasons: Sequence[FallBack | None], now: datetime) -> None:
    """What keeps the model from answering at all stands on the pages, until it answers again.

    ``reasons``: of each that was asked, why the model did not answer; None where it did.
    """
    has_answered = any(reason is None or not reason.is_of_provider for reason in reasons)
    # One call in many that failed is no news; a budget that ran out in the middle is.
    news = [
        reason
        for reason in reasons
        if reason == FallBack.BUDGET_SPENT
        or (reason is not None and reason.is_of_provider and not has_answered)
    ]
    if news:
        providers.note_fall_back(news[-1], now)


def tell_soft_limit(config: BrainConfig, actor: Actor, *, today: date, now: datetime) -> None:
    """Put on record, once a month, that the soft limit is reached."""
    if budget.note_soft_limit(config.limits, today=today, now=now):
        month = today.replace(day=1).isoformat()
        with transaction.atomic(), taking_role(Role.AI):
            record_events(actor, [Entry(Event.BUDGET_SOFT_LIMIT, details={"month": month})])


def call_entry(call: BrainCall) -> Entry:
    """What the audit log holds of a call: never a text."""
    return Entry(
        Event.BRAIN_CALLED,
        details={
            "call_id": call.pk,
            "provider": call.provider,
            "mode": call.mode,
            "model": call.model,
            "tokens_in": call.tokens_in,
            "tokens_out": call.tokens_out,
            "cost_usd": str(call.cost_usd),
            "prompt_version": call.prompt_version,
            "tasks": call.tasks_count,
            "proposals": call.proposals_count,
            "outcome": call.outcome,
            "fell_back_because": call.fell_back_because,
        },
    )
