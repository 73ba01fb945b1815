"""From a question to an answer: the model reads, round by round, and the rules stand in for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_events
from apps.brain.astray import astray_code
from apps.brain.call_log import keep_call_of_rules, keep_called, note_fall_back, tell_soft_limit
from apps.brain.config import BrainConfig, read_config
from apps.brain.enums import CallOutcome, FallBack, Mode, Provider
from apps.brain.hostile import reads_like_orders
from apps.brain.language_model.calling import Called, call_model
from apps.brain.language_model.prompts import Prompt, quoted_facts
from apps.brain.language_model.proposing import FALL_BACKS
from apps.brain.language_model.questions import LONGEST_RESULT, question_prompt, turn_of
from apps.brain.language_model.replies import FunctionCall, UnusableReplyError, answer_of
from apps.brain.language_model.strict import function_of
from apps.brain.models import BrainCall
from apps.brain.reading.running import readable, record_refusal, run_call
from apps.brain.reading.tools import ReadRefusedError, read_tools
from apps.brain.rules import answers
from apps.brain.schemas import Claim, Fact, Question, ReadAnswer
from apps.execution.signs import one_line
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

# Finding a record, reading it and one more look are three; who needs more does not find it.
MOST_ROUNDS = 5
MOST_CALLS_A_ROUND = 4
# Facts that a host may be a part of: “Booking.com”.
_NAMES = frozenset(
    {"name", "hit", "about", "account", "company", "contact", "other_contact", "parent", "website"}
)
# What the model says by giving no sentence.
NOT_KNOWN = "What I may read does not answer this question."


def answer(
    question: Question, *, actor: Actor, now: datetime, is_waited_for: bool = False
) -> ReadAnswer:
    """Answer a question from its facts and from what the asker may see.

    The tenant's model is asked first, and the built-in rules where it gives no answer that holds. No
    transaction may be open. ``is_waited_for``: see ``services.think``.
    """
    # Read as the run-time login: the AI's role knows nothing of rights.
    question.asker.get_all_permissions()
    with transaction.atomic(), taking_role(Role.AI):
        question = replace(question, facts=tuple(readable(question, question.facts)))
    talk = _Talk(question)
    talk.add(question.facts)
    config = read_config()
    if config.provider == Provider.RULES:
        return _by_rules(talk, actor, None)
    said = _converse(talk, config.hurried() if is_waited_for else config, actor, now)
    note_fall_back([said if isinstance(said, FallBack) else None], now)
    tell_soft_limit(config, actor, today=question.today, now=now)
    _record_hostile(talk, actor)
    return _by_rules(talk, actor, said) if isinstance(said, FallBack) else said


@dataclass(slots=True)
class _Talk:
    """One question under way: the facts that the model knows, and what it has called."""

    question: Question
    facts: dict[int, Fact] = field(default_factory=dict)
    withheld: dict[int, str] = field(default_factory=dict)
    turns: list[dict[str, Any]] = field(default_factory=list)

    def add(self, facts: Sequence[Fact]) -> None:
        """Let facts be known; of those that read like instructions, all but the words."""
        for fact in facts:
            self.facts[fact.number] = fact
            if code := reads_like_orders(fact.text):
                self.withheld[fact.number] = code

    def prompt(self, config: BrainConfig, *, is_last_turn: bool) -> Prompt:
        """What is asked next."""
        functions = [function_of(one.key, one.description, one.arguments) for one in read_tools()]
        return question_prompt(
            self.question,
            self.withheld,
            config.tone,
            functions,
            self.turns,
            is_last_turn=is_last_turn,
        )

    def take_up(self, calls: Sequence[FunctionCall], actor: Actor) -> None:
        """Run what the model wants to read, one after the other, as far as there is room."""
        for call in calls[:MOST_CALLS_A_ROUND]:
            first = max(self.facts, default=0) + 1
            read = run_call(call, self.question, first_number=first, actor=actor)
            if read.refusal:
                self.turns += turn_of(call, {"refused": read.refusal})
                continue
            self.add(read.facts)
            quoted = quoted_facts(read.facts, self.withheld, most=LONGEST_RESULT)
            for fact in read.facts[len(quoted) :]:
                # What the model was not told it cannot know.
                del self.facts[fact.number]
            self.turns += turn_of(
                call, {"facts": quoted, "left_out": len(read.facts) - len(quoted)}
            )
        if len(calls) > MOST_CALLS_A_ROUND:
            # What is not told back was not called, as far as the model knows.
            record_refusal(ReadRefusedError("too_many_calls"), "", actor)


def _converse(
    talk: _Talk, config: BrainConfig, actor: Actor, now: datetime
) -> ReadAnswer | FallBack:
    for place in range(MOST_ROUNDS):
        prompt = talk.prompt(config, is_last_turn=place == MOST_ROUNDS - 1)
        # Each round is set aside, and paid for, by itself: how many there will be nobody knows.
        (called,) = call_model([prompt], config, Mode.READ_ONLY, today=talk.question.today, now=now)
        if isinstance(called, FallBack):
            return called
        if called.reply.calls:
            keep_called([called], config, actor)
            if not prompt.is_last_turn:
                talk.take_up(called.reply.calls, actor)
            continue
        return _finished(talk, called, config, actor)
    return FallBack.NO_END


def _finished(
    talk: _Talk, called: Called, config: BrainConfig, actor: Actor
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
        codes = [_unsound_code(claim, talk) for claim in claims]
        sound = tuple(claim for claim, code in zip(claims, codes, strict=True) if not code)
        call.dropped_code = next(filter(None, codes), "")
        call.proposals_count = int(bool(sound))
    keep_called([called], config, actor)
    if reason := FALL_BACKS.get(CallOutcome(call.outcome)):
        return reason
    if claims and not sound:
        return FallBack.DID_NOT_HOLD
    return _answer_of(sound or (Claim(NOT_KNOWN, ()),), talk, call)


def _unsound_code(claim: Claim, talk: _Talk) -> str:
    """Why a sentence is left out, or nothing."""
    if not claim.facts or not one_line(claim.text):
        return "no_evidence"
    if not set(claim.facts) <= set(talk.facts):
        return "unknown_fact"
    cited = [talk.facts[number] for number in claim.facts]
    return astray_code(claim.text, cited, [fact.text for fact in cited if fact.key in _NAMES])


def _answer_of(claims: Sequence[Claim], talk: _Talk, call: BrainCall) -> ReadAnswer:
    numbers = sorted({number for claim in claims for number in claim.facts})
    return ReadAnswer(
        sentences=tuple(replace(claim, text=one_line(claim.text)) for claim in claims),
        cited=tuple(talk.facts[number] for number in numbers),
        provider=Provider(call.provider),
        call_id=call.pk,
    )


def _by_rules(talk: _Talk, actor: Actor, because: FallBack | None) -> ReadAnswer:
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


def _record_hostile(talk: _Talk, actor: Actor) -> None:
    """What read like instructions to an AI goes on record: where it stands, never the text."""
    entries = [
        Entry(
            Event.HOSTILE_TEXT_FOUND,
            record_kind=ref.kind if ref else "",
            record_id=ref.id if ref else None,
            details={"mode": Mode.READ_ONLY, "codes": [code], "places": [f"F{number}"]},
        )
        for number, code in talk.withheld.items()
        for ref in [talk.facts[number].record if number in talk.facts else None]
    ]
    if entries:
        with transaction.atomic(), taking_role(Role.AI):
            record_events(actor, entries)
