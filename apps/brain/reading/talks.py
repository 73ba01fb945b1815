"""A talk with a model under way: it knows numbered facts, calls functions to read more, and answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from django.db import transaction

from apps.audit.schemas import Actor
from apps.brain.astray import astray_code
from apps.brain.call_log import keep_called
from apps.brain.config import BrainConfig
from apps.brain.enums import FallBack, Mode
from apps.brain.hostile import reads_like_orders
from apps.brain.language_model.calling import Called, call_model
from apps.brain.language_model.prompts import Prompt, quoted_facts
from apps.brain.language_model.questions import LONGEST_RESULT, turn_of
from apps.brain.language_model.replies import FunctionCall
from apps.brain.language_model.strict import function_of
from apps.brain.reading.running import (
    HostileFact,
    readable,
    record_hostile,
    record_refusal,
    run_call,
)
from apps.brain.reading.tools import ReadRefusedError, read_tools
from apps.brain.schemas import Claim, Fact, Question
from apps.execution.signs import one_line
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

MOST_CALLS_A_ROUND = 4
# Facts that a host may be a part of: “Booking.com”.
_NAMES = frozenset(
    {"name", "hit", "about", "account", "company", "contact", "other_contact", "parent", "website"}
)


@dataclass(slots=True)
class Talk:
    """What a person wants to know or to have, the facts that the model knows, and what it has called."""

    question: Question
    facts: dict[int, Fact] = field(default_factory=dict)
    withheld: dict[int, str] = field(default_factory=dict)
    turns: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def begun(cls, question: Question) -> Self:
        """A talk about a question, with those of its facts that the asker may read."""
        # Read as the run-time login: the AI's role knows nothing of rights.
        question.asker.get_all_permissions()
        with transaction.atomic(), taking_role(Role.AI):
            question = replace(question, facts=tuple(readable(question, question.facts)))
        talk = cls(question)
        talk.add(question.facts)
        return talk

    def add(self, facts: Sequence[Fact]) -> None:
        """Let facts be known; of those that read like instructions, all but the words."""
        for fact in facts:
            self.facts[fact.number] = fact
            if code := reads_like_orders(fact.text):
                self.withheld[fact.number] = code

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

    def unsound_code(self, claim: Claim, *said: Fact) -> str:
        """Why a sentence of the model's is left out, or nothing.

        ``said``: what it may quote beside the facts that it cites; without any of it, it has to cite.
        """
        if not (claim.facts or said) or not one_line(claim.text):
            return "no_evidence"
        if not set(claim.facts) <= set(self.facts):
            return "unknown_fact"
        cited = [self.facts[number] for number in claim.facts]
        names = [fact.text for fact in cited if fact.key in _NAMES]
        return astray_code(claim.text, [*said, *cited], names)

    def record_hostile(self, mode: Mode, actor: Actor) -> None:
        """What read like instructions to an AI goes on record: where it stands, never the text."""
        found = (
            HostileFact(number, self.facts[number].record if number in self.facts else None, code)
            for number, code in self.withheld.items()
        )
        record_hostile(found, mode, actor)


def reading_functions() -> list[dict[str, Any]]:
    """The functions by which a model reads, as the Responses API has them."""
    return [function_of(one.key, one.description, one.arguments) for one in read_tools()]


def converse(
    talk: Talk,
    next_prompt: Callable[[bool], Prompt],
    config: BrainConfig,
    mode: Mode,
    *,
    most_rounds: int,
    actor: Actor,
    now: datetime,
) -> Called | FallBack:
    """Ask round by round until the model answers; the answer's call is not yet on record.

    ``next_prompt`` makes what is asked next; told True, it is the last turn. No transaction may be open.
    """
    for place in range(most_rounds):
        prompt = next_prompt(place == most_rounds - 1)
        # Each round is set aside, and paid for, by itself: how many there will be nobody knows.
        (called,) = call_model([prompt], config, mode, today=talk.question.today, now=now)
        if isinstance(called, FallBack):
            return called
        if not called.reply.calls:
            return called
        keep_called([called], config, actor)
        if not prompt.is_last_turn:
            talk.take_up(called.reply.calls, actor)
    return FallBack.NO_END
