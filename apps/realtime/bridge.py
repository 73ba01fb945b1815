"""The bridge: a function that the provider's model calls becomes a look-up or a proposal of this person's.

It runs with the person's own rights and as the role ``aisha_ai``. There are no other functions than those
that read and those that propose, whatever the browser or the model asks for.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.brain.enums import Language
from apps.brain.hostile import reads_like_orders
from apps.brain.language_model.prompts import quoted_facts
from apps.brain.language_model.questions import LONGEST_RESULT
from apps.brain.language_model.replies import FunctionCall
from apps.brain.reading.running import run_call
from apps.brain.schemas import Question
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef
from apps.realtime.config import RealtimeConfig, read_config
from apps.realtime.enums import ToolCallStatus
from apps.realtime.exceptions import NotForThisPersonError
from apps.realtime.models import Session, ToolCall
from apps.realtime.offers import PROPOSES, function_names
from apps.realtime.quoting import quoted
from apps.realtime.sessions import find_session, require_open
from apps.realtime.spending import left_of_month
from apps.realtime.tokens import TALK_PERMISSION
from apps.realtime.transcripts import lines_of
from apps.suggestions.models import Suggestion
from apps.suggestions.services import propose_change
from apps.tenants.enums import Module
from apps.tenants.exceptions import AishaError
from apps.tenants.services import current_tenant, require_module
from apps.users.models import User

# Somebody who talks asks for a few things in a minute; a model that has lost its way asks for hundreds.
MOST_CALLS_A_MINUTE = 30
# What a person may have said that asks for one thing.
LONGEST_ARGUMENTS = 20_000
# An answer is kept for a page that asks again after a drop: no call lasts longer, and it holds what records
# say.
ANSWERS_KEPT = timedelta(days=1)
# What people will want it to do that it never does: told apart on record, by the word alone.
_BARRED = re.compile(
    r"approve|apply|execute|undo|delete|remove|send|admin|setting|reject|permission"
)


# What is said of what was refused, where no error of ours says it.
_REFUSALS = {
    "unknown_tool": (
        "I cannot do that. I look things up and propose changes; you approve them on the page Suggestions."
    ),
    "invalid_arguments": "That could not be understood. Say again what is wanted, and of whom.",
    "too_many_calls": "That was too much at once. Wait a minute, then ask again.",
}
# What a person has to have said in their own words; a model's word for it is not enough.
_UNPROVEN = frozenset({"stated_nowhere", "foreign_address", "foreign_number", "foreign_link"})
_NOT_LOOKED_UP = (
    "That record was not looked up in this call. Look it up, then ask for this again with what was"
    " found."
)
_NOT_WRITTEN_DOWN = (
    "An address or a number has to be in your colleague's own words, and those are not written down yet. Ask"
    " them to say it once more, then ask for this again with what they say."
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back to the provider's model as the function's output.

    ``records`` are those that it tells of; they are noted, and not part of the answer.
    """

    call_id: str
    status: ToolCallStatus
    code: str
    output: dict[str, JsonValue]
    suggestion_id: int | None = None
    records: tuple[RecordRef, ...] = ()


