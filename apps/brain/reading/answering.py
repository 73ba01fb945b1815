"""From a question to an answer: the model reads, round by round, and the rules stand in for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from apps.audit.schemas import Actor
from apps.brain.call_log import keep_call_of_rules, keep_called, note_fall_back, tell_soft_limit
from apps.brain.config import BrainConfig, read_config
from apps.brain.enums import CallOutcome, FallBack, Mode, Provider
from apps.brain.language_model.calling import Called
from apps.brain.language_model.prompts import Prompt
from apps.brain.language_model.proposing import FALL_BACKS
from apps.brain.language_model.questions import question_prompt
from apps.brain.language_model.replies import UnusableReplyError, answer_of
from apps.brain.models import BrainCall
from apps.brain.reading.talks import Talk, converse, reading_functions
from apps.brain.rules import answers
from apps.brain.schemas import Claim, Question, ReadAnswer
from apps.execution.signs import one_line

# Finding a record, reading it and one more look are three; who needs more does not find it.
MOST_ROUNDS = 5
# What the model says by giving no sentence.
NOT_KNOWN = "What I may read does not answer this question."


def answer(
    question: Question, *, actor: Actor, now: datetime, is_waited_for: bool = False
) -> ReadAnswer:
    """Answer a question from its facts and from what the asker may see.

    The tenant's model is asked first, and the built-in rules where it gives no answer that holds. No
    transaction may be open. ``is_waited_for``: see ``services.think``.
    """
    talk = Talk.begun(question)
    config = read_config()
    if config.provider == Provider.RULES:
        return _by_rules(talk, actor, None)
    said = _converse(talk, config.hurried() if is_waited_for else config, actor, now)
    note_fall_back([said if isinstance(said, FallBack) else None], now)
    tell_soft_limit(config, actor, today=question.today, now=now)
    talk.record_hostile(Mode.READ_ONLY, actor)
    return _by_rules(talk, actor, said) if isinstance(said, FallBack) else said


def _converse(
    talk: Talk, config: BrainConfig, actor: Actor, now: datetime
) -> ReadAnswer | FallBack:
    functions = reading_functions()

    def next_prompt(is_last_turn: bool) -> Prompt:
        return question_prompt(
            talk.question,
            talk.withheld,
            config.tone,
            functions,
            talk.turns,
            is_last_turn=is_last_turn,
        )

    called = converse(
        talk, next_prompt, config, Mode.READ_ONLY, most_rounds=MOST_ROUNDS, actor=actor, now=now
    )
    return called if isinstance(called, FallBack) else _finished(talk, called, config, actor)


def _finished(
    talk: Talk, called: Called, config: BrainConfig, actor: Actor
) -> ReadAnswer | FallBack:
    """The answer that a reply holds, with the sentences that hold against the facts."""
    call = called.call
    claims: tuple[Claim, ...] = ()
    sound: tuple[Claim, ...] = ()
    if call.outcome == CallOutcome.ANSWERED:
        try:
            claims = answer_of(called.reply.text)
        except UnusableReplyError as error:
            call.outcome, call.error_code = CallOutcome.UNUSABLE, error.code
        codes = [talk.unsound_code(claim) for claim in claims]
        sound = tuple(claim for claim, code in zip(claims, codes, strict=True) if not code)
        call.dropped_code = next(filter(None, codes), "")
        call.proposals_count = int(bool(sound))
    keep_called([called], config, actor)
    if reason := FALL_BACKS.get(CallOutcome(call.outcome)):
        return reason
    if claims and not sound:
        return FallBack.DID_NOT_HOLD
    return _answer_of(sound or (Claim(NOT_KNOWN, ()),), talk, call)


def _answer_of(claims: Sequence[Claim], talk: Talk, call: BrainCall) -> ReadAnswer:
    numbers = sorted({number for claim in claims for number in claim.facts})
    return ReadAnswer(
        sentences=tuple(replace(claim, text=one_line(claim.text)) for claim in claims),
        cited=tuple(talk.facts[number] for number in numbers),
        provider=Provider(call.provider),
        call_id=call.pk,
    )


def _by_rules(talk: Talk, actor: Actor, because: FallBack | None) -> ReadAnswer:
    began = time.monotonic()
    claims = answers.answer(talk.question, talk.withheld)
    call = keep_call_of_rules(
        Mode.READ_ONLY,
        answers.VERSION,
        actor,
        tasks=1,
        proposals=int(bool(claims)),
        began=began,
        because=because,
    )
    return _answer_of(claims or (Claim(answers.CANNOT, ()),), talk, call)
