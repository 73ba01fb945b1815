"""The only door to whoever writes proposals."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import overload

from apps.audit.schemas import Actor
from apps.brain import rules
from apps.brain.call_log import keep_call_of_rules, keep_called, note_fall_back, tell_soft_limit
from apps.brain.config import read_config
from apps.brain.enums import FallBack, Mode, Provider
from apps.brain.exceptions import ModeDoesNotFitError, UnknownModeError
from apps.brain.language_model.prompts import PROMPT_VERSION
from apps.brain.language_model.proposing import Written, propose
from apps.brain.models import BrainCall
from apps.brain.reading.answering import answer
from apps.brain.schemas import Proposal, Question, ReadAnswer, ThinkTask, Wish
from apps.brain.wishing import Wished, work_out

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


@overload
def think(
    task: Sequence[ThinkTask],
    mode: Mode | str,
    *,
    actor: Actor,
    now: datetime,
    is_waited_for: bool = False,
) -> list[Answer]: ...


@overload
def think(
    task: Question, mode: Mode | str, *, actor: Actor, now: datetime, is_waited_for: bool = False
) -> ReadAnswer: ...


@overload
def think(
    task: Wish, mode: Mode | str, *, actor: Actor, now: datetime, is_waited_for: bool = False
) -> Wished: ...


def think(
    task: Sequence[ThinkTask] | Question | Wish,
    mode: Mode | str,
    *,
    actor: Actor,
    now: datetime,
    is_waited_for: bool = False,
) -> list[Answer] | ReadAnswer | Wished:
    """Propose for each task, in their order, or what a person wishes, or answer a question.

    Every call is on record when it returns. The tenant's provider is asked first, and the built-in rules for
    what it does not answer; of free wishes they know nothing. No transaction may be open: a provider may take
    seconds.
    ``is_waited_for``: a person waits for the answer, and the model is given up on after some seconds.

    Raises:
        UnknownModeError: there is no such mode.
        ModeDoesNotFitError: tasks and wishes are for ``propose_actions``, a question is for ``read_only``.
    """
    if mode not in Mode.values:
        raise UnknownModeError(str(mode))
    if (mode == Mode.READ_ONLY) != isinstance(task, Question):
        raise ModeDoesNotFitError()
    if isinstance(task, Question):
        return answer(task, actor=actor, now=now, is_waited_for=is_waited_for)
    if isinstance(task, Wish):
        return work_out(task, actor=actor, now=now, is_waited_for=is_waited_for)
    return _propose(task, actor=actor, now=now, is_waited_for=is_waited_for)


def _propose(
    tasks: Sequence[ThinkTask], *, actor: Actor, now: datetime, is_waited_for: bool
) -> list[Answer]:
    """About a record whose name is withheld, or for which every tool is silenced, no model is asked."""
    if not tasks:
        return []
    config = read_config()
    if config.provider == Provider.RULES:
        return think_by_rules(tasks, actor=actor)
    if is_waited_for:
        config = config.hurried()
    asked = [place for place, task in enumerate(tasks) if task.tools and not task.is_label_withheld]
    written = propose([tasks[place] for place in asked], config, now=now) if asked else []
    keep_called([item.called for item in written if isinstance(item, Written)], config, actor)
    reasons = [item if isinstance(item, FallBack) else item.fall_back for item in written]
    note_fall_back(reasons, now)
    tell_soft_limit(config, actor, today=tasks[0].today, now=now)
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
            answers[place] = Answer(item.proposal, item.called.call)
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
    call = keep_call_of_rules(
        Mode.PROPOSE_ACTIONS,
        rules.RULES_VERSION,
        actor,
        tasks=len(tasks),
        proposals=sum(proposal is not None for proposal in proposals),
        began=began,
        because=because,
    )
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


def who_answers() -> str:
    """Who would propose at present, as a text that is another one with another model or prompt.

    Where a language model is asked the rules stand in for it, so theirs is always a part of it.
    """
    config = read_config()
    if config.provider == Provider.RULES:
        return rules.RULES_VERSION
    return " ".join([config.base_url, config.model, PROMPT_VERSION, rules.RULES_VERSION])


def question_hash(task: ThinkTask, who: str) -> str:
    """What would be asked of whom (``who_answers``), as a hash.

    The days are no part of it: a question does not become another one overnight.
    """
    question = asdict(task)
    del question["today"], question["next_working_day"]
    text = json.dumps([who, question], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
