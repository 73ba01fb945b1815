"""The provider ``openai`` from question to proposal: gates, budget, slots, calls, what they cost."""

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
from apps.brain.enums import CallOutcome, FallBack, Mode, Provider
from apps.brain.exceptions import AddressRefusedError, BudgetSpentError
from apps.brain.language_model.prompts import PROMPT_VERSION, Prompt, prompt_of
from apps.brain.language_model.replies import Reply, UnusableReplyError, proposal_of
from apps.brain.models import BrainCall
from apps.brain.prices import Price
from apps.brain.schemas import Proposal, ThinkTask
from apps.brain.slots import taking_slots
from apps.tenants.connections import tenant_connection


@dataclass(frozen=True, slots=True)
class Written:
    """What came of asking for one task: the call (not saved), its proposal, or why there is none."""

    call: BrainCall
    prompt: Prompt
    answer: str
    proposal: Proposal | None
    fall_back: FallBack | None


def propose(
    tasks: Sequence[ThinkTask], config: BrainConfig, *, now: datetime
) -> list[Written | FallBack]:
    """Ask for each task; where it could not be asked, say why."""
    today = tasks[0].today
    price = _admitted(config, today)
    if isinstance(price, FallBack):
        return [price] * len(tasks)
    allowed = providers.admit(now)
    if allowed == 0:
        return [FallBack.RESTING] * len(tasks)
    prompts = [prompt_of(task, config.tone, config.language) for task in tasks]
    try:
        reserved = budget.reserve(
            [prompt.most_usage for prompt in prompts], price, config.limits, today=today, now=now
        )
    except BudgetSpentError:
        return [FallBack.BUDGET_SPENT] * len(tasks)
    # An error on the way leaves the reservation as it is: what it has cost nobody knows.
    written = _ask(prompts[: reserved.calls_count], config, price, allowed == 1, now)
    calls = [item.call for item in written if isinstance(item, Written)]
    budget.settle(
        reserved,
        tokens=sum(call.tokens_in + call.tokens_out for call in calls),
        usd=sum((call.cost_usd for call in calls), Decimal(0)),
        now=now,
    )
    return [*written, *[FallBack.BUDGET_SPENT] * (len(tasks) - len(written))]


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
    prompts: Sequence[Prompt], config: BrainConfig, price: Price, is_trial: bool, now: datetime
) -> list[Written | FallBack]:
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
    return [
        FallBack.RESTING if reply is None else _written(prompt, reply, config, price)
        for prompt, reply in zip(prompts, replies, strict=True)
    ]


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


def _written(prompt: Prompt, reply: Reply, config: BrainConfig, price: Price) -> Written:
    proposal, outcome, code = None, reply.outcome, reply.error_code
    if reply.outcome == CallOutcome.ANSWERED:
        try:
            proposal = proposal_of(reply.text)
        except UnusableReplyError as error:
            outcome, code = CallOutcome.UNUSABLE, error.code
    call = BrainCall(
        provider=Provider.OPENAI,
        mode=Mode.PROPOSE_ACTIONS,
        prompt_version=PROMPT_VERSION,
        prompt_hash=prompt.stable_hash,
        tasks_count=1,
        proposals_count=int(proposal is not None),
        latency_ms=reply.latency_ms,
        model=config.model,
        tokens_in=reply.usage.tokens_in,
        tokens_cached=reply.usage.tokens_cached,
        tokens_out=reply.usage.tokens_out,
        cost_usd=price.cost_usd(reply.usage),
        retries=reply.retries,
        outcome=outcome,
        error_code=code,
    )
    return Written(call, prompt, reply.text, proposal, _FALL_BACKS.get(outcome))


_FALL_BACKS = {
    CallOutcome.FAILED: FallBack.CALL_FAILED,
    CallOutcome.REFUSED: FallBack.REFUSED,
    CallOutcome.UNUSABLE: FallBack.UNUSABLE,
}
