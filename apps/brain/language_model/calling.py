"""The provider ``openai`` from prompt to reply: gates, budget, slots, calls, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings

from apps.brain import budget, providers
from apps.brain.addresses import check_address
from apps.brain.circuit import FAILURES_TO_OPEN
from apps.brain.config import BrainConfig
from apps.brain.enums import FallBack, Mode, Provider
from apps.brain.exceptions import AddressRefusedError, BudgetSpentError
from apps.brain.language_model.prompts import Prompt
from apps.brain.language_model.replies import Reply
from apps.brain.models import BrainCall
from apps.brain.prices import Price
from apps.brain.slots import taking_slots
from apps.tenants.connections import tenant_connection


@dataclass(frozen=True, slots=True)
class Called:
    """One prompt that was asked: its reply, and the call as it goes on record (not saved)."""

    prompt: Prompt
    reply: Reply
    call: BrainCall


def call_model(
    prompts: Sequence[Prompt], config: BrainConfig, mode: Mode, *, today: date, now: datetime
) -> list[Called | FallBack]:
    """Ask each prompt; where it could not be asked, say why. No transaction may be open.

    What is set aside is what all tries may cost: one that was not answered may be charged for all the same.
    """
    price = _admitted(config, today)
    if isinstance(price, FallBack):
        return [price] * len(prompts)
    allowed = providers.admit(now)
    if allowed == 0:
        return [FallBack.RESTING] * len(prompts)
    try:
        reserved = budget.reserve(
            [prompt.most_usage.times(1 + config.most_retries) for prompt in prompts],
            price,
            config.limits,
            today=today,
            now=now,
        )
    except BudgetSpentError:
        return [FallBack.BUDGET_SPENT] * len(prompts)
    # An error on the way leaves the reservation as it is: what it has cost nobody knows.
    asked = prompts[: reserved.calls_count]
    replies = _ask(asked, config, allowed == 1, now)
    called = [
        reply
        if isinstance(reply, FallBack)
        else Called(prompt, reply, _call(prompt, reply, config, price, mode))
        for prompt, reply in zip(asked, replies, strict=True)
    ]
    calls = [item.call for item in called if isinstance(item, Called)]
    budget.settle(
        reserved,
        tokens=sum(call.tokens_in + call.tokens_out for call in calls),
        usd=sum((call.cost_usd for call in calls), Decimal(0)),
        now=now,
    )
    return [*called, *[FallBack.BUDGET_SPENT] * (len(prompts) - len(asked))]


def _admitted(config: BrainConfig, today: date) -> Price | FallBack:
    lacking = config.lacks(today)
    if lacking is not None:
        return lacking
    # The operator's own address is the operator's business. A tenant's may lead elsewhere than when it was
    # saved.
    if config.is_own_address and not _may_be_asked(config.base_url):
        return FallBack.ADDRESS_REFUSED
    return config.price(today) or FallBack.NO_PRICE


def _may_be_asked(url: str) -> bool:
    try:
        check_address(url)
    except AddressRefusedError:
        return False
    return True


def _ask(
    prompts: Sequence[Prompt], config: BrainConfig, is_trial: bool, now: datetime
) -> list[Reply | FallBack]:
    # The client is large; a process that asks no model does without it.
    from apps.brain.language_model.asking import ask

    with taking_slots(
        tenant_connection().schema_name,
        wanted=min(len(prompts), config.concurrency),
        tenant_limit=config.concurrency,
        overall_limit=settings.BRAIN_CONCURRENCY,
        wait_s=config.slot_wait_s,
    ) as at_once:
        if at_once == 0:
            return [FallBack.BUSY] * len(prompts)
        replies = ask(prompts, config, at_once=at_once, is_trial=is_trial)
    _note(replies, now)
    return [FallBack.RESTING if reply is None else reply for reply in replies]


def _note(replies: Sequence[Reply | None], now: datetime) -> None:
    """Tell the circuit breaker: failures at the end count, an answer before them when they are few."""
    failures = 0
    has_answered = False
    for reply in replies:
        if reply is None:
            continue
        failures = failures + 1 if reply.is_failure else 0
        has_answered = has_answered or not reply.is_failure
    if has_answered and failures < FAILURES_TO_OPEN:
        providers.note_answer(now)
    elif failures:
        providers.note_failures(failures, now)


def _call(prompt: Prompt, reply: Reply, config: BrainConfig, price: Price, mode: Mode) -> BrainCall:
    return BrainCall(
        provider=Provider.OPENAI,
        mode=mode,
        prompt_version=prompt.version,
        prompt_hash=prompt.stable_hash,
        tasks_count=1,
        proposals_count=0,
        latency_ms=reply.latency_ms,
        model=config.model,
        tokens_in=reply.usage.tokens_in,
        tokens_cached=reply.usage.tokens_cached,
        tokens_out=reply.usage.tokens_out,
        cost_usd=price.cost_usd(reply.usage),
        retries=reply.retries,
        outcome=reply.outcome,
        error_code=reply.error_code,
    )
