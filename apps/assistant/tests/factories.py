"""Conversations that have taken place."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from apps.assistant.enums import Speaker
from apps.assistant.models import Conversation, Message
from apps.assistant.threads import keep_message, open_conversation
from apps.audit.enums import Origin
from apps.users.models import User


def make_conversation(person: User, *words: str, at: datetime | None = None) -> Conversation:
    """A conversation of a person's in which they said these words, an hour ago unless told otherwise."""
    moment = at or timezone.now() - timedelta(hours=1)
    conversation = open_conversation(person, None, moment)
    for text in words:
        keep_message(conversation, Speaker.PERSON, text, origin=Origin.TYPED, now=moment)
    return Conversation.objects.get(pk=conversation.pk)


def make_answer(conversation: Conversation, text: str, *records: str) -> Message:
    """An answer that cites these records, one fact each."""
    facts = [
        {"number": number, "label": "Lead", "text": f"Fact {number}", "record": record}
        for number, record in enumerate(records, start=1)
    ]
    return Message.objects.create(
        conversation=conversation,
        speaker=Speaker.ASSISTANT,
        origin=Origin.TYPED,
        text=text,
        sentences=[{"text": text, "facts": [fact["number"] for fact in facts]}],
        facts=facts,
        provider="rules",
        said_at=timezone.now(),
    )
