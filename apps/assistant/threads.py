"""Conversations of one person: begun, found, listed, searched, deleted. Nobody else's are ever found."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.assistant.enums import Intent, MessageState, Speaker
from apps.assistant.exceptions import (
    ConversationNotFoundError,
    NothingSaidError,
    TalkPermissionError,
)
from apps.assistant.models import Conversation, Message
from apps.assistant.rules import Topic, hear
from apps.assistant.turns import WHICH_ONE, AskedBack, AskedWhich
from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.brain.enums import Provider
from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.services import visible_records
from apps.execution.schemas import RecordRef
from apps.execution.signs import one_line
from apps.suggestions import services as suggestions
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.users.models import User

TALK_PERMISSION = "assistant.add_message"
# What a person types; a longer text is a document.
LONGEST_TEXT = 4_000
_LONGEST_TITLE = 80
# How many answers back a record is still the one that “them” means.
_LOOKED_BACK = 6
# Of a list so many are asked about.
_MOST_LISTED = 10
# A message and its answer.
_PAIR = 2
MOST_WORDS_OF_ANSWER = 8
# What is asked, or wished, of one record: whatever else its answer names belongs to that.
_OF_ONE = frozenset(
    {Topic.ABOUT, Topic.OWNER, Topic.REMIND, Topic.FOLLOW_UP, Topic.LOG, Topic.GO_TO}
)
_SPOKEN_ABOUT = frozenset(
    {RecordKind.LEAD, RecordKind.CONTACT, RecordKind.ACCOUNT, RecordKind.OPPORTUNITY}
    | {RecordKind.CONTRACT}
)


def require_talker(user: User) -> None:
    """Pass where the company has the assistant and the person's role includes it.

    Raises:
        ModuleOffError, TalkPermissionError: it is not so.
    """
    require_module(Module.ASSISTANT)
    if not user.has_perm(TALK_PERMISSION):
        raise TalkPermissionError()


def conversations_of(user: User, text: str = "") -> QuerySet[Conversation]:
    """The person's conversations, the latest first; with ``text`` those in which it was said."""
    found = Conversation.objects.filter(person=user)
    if words := text.strip():
        said = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=words)
        found = found.filter(Q(title__icontains=words) | Exists(said))
    return found.order_by("-last_said_at", "-id")


def past_conversations_of(user: User, text: str = "") -> QuerySet[Conversation]:
    """Those in which anything was said: a call that nobody has spoken in leaves none behind."""
    said = Message.objects.filter(conversation=OuterRef("pk"))
    return conversations_of(user, text).filter(Exists(said))


def find_conversation(user: User, conversation_id: int) -> Conversation:
    """Return a conversation of this person's.

    Raises:
        ConversationNotFoundError: there is none of this id that is theirs.
    """
    found = Conversation.objects.filter(pk=conversation_id, person=user).first()
    if found is None:
        raise ConversationNotFoundError()
    return found


def visible_context(user: User, record: RecordRef | None) -> RecordRef | None:
    """The record whose page is open, where the person may see it."""
    if record is None:
        return None
    rows = visible_records(user, model_of(record.kind)).filter(pk=record.id)
    return record if rows.exists() else None


def visible_context_of(
    user: User, page: RecordRef | None, conversation: Conversation | None
) -> RecordRef | None:
    """The record whose page is open, else the one that the conversation is about, if they may see it."""
    about = None if conversation is None else record_of(conversation)
    return visible_context(user, page) or visible_context(user, about)


def open_conversation(user: User, record: RecordRef | None, now: datetime) -> Conversation:
    """Begin a conversation; about a record only where the person may see it."""
    context = visible_context(user, record)
    return Conversation.objects.create(
        person=user,
        record_kind=context.kind if context else "",
        record_id=context.id if context else None,
        began_at=now,
        last_said_at=now,
    )


def record_of(conversation: Conversation) -> RecordRef | None:
    """The record that it is about."""
    if conversation.record_id is None:
        return None
    return RecordRef(RecordKind(conversation.record_kind), conversation.record_id)


def keep_message(
    conversation: Conversation,
    speaker: Speaker,
    text: str,
    *,
    origin: Origin,
    now: datetime,
    state: MessageState = MessageState.WHOLE,
    item: str = "",
    said_at: datetime | None = None,
) -> Message:
    """Keep what one side said; with an ``item`` once, and then the longer of what was told of it.

    ``said_at`` is when, where that is known better than by ``now``.

    Raises:
        NothingSaidError: there are no words.
    """
    words = text.replace("\0", "").strip()[:LONGEST_TEXT]
    if not words:
        raise NothingSaidError()
    with transaction.atomic():
        row = Conversation.objects.select_for_update().get(pk=conversation.pk)
        known = row.messages.filter(item=item).first() if item else None
        if known is not None:
            if len(words) >= len(known.text):
                known.text, known.state = words, state
                known.save(update_fields=["text", "state"])
            return known
        message = Message.objects.create(
            conversation=row,
            speaker=speaker,
            origin=origin,
            state=state,
            text=words,
            item=item,
            said_at=said_at or now,
        )
        if not row.title and speaker == Speaker.PERSON:
            row.title = one_line(words)[:_LONGEST_TITLE]
        row.last_said_at = now
        row.save(update_fields=["title", "last_said_at"])
    return message


