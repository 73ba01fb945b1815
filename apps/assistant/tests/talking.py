"""Talking to AiSHA in tests, as the pages and the API do."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.assistant.answering import respond
from apps.assistant.models import Conversation, Message
from apps.assistant.steps import Step
from apps.assistant.threads import open_conversation
from apps.audit.enums import Origin
from apps.crm.models import Record
from apps.execution.schemas import RecordRef
from apps.users.models import User


def begin(user: User, record: Record | None = None) -> Conversation:
    """A conversation, perhaps on the page of a record."""
    ref = RecordRef(record.kind, record.pk) if record is not None else None
    return open_conversation(user, ref, timezone.now())


def ask(
    conversation: Conversation,
    text: str,
    *,
    origin: Origin = Origin.TYPED,
    now: datetime | None = None,
    page: Record | None = None,
) -> list[Step]:
    """Say something, and read the answer to its end."""
    record = RecordRef(page.kind, page.pk) if page is not None else None
    user = User.objects.get(pk=conversation.person_id)
    steps = respond(user, conversation, text, origin, now or timezone.now(), record=record)
    return list(steps)


def answer_of(conversation: Conversation, text: str, *, page: Record | None = None) -> Message:
    """Say something, and return the answer that was kept."""
    ask(conversation, text, page=page)
    answer: Message = conversation.messages.order_by("-id")[0]
    return answer