class _Wish(BaseModel):
    """The arguments of a function that proposes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arguments: dict[str, JsonValue]
    reason: str = Field(min_length=1, max_length=500)
    words: str = Field(min_length=1, max_length=2_000)


def call_tool(
    user: User, session_id: UUID, call_id: str, name: str, arguments: str, *, now: datetime
) -> Answered:
    """Answer a call; the same call told twice has the answer that it had.

    Raises:
        ModuleOffError, NotForThisPersonError: talking is not for this company, or this person.
        SessionNotFoundError, SessionOverError: the call is no call of theirs, or is over.
    """
    require_module(Module.REALTIME)
    if not user.has_perm(TALK_PERMISSION):
        raise NotForThisPersonError()
    config = read_config()
    session = find_session(user, session_id)
    require_open(session, config, now, left_of_month(config, current_tenant(), now))
    # Read as the run-time login: the AI's role knows nothing of rights.
    user.get_all_permissions()
    began = time.monotonic()
    with transaction.atomic():
        # One call of a session at a time: of two that are the same the second finds the first's answer.
        session = Session.objects.select_for_update().get(pk=session.pk)
        known = ToolCall.objects.filter(session=session, call_id=call_id).first()
        if known is not None:
            return _answer_of(known)
        called = _Called(user, session, FunctionCall(call_id, name, arguments), now)
        answered = _answer(called, config)
        is_ours = answered.code != "unknown_tool"
        ToolCall.objects.create(
            session=session,
            call_id=call_id,
            tool=name if is_ours else "",
            status=answered.status,
            code=answered.code,
            answer=answered.output,
            records=[str(record) for record in answered.records],
            suggestion_id=answered.suggestion_id,
            called_at=now,
            latency_ms=round((time.monotonic() - began) * 1000),
        )
        session.tool_calls_count += 1
        session.last_seen_at = max(session.last_seen_at, now)
        session.save(update_fields=["tool_calls_count", "last_seen_at"])
    return answered


def forget_answers(now: datetime) -> int:
    """Forget what was answered to calls that nobody asks about any more; return how many that were."""
    old = ToolCall.objects.filter(called_at__lt=now - ANSWERS_KEPT)
    return old.exclude(answer={}).update(answer={})


@dataclass(frozen=True, slots=True)
class _Called:
    """A call under way: who asks, in which session, and what is wanted."""

    user: User
    session: Session
    call: FunctionCall
    now: datetime

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return Actor.for_person(self.user, Origin.REALTIME)


def _answer(called: _Called, config: RealtimeConfig) -> Answered:
    # First of all: whatever comes with it and however often, a name that is none of ours is not kept.
    if called.call.name not in function_names():
        return _refused(called, "unknown_tool")
    since = called.now - timedelta(minutes=1)
    lately = ToolCall.objects.filter(session=called.session, called_at__gt=since)
    if lately.count() >= MOST_CALLS_A_MINUTE:
        return _refused(called, "too_many_calls")
    if len(called.call.arguments) > LONGEST_ARGUMENTS:
        return _refused(called, "invalid_arguments")
    if called.call.name.startswith(PROPOSES):
        return _propose(called)
    return _read(called, config.language)


def _read(called: _Called, language: Language) -> Answered:
    call = called.call
    today = called.user.day_at(called.now, current_tenant().zone)
    question = Question("", called.user, language, today)
    read = run_call(call, question, first_number=1, actor=called.actor)
    if read.refusal:
        output: dict[str, JsonValue] = {"refused": read.refusal}
        return Answered(call.call_id, ToolCallStatus.REFUSED, read.refusal, output)
    withheld = {fact.number for fact in read.facts if reads_like_orders(fact.text)}
    facts: list[Any] = quoted_facts(read.facts, withheld, most=LONGEST_RESULT)
    output = {"facts": facts, "left_out": len(read.facts) - len(facts)}
    # What was left out the model does not know.
    told = read.facts[: len(facts)]
    records = dict.fromkeys(fact.record for fact in told if fact.record is not None)
    return Answered(call.call_id, ToolCallStatus.ANSWERED, "", output, records=(*records,))


def _told_of(session: Session) -> frozenset[RecordRef]:
    """The records that the model was told of in this call: a proposal names no others."""
    found = {
        RecordRef.parse(record)
        for records in ToolCall.objects.filter(session=session).values_list("records", flat=True)
        for record in records
    }
    if session.record_id is not None:
        found.add(RecordRef(RecordKind(session.record_kind), session.record_id))
    return frozenset(found)


def _propose(called: _Called) -> Answered:
    call = called.call
    try:
        wish = _Wish.model_validate_json(call.arguments)
    except ValidationError:
        return _refused(called, "invalid_arguments")
    quote = quoted(wish.words, lines_of(called.session))
    try:
        suggestion = propose_change(
            tool=call.name.removeprefix(PROPOSES),
            arguments=wish.arguments,
            reason=wish.reason,
            words=quote or wish.words,
            is_heard=not quote,
            user=called.user,
            origin=Origin.REALTIME,
            actor=called.actor,
            now=called.now,
            told_of=_told_of(called.session),
        )
    except AishaError as error:
        if error.code == "unknown_record":
            return _refused(called, error.code, _NOT_LOOKED_UP)
        if error.code in _UNPROVEN and not quote:
            return _refused(called, error.code, _NOT_WRITTEN_DOWN)
        return _refused(called, error.code, error.message)
    told = _told(suggestion)
    return Answered(call.call_id, ToolCallStatus.PROPOSED, "", told, suggestion.pk)


def _told(suggestion: Suggestion) -> dict[str, JsonValue]:
    return {
        "message": f"Proposed: {suggestion.title}. It waits for approval on the page Suggestions.",
        "proposed": suggestion.title,
        "suggestion": suggestion.pk,
    }


def _refused(called: _Called, code: str, message: str = "") -> Answered:
    """Refuse, and put it on record. The model may call a function by any text, which is not kept."""
    barred = _BARRED.search(called.call.name.lower())
    record_event(
        called.actor,
        Entry(
            Event.REALTIME_TOOL_REFUSED,
            details={
                "session": str(called.session.pk),
                "code": code,
                "wanted": barred.group() if barred and code == "unknown_tool" else "",
            },
        ),
    )
    output: dict[str, JsonValue] = {"refused": code, "message": message or _REFUSALS[code]}
    return Answered(called.call.call_id, ToolCallStatus.REFUSED, code, output)


def _answer_of(known: ToolCall) -> Answered:
    return Answered(
        known.call_id,
        ToolCallStatus(known.status),
        known.code,
        known.answer,
        known.suggestion_id,
    )
