"""The only door to whoever writes proposals."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_events
from apps.brain import budget, providers, rules
from apps.brain.config import BrainConfig, read_config
from apps.brain.enums import CallOutcome, FallBack, Mode, Provider
from apps.brain.exceptions import ModeNotOfferedError, UnknownModeError
from apps.brain.language_model.proposing import Written, propose
from apps.brain.models import BrainCall, CapturedText
from apps.brain.schemas import Proposal, ThinkTask
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

# With the rules a killed worker loses at most so many suggestions, and the next round makes them again.
_RULES_AT_ONCE = 500
# A model that takes ten seconds has answered so many rounds of calls in less than three minutes; the worker's
# pauses between two batches are then a few hundredths of the whole.
_ROUNDS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What the Brain says to one task: a proposal or nothing, and the call that it came from."""

    proposal: Proposal | None
    call: BrainCall


def think(
    tasks: Sequence[ThinkTask],
    mode: Mode | str,
    *,
    actor: Actor,
    now: datetime,
    is_waited_for: bool = False,
) -> list[Answer]:
    """Return the answers in the order of the tasks; every call is on record when it returns.

    The tenant's provider is asked first, and the built-in rules for what it does not answer. No transaction
    may be open: a provider may take seconds. About a record whose name is withheld, or for which
    every tool is silenced, no model is asked.
    ``is_waited_for``: a person waits for the answer, and the model is given up on after some seconds.

    Raises:
        UnknownModeError: there is no such mode.
        ModeNotOfferedError: nobody at hand can work in this mode.
    """
    _check_mode(mode)
    if not tasks:
        return []
    config = read_config()
    if config.provider == Provider.RULES:
        return think_by_rules(tasks, actor=actor)
    if is_waited_for:
        config = config.hurried()
    asked = [place for place, task in enumerate(tasks) if task.tools and not task.is_label_withheld]
    written = propose([tasks[place] for place in asked], config, now=now) if asked else []
    _keep(written, config, actor)
    _note_fall_back(written, now)
    _tell_soft_limit(config, tasks[0], actor, now)
    answers: dict[int, Answer] = {}
    left: dict[FallBack | None, list[int]] = defaultdict(list)
    for place, task in enumerate(tasks):
        if task.is_label_withheld:
            left[FallBack.LABEL_WITHHELD].append(place)
        elif not task.tools:
            left[None].append(place)
    for place, item in zip(asked, written, strict=True):
        if isinstance(item, FallBack):
            left[item].append(place)
        elif item.fall_back is not None:
            left[item.fall_back].append(place)
        else:
            answers[place] = Answer(item.proposal, item.call)
    for reason, places in left.items():
        by_rules = think_by_rules([tasks[place] for place in places], actor=actor, because=reason)
        answers.update(zip(places, by_rules, strict=True))
    return [answers[place] for place in range(len(tasks))]


def think_by_rules(
    tasks: Sequence[ThinkTask], *, actor: Actor, because: FallBack | None = None
) -> list[Answer]:
    """Return what the built-in rules propose; ``because`` says in whose place, and why, they do."""
    began = time.monotonic()
    proposals = [rules.propose(task) for task in tasks]
    call = BrainCall(
        provider=Provider.RULES,
        mode=Mode.PROPOSE_ACTIONS,
        prompt_version=rules.RULES_VERSION,
        prompt_hash=hashlib.sha256(rules.RULES_VERSION.encode()).hexdigest(),
        tasks_count=len(tasks),
        proposals_count=sum(proposal is not None for proposal in proposals),
        latency_ms=int((time.monotonic() - began) * 1000),
        outcome=CallOutcome.ANSWERED,
        fell_back_because=because or "",
    )
    with transaction.atomic(), taking_role(Role.AI):
        call.save(force_insert=True)
        record_events(actor, [_entry(call)])
    return [Answer(proposal, call) for proposal in proposals]


def note_dropped(dropped: Mapping[int, str]) -> None:
    """Write down which calls' proposals did not hold, by id of the call, and the code of why."""
    by_code: dict[str, list[int]] = defaultdict(list)
    for call_id, code in dropped.items():
        by_code[code].append(call_id)
    for code, ids in by_code.items():
        BrainCall.objects.filter(pk__in=ids).update(dropped_code=code)


def most_at_once() -> int:
    """How many tasks to bring at a time: they keep a provider busy, and are answered in a few minutes."""
    config = read_config()
    if config.provider == Provider.RULES:
        return _RULES_AT_ONCE
    return _ROUNDS_AT_ONCE * config.concurrency


def question_hash(task: ThinkTask) -> str:
    """What would be asked, as a hash: the same for the same task and the same version of the prompt.

    The days are no part of it: a question does not become another one overnight.
    """
    question = asdict(task)
    del question["today"], question["next_working_day"]
    text = json.dumps([rules.RULES_VERSION, question], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_mode(mode: Mode | str) -> None:
    if mode not in Mode.values:
        raise UnknownModeError(str(mode))
    if mode != Mode.PROPOSE_ACTIONS:
        raise ModeNotOfferedError()


def _keep(written: Sequence[Written | FallBack], config: BrainConfig, actor: Actor) -> None:
    made = [item for item in written if isinstance(item, Written)]
    if not made:
        return
    with transaction.atomic(), taking_role(Role.AI):
        BrainCall.objects.bulk_create([item.call for item in made])
        record_events(actor, [_entry(item.call) for item in made])
        if config.captures_text:
            # No text of the database holds a NUL.
            CapturedText.objects.bulk_create(
                CapturedText(
                    call=item.call,
                    prompt=item.prompt.text,
                    answer=item.answer.replace("\0", "\N{REPLACEMENT CHARACTER}"),
                )
                for item in made
            )


def _note_fall_back(written: Sequence[Written | FallBack], now: datetime) -> None:
    """What keeps the model from answering at all stands on the pages, until it answers again."""
    reasons = [item if isinstance(item, FallBack) else item.fall_back for item in written]
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


def _tell_soft_limit(config: BrainConfig, task: ThinkTask, actor: Actor, now: datetime) -> None:
    if budget.note_soft_limit(config.limits, today=task.today, now=now):
        month = task.today.replace(day=1).isoformat()
        with transaction.atomic(), taking_role(Role.AI):
            record_events(actor, [Entry(Event.BUDGET_SOFT_LIMIT, details={"month": month})])


def _entry(call: BrainCall) -> Entry:
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
