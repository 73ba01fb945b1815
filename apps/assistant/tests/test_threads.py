"""Conversations belong to one person: begun, found, searched and deleted by them alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.assistant.enums import MessageState, Speaker
from apps.assistant.exceptions import ConversationNotFoundError, NothingSaidError
from apps.assistant.models import Conversation, Message
from apps.assistant.threads import (
    LONGEST_TEXT,
    conversations_of,
    delete_conversation,
    find_conversation,
    keep_message,
    open_conversation,
    record_of,
)
from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.enums import RecordKind
from apps.crm.tests.factories import LeadFactory
from apps.execution.schemas import RecordRef
from apps.users.models import User

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def say(conversation: Conversation, text: str, **more: object) -> Message:
    options = {"origin": Origin.TYPED, "now": NOW} | more
    return keep_message(conversation, Speaker.PERSON, text, **options)  # type: ignore[arg-type]


def thread_of(user: User, *texts: str, now: datetime = NOW) -> Conversation:
    conversation = open_conversation(user, None, now)
    for text in texts:
        say(conversation, text, now=now)
    conversation.refresh_from_db()
    return conversation


def test_the_first_words_are_the_title(cast: Cast) -> None:
    conversation = thread_of(cast.rep, "  What is\nin my pipeline? ", "And forecast?")
    assert conversation.title == "What is in my pipeline?"
    assert [message.text for message in conversation.messages.all()] == [
        "What is\nin my pipeline?",
        "And forecast?",
    ]


@pytest.mark.parametrize("who", ["teammate", "manager", "admin"])
def test_nobody_else_finds_it(cast: Cast, who: str) -> None:
    conversation = thread_of(cast.rep, "Quixworth")
    other = getattr(cast, who)
    assert list(conversations_of(other)) == []
    for do in (find_conversation, delete_conversation):
        with pytest.raises(ConversationNotFoundError):
            do(other, conversation.pk)
    assert find_conversation(cast.rep, conversation.pk) == conversation


def test_the_latest_comes_first_and_words_find_a_thread(cast: Cast) -> None:
    old = thread_of(cast.rep, "Tell me about Quixworth", "Thanks")
    new = thread_of(cast.rep, "Forecast", now=NOW + timedelta(hours=1))
    assert list(conversations_of(cast.rep)) == [new, old]
    assert list(conversations_of(cast.rep, "quixWORTH")) == [old]
    assert list(conversations_of(cast.rep, "thanks")) == [old]
    assert list(conversations_of(cast.rep, "100%")) == []


def test_it_is_about_a_record_that_the_person_sees(cast: Cast) -> None:
    mine, hidden = LeadFactory(owner=cast.rep), LeadFactory(owner=cast.outsider)
    refs = [RecordRef(RecordKind.LEAD, lead.pk) for lead in (mine, hidden)]
    found = [record_of(open_conversation(cast.rep, ref, NOW)) for ref in refs]
    assert found == [refs[0], None]


def test_deleting_leaves_nothing_but_a_line_without_words(cast: Cast) -> None:
    conversation = thread_of(cast.rep, "Quixworth", "Again")
    key = conversation.pk
    delete_conversation(cast.rep, key)
    assert (Conversation.objects.count(), Message.objects.count()) == (0, 0)
    (entry,) = AuditEntry.objects.filter(event=Event.CONVERSATION_DELETED)
    assert (entry.actor_id, entry.details) == (
        cast.rep.pk,
        {"conversation": key, "messages": 2},
    )


def test_what_was_said_in_a_call_is_kept_once(cast: Cast) -> None:
    conversation = thread_of(cast.rep)
    half = say(
        conversation, "Tell me", origin=Origin.REALTIME, item="i1", state=MessageState.CUT_SHORT
    )
    whole = say(conversation, "Tell me more", origin=Origin.REALTIME, item="i1")
    shorter = say(conversation, "Tell", origin=Origin.REALTIME, item="i1")
    assert half.pk == whole.pk == shorter.pk
    message = Message.objects.get()
    assert (message.text, message.state) == ("Tell me more", MessageState.WHOLE)


@pytest.mark.parametrize("text", ["", "  \n", "\0"])
def test_nothing_is_no_message(cast: Cast, text: str) -> None:
    with pytest.raises(NothingSaidError):
        say(thread_of(cast.rep), text)


def test_a_flood_of_words_is_cut(cast: Cast) -> None:
    assert len(say(thread_of(cast.rep), "x" * 50_000).text) == LONGEST_TEXT