def delete_conversation(user: User, conversation_id: int) -> None:
    """Delete a conversation of this person's with all that was said; what it proposed stays.

    Raises:
        ConversationNotFoundError: there is none of this id that is theirs.
    """
    with transaction.atomic():
        conversation = find_conversation(user, conversation_id)
        details = {"conversation": conversation.pk, "messages": conversation.messages.count()}
        conversation.delete()
        record_event(Actor.for_person(user), Entry(Event.CONVERSATION_DELETED, details=details))


def delete_conversations(user: User) -> int:
    """Delete all conversations of this person's, and return how many that were."""
    with transaction.atomic():
        mine = Conversation.objects.filter(person=user)
        count = mine.count()
        if count:
            said = Message.objects.filter(conversation__person=user).count()
            mine.delete()
            details = {"conversations": count, "messages": said}
            record_event(Actor.for_person(user), Entry(Event.CONVERSATION_DELETED, details=details))
    return count


def spoken_about(conversation: Conversation) -> tuple[RecordRef, ...]:
    """The record that the latest answer about any is about; where that was a list, its first records."""
    answers = conversation.messages.filter(speaker=Speaker.ASSISTANT).order_by("-id")
    for answer in answers[:_LOOKED_BACK].prefetch_related("suggestions"):
        cited = [RecordRef.parse(fact["record"]) for fact in answer.facts if fact["record"]]
        proposed = [suggestions.record_of(suggestion) for suggestion in answer.suggestions.all()]
        refs = tuple(dict.fromkeys(r for r in (*cited, *proposed) if r.kind in _SPOKEN_ABOUT))
        if refs:
            return refs[:_MOST_LISTED] if _is_list(conversation, answer, refs) else refs[:1]
    return ()


def _is_list(conversation: Conversation, answer: Message, refs: tuple[RecordRef, ...]) -> bool:
    """Whether an answer that names several records is about all of them, or about the first."""
    before = conversation.messages.filter(speaker=Speaker.PERSON, pk__lt=answer.pk)
    asked = before.order_by("-id").first()
    heard = hear(asked.text) if asked is not None and answer.provider == Provider.RULES else None
    if heard is not None:
        return heard.topic not in _OF_ONE or bool(_options(answer))
    # Beside a deal its account is told, beside an account its deals: a list has several of one kind.
    return len([ref for ref in refs if ref.kind == refs[0].kind]) > 1


def asked_which(conversation: Conversation, before: Message) -> AskedWhich | None:
    """Which record the rules have asked for in the answer before this message, and for what."""
    said = list(conversation.messages.filter(pk__lt=before.pk).order_by("-id")[:_LOOKED_BACK])
    wish = ""
    for answer, asked in zip(said[::_PAIR], said[1::_PAIR], strict=False):
        if not _options(answer) or asked.speaker != Speaker.PERSON:
            break
        wish = asked.text
        if hear(wish) is not None:
            # What came after it were answers that did not tell.
            break
    return AskedWhich(wish, _options(said[0])) if wish else None


def _options(answer: Message) -> tuple[tuple[RecordRef, str], ...]:
    """The records that the rules have listed below “Which one do you mean?”."""
    if answer.speaker != Speaker.ASSISTANT or answer.provider != Provider.RULES:
        return ()
    facts = {fact["number"]: fact for fact in answer.facts if fact["record"]}
    sentences = iter(answer.sentences)
    for sentence in sentences:
        if not sentence["facts"] and sentence["text"].endswith(WHICH_ONE):
            break
    listed = [facts[number] for one in sentences for number in one["facts"] if number in facts]
    return tuple((RecordRef.parse(fact["record"]), fact["text"]) for fact in listed)


def asked_back(conversation: Conversation, before: Message) -> AskedBack | None:
    """What a model has asked back in the answer before this message, with the words that it is about."""
    said = list(conversation.messages.filter(pk__lt=before.pk).order_by("-id")[:_LOOKED_BACK])
    if len(said) < _PAIR or not _asks_back(said[0]):
        return None
    words = []
    for answer, asked in zip(said[::_PAIR], said[1::_PAIR], strict=False):
        if not _asks_back(answer) or asked.speaker != Speaker.PERSON:
            break
        words.append(asked.text)
        if len(asked.text.split()) > MOST_WORDS_OF_ANSWER:
            # Nobody answers “Which one?” at such length: here it began.
            break
    return AskedBack(str(said[0].sentences[-1]["text"]), " — ".join(reversed(words)))


def _asks_back(answer: Message) -> bool:
    """Whether a model has read a wish, and ends with a question of its own."""
    return (
        answer.speaker == Speaker.ASSISTANT
        and answer.intent == Intent.PROPOSE
        and answer.provider == Provider.OPENAI
        and bool(answer.sentences)
        and answer.text.endswith("?")
    )
