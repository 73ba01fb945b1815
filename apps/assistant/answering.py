"""From a message to its answer: the rules first, a language model where they do not know and one is set.

Whatever becomes of the answer, the person's message is kept before it is begun.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from apps.assistant.enums import Intent, MessageState, Speaker
from apps.assistant.exceptions import BeingAnsweredError
from apps.assistant.intents import ANSWER, want_of
from apps.assistant.models import Conversation, Message
from apps.assistant.replies import reply_to
from apps.assistant.replies.leading import lead
from apps.assistant.replies.questions import EXAMPLES, FOR_EXAMPLE, facts_at_hand
from apps.assistant.replies.reply import Reply, Replying, plainly
from apps.assistant.replies.wishes import as_wished
from apps.assistant.rules import Heard, Topic, hear
from apps.assistant.rules.choosing import fitting, means_none, place_in
from apps.assistant.rules.hearing import reads_like_question
from apps.assistant.steps import (
    Cited,
    Done,
    Failed,
    Kept,
    Proposed,
    Said,
    Step,
    Working,
    as_json,
)
from apps.assistant.threads import (
    MOST_WORDS_OF_ANSWER,
    asked_back,
    asked_which,
    keep_message,
    require_talker,
    spoken_about,
    visible_context,
    visible_context_of,
)
from apps.assistant.turns import Turn
from apps.audit.enums import Origin
from apps.brain.config import BrainConfig, read_config
from apps.brain.enums import Language, Mode, Provider
from apps.brain.schemas import Claim, Fact
from apps.brain.services import think
from apps.execution.schemas import RecordRef
from apps.suggestions.models import Suggestion
from apps.tenants.exceptions import AishaError
from apps.tenants.services import current_tenant
from apps.users.models import User

# Longer than any answer takes; one that was never finished, because its process died, blocks no longer.
ANSWER_LASTS = timedelta(minutes=2)
ANSWERED_FROM = (Origin.TYPED, Origin.VOICE)
# An answer to another question than was asked must not pass for one.
IN_PART = "I have understood only a part of this; what I can tell you of it is about"
OWN = Claim(f"{IN_PART} you alone, and says nothing of anybody else:", ())
OF_ALL = Claim(
    f"{IN_PART} all that you may see, and not about one person, company or time in particular:", ()
)
_OWN_TOPICS = frozenset({Topic.TASKS, Topic.TO_DO})
CANNOT = "I cannot answer this without a language model, and none is set for your company."
CANNOT_NOW = "I cannot answer this: the language model did not answer, and the built-in rules do not know it."
STOPPED, FAULT = "stopped", "fault"


def respond(
    user: User,
    conversation: Conversation,
    text: str,
    origin: Origin,
    now: datetime,
    *,
    record: RecordRef | None = None,
) -> Generator[Step]:
    """Keep a message of this person's, and return the steps of its answer as they are made.

    ``record`` is the one whose page is open. No transaction may be open while the steps are read: a model
    may be asked. Who stops reading closes the iterator, and what was said so far is kept.

    Raises:
        ModuleOffError, TalkPermissionError: the assistant is not for them.
        NothingSaidError: there are no words.
        BeingAnsweredError: the message before is still being answered.
    """
    require_talker(user)
    with transaction.atomic():
        Conversation.objects.select_for_update().get(pk=conversation.pk)
        if _is_being_answered(conversation, now):
            raise BeingAnsweredError()
        said = keep_message(conversation, Speaker.PERSON, text, origin=origin, now=now)
    return _answer(user, conversation, said, record, now)


def _is_being_answered(conversation: Conversation, now: datetime) -> bool:
    """Whether the last message is a person's that was sent for an answer not long ago.

    What was typed into a call has the provider's item, and is answered there.
    """
    last = conversation.messages.order_by("-id").first()
    return (
        last is not None
        and last.speaker == Speaker.PERSON
        and last.origin in ANSWERED_FROM
        and not last.item
        and last.said_at > now - ANSWER_LASTS
    )


@dataclass(slots=True)
class _Answer:
    """What has come of a message so far."""

    asked: Message
    intent: str = ""
    claims: list[Claim] = field(default_factory=list)
    suggestions: list[int] = field(default_factory=list)
    reply: Reply | None = None
    is_kept: bool = False

    def cited(self, turn: Turn) -> list[Fact]:
        """The facts of the turn that the sentences rest on."""
        numbers = {number for claim in self.claims for number in claim.facts}
        return [fact for fact in turn.facts if fact.number in numbers]

    def keep(self, turn: Turn, state: MessageState, *, code: str = "", words: str = "") -> Message:
        """Store it, once, below the message that it answers."""
        self.is_kept = True
        text = words or " ".join(claim.text for claim in self.claims) or "…"
        reply = self.reply
        with transaction.atomic():
            message = Message.objects.create(
                conversation_id=self.asked.conversation_id,
                speaker=Speaker.ASSISTANT,
                origin=self.asked.origin,
                state=state,
                text=text,
                intent=self.intent,
                sentences=[{"text": one.text, "facts": list(one.facts)} for one in self.claims],
                facts=[as_json(fact) for fact in self.cited(turn)],
                leads_to=reply.leads_to.address if reply and reply.leads_to else "",
                provider=reply.provider if reply else "",
                brain_call_id=reply.call_id if reply else None,
                error_code=code,
                said_at=timezone.now(),
            )
            known = Suggestion.objects.filter(pk__in=self.suggestions).values_list("pk", flat=True)
            message.suggestions.set(known)
            Message.objects.filter(pk=self.asked.pk).update(intent=self.intent)
            Conversation.objects.filter(pk=message.conversation_id).update(
                last_said_at=message.said_at
            )
        return message


def _answer(
    user: User,
    conversation: Conversation,
    said: Message,
    record: RecordRef | None,
    now: datetime,
) -> Generator[Step]:
    answer = _Answer(said)
    turn: Turn | None = None
    try:
        yield Kept(said.pk)
        config = read_config()
        turn = _turn_of(user, conversation, said, record, now, config.language)
        zone = user.zone(current_tenant().zone)
        try:
            reply = yield from _steps(_replying(turn, answer, config), zone, answer)
        except AishaError as error:
            answer.keep(turn, MessageState.FAILED, code=error.code, words=error.message)
            yield Failed(error.code, error.message)
            return
        answer.reply = reply
        for claim in reply.claims:
            answer.claims.append(claim)
            yield Said(claim)
        yield from _rest(turn, answer, reply)
        message = answer.keep(turn, MessageState.WHOLE)
        yield Done(message.pk)
    except GeneratorExit:
        if turn is not None and not answer.is_kept:
            answer.keep(turn, MessageState.CUT_SHORT, code=STOPPED)
        raise
    finally:
        if turn is not None and not answer.is_kept:
            words = "Something went wrong on our side, and I have no answer."
            answer.keep(turn, MessageState.FAILED, code=FAULT, words=words)


def _rest(turn: Turn, answer: _Answer, reply: Reply) -> Iterator[Step]:
    """What stands below the sentences."""
    if cited := answer.cited(turn):
        yield Cited(cited)
    for suggestion_id in reply.suggestions:
        if suggestion_id not in answer.suggestions:
            answer.suggestions.append(suggestion_id)
            yield Proposed(suggestion_id)
    if reply.leads_to is not None:
        yield reply.leads_to


def _steps(replying: Replying, zone: ZoneInfo, answer: _Answer) -> Replying:
    """The steps, each made in the person's zone, which is nobody's while they wait to be read.

    What is proposed on the way is taken down: it stays, even if the rest is stopped.
    """
    while True:
        with timezone.override(zone):
            try:
                step = next(replying)
            except StopIteration as finished:
                reply: Reply = finished.value
                return reply
        if isinstance(step, Proposed):
            answer.suggestions.append(step.suggestion_id)
        yield step


def _turn_of(
    user: User,
    conversation: Conversation,
    said: Message,
    record: RecordRef | None,
    now: datetime,
    language: Language,
) -> Turn:
    # Read as the run-time login: the AI's role knows nothing of rights.
    user.get_all_permissions()
    tenant = current_tenant()
    # “Tomorrow” is the person's.
    today = user.day_at(now, tenant.zone)
    spoken = [ref for ref in spoken_about(conversation) if visible_context(user, ref)]
    is_one = len(spoken) == 1
    return Turn(
        user=user,
        words=said.text,
        origin=Origin(said.origin),
        now=now,
        today=today,
        next_working_day=tenant.calendar.next_working_day(today),
        language=language,
        page=visible_context_of(user, record, conversation),
        carried=spoken[0] if is_one else None,
        listed=() if is_one else tuple(spoken),
        asked_back=asked_back(conversation, said),
        asked_which=asked_which(conversation, said),
    )


def _replying(turn: Turn, answer: _Answer, config: BrainConfig) -> Replying:
    has_model = config.provider != Provider.RULES and not config.lacks(turn.today)
    if turn.asked_which is not None and means_none(turn.words):
        answer.intent = Intent.QUESTION
        return plainly("Then I leave it at that: nothing was proposed.")
    heard = _heard(turn, has_model)
    answer.intent = heard.topic.intent if heard else ""
    if heard is not None and (heard.is_whole or heard.topic.intent != Intent.QUESTION):
        reply = yield from reply_to(turn, heard)
        if not (reply.is_lost and has_model):
            return reply
        # “The Isdom people” is no record's name; a model finds whom it stands for.
        wished = yield from as_wished(turn)
        if wished.call_id is not None:
            return wished
        return replace(reply, claims=reply.claims + wished.claims)
    if not has_model:
        answer.intent = answer.intent or Intent.QUESTION
        return (yield from _by_rules(turn, heard, CANNOT))
    if not reads_like_question(turn.words):
        yield Working("Understanding the question")
    want = want_of(turn)
    if want.fall_back is not None and want.fall_back.is_of_provider:
        # Who did not answer this would not answer the question either.
        answer.intent = answer.intent or Intent.QUESTION
        return (yield from _by_rules(turn, heard, CANNOT_NOW))
    if want.kind == ANSWER:
        answer.intent = Intent.PROPOSE
        return (yield from as_wished(turn, turn.asked_back))
    # Where it told nothing of use, the message is a question: nothing comes of one but an answer.
    answer.intent = want.kind or Intent.QUESTION
    match answer.intent:
        case Intent.PROPOSE:
            return (yield from as_wished(turn))
        case Intent.NAVIGATE:
            return (yield from lead(turn, want.page, want.name))
        case Intent.OUT_OF_SCOPE:
            return plainly(
                "This is nothing that I do: I answer from your CRM, and propose changes to it.",
                "What is approved, undone, deleted or set, a person does.",
                FOR_EXAMPLE,
            )
        case _:
            return (yield from _read(turn, heard))


def _heard(turn: Turn, has_model: bool) -> Heard | None:
    """What a message wants; where the rules have asked which record, what was wanted of the one it tells."""
    asked, heard = turn.asked_which, hear(turn.words)
    wanted = hear(asked.wish) if asked is not None else None
    if asked is None or wanted is None:
        return heard
    place = place_in(turn.words, len(asked.options))
    options = [(ref.kind.value, text) for ref, text in asked.options]
    if place is not None:
        turn.meant = asked.options[place][0]
    elif fitting(turn.words, options) or (
        # What nobody else makes sense of is taken for the name of another one.
        heard is None
        and not has_model
        and not reads_like_question(turn.words)
        and len(turn.words.split()) <= MOST_WORDS_OF_ANSWER
    ):
        turn.meant_words = turn.words
    else:
        return heard
    turn.words = f"{asked.wish} — {turn.words}"
    return wanted


def _read(turn: Turn, heard: Heard | None) -> Replying:
    """The model's answer to a question, or the rules' in its place."""
    facts = facts_at_hand(turn)
    yield Working("Asking the language model")
    read = think(
        turn.question(facts),
        Mode.READ_ONLY,
        actor=turn.actor,
        now=turn.now,
        is_waited_for=True,
    )
    if read.provider == Provider.RULES:
        return (yield from _by_rules(turn, heard, CANNOT_NOW))
    turn.take_up(read.cited)
    sentences = read.sentences
    if not read.cited:
        sentences = (*sentences, Claim(FOR_EXAMPLE, ()))
    return Reply(sentences, provider=read.provider, call_id=read.call_id)


def _by_rules(turn: Turn, heard: Heard | None, cannot: str) -> Replying:
    """What the rules make of a message that they have not understood word for word."""
    if heard is not None:
        reply = yield from reply_to(turn, heard)
        if heard.is_whole:
            return reply
        whose = OWN if heard.topic in _OWN_TOPICS else OF_ALL
        return replace(reply, claims=(whose, *reply.claims))
    return plainly(cannot, f"What I can tell you now: {' · '.join(EXAMPLES)}")
