"""From a person's wish to changes: a model looks records up, round by round, and says what it proposes.

Nothing is proposed here. The caller holds each change against the records that the model was told of, and
against the person's words.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from apps.audit.schemas import Actor
from apps.brain import rules
from apps.brain.call_log import keep_call_of_rules, keep_called, note_fall_back, tell_soft_limit
from apps.brain.config import BrainConfig, read_config
from apps.brain.enums import CallOutcome, FallBack, Mode, Provider
from apps.brain.language_model.calling import Called
from apps.brain.language_model.prompts import Prompt
from apps.brain.language_model.proposing import FALL_BACKS
from apps.brain.language_model.replies import UnusableReplyError, wished_of
from apps.brain.language_model.wishes import MOST_CHANGES, wish_prompt
from apps.brain.models import BrainCall
from apps.brain.reading.talks import Talk, converse, reading_functions
from apps.brain.schemas import Claim, Fact, Wish, WishedChange
from apps.execution.schemas import RecordRef
from apps.execution.signs import one_line

# Finding the records, one more look at them, and the changes; who needs more asks back.
MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Wished:
    """What a wish comes to: changes, at most ``MOST_CHANGES``, and perhaps a question back.

    ``left_out`` counts the changes beyond that. ``facts`` are all that the model was told, by number;
    ``call`` is the last one. Where no model answered, ``fall_back`` says why, and there is nothing else.
    """

    call: BrainCall
    changes: tuple[WishedChange, ...] = ()
    left_out: int = 0
    ask_back: Claim | None = None
    facts: tuple[Fact, ...] = ()
    fall_back: FallBack | None = None

    @property
    def records(self) -> frozenset[RecordRef]:
        """The records that the model was told of: a change may name no others."""
        return frozenset(fact.record for fact in self.facts if fact.record is not None)


def work_out(wish: Wish, *, actor: Actor, now: datetime, is_waited_for: bool = False) -> Wished:
    """Say what a wish comes to. The built-in rules know no free wishes: without a model it is nothing.

    No transaction may be open. ``is_waited_for``: see ``services.think``.
    """
    config = read_config()
    if config.provider == Provider.RULES:
        return _by_nobody(actor, None)
    talk = Talk.begun(wish.question)
    wish = replace(wish, facts=talk.question.facts)
    said = _converse(talk, wish, config.hurried() if is_waited_for else config, actor, now)
    note_fall_back([said if isinstance(said, FallBack) else None], now)
    tell_soft_limit(config, actor, today=wish.today, now=now)
    talk.record_hostile(Mode.PROPOSE_ACTIONS, actor)
    return _by_nobody(actor, said) if isinstance(said, FallBack) else said


def _by_nobody(actor: Actor, because: FallBack | None) -> Wished:
    call = keep_call_of_rules(
        Mode.PROPOSE_ACTIONS,
        rules.RULES_VERSION,
        actor,
        tasks=1,
        proposals=0,
        began=time.monotonic(),
        because=because,
    )
    return Wished(call, fall_back=because or FallBack.NO_MODEL)


def _converse(
    talk: Talk, wish: Wish, config: BrainConfig, actor: Actor, now: datetime
) -> Wished | FallBack:
    functions = reading_functions()

    def next_prompt(is_last_turn: bool) -> Prompt:
        return wish_prompt(
            wish, talk.withheld, config.tone, functions, talk.turns, is_last_turn=is_last_turn
        )

    mode = Mode.PROPOSE_ACTIONS
    called = converse(
        talk, next_prompt, config, mode, most_rounds=MOST_ROUNDS, actor=actor, now=now
    )
    return called if isinstance(called, FallBack) else _finished(talk, wish, called, config, actor)


def _finished(
    talk: Talk, wish: Wish, called: Called, config: BrainConfig, actor: Actor
) -> Wished | FallBack:
    call = called.call
    changes: Sequence[WishedChange] = ()
    asked: Claim | None = None
    if call.outcome == CallOutcome.ANSWERED:
        try:
            changes, asked = wished_of(called.reply.text)
        except UnusableReplyError as error:
            call.outcome, call.error_code = CallOutcome.UNUSABLE, error.code
        # A question back may quote what was said, and need not cite.
        if asked is not None and (code := talk.unsound_code(asked, wish.said)):
            asked, call.dropped_code = None, code
        call.proposals_count = min(len(changes), MOST_CHANGES)
    keep_called([called], config, actor)
    if reason := FALL_BACKS.get(CallOutcome(call.outcome)):
        return reason
    if call.dropped_code and not changes:
        return FallBack.DID_NOT_HOLD
    return Wished(
        call,
        tuple(changes[:MOST_CHANGES]),
        max(0, len(changes) - MOST_CHANGES),
        replace(asked, text=one_line(asked.text)) if asked else None,
        tuple(talk.facts[number] for number in sorted(talk.facts)),
    )
