"""What is said in a call, in the person's own thread beside what they type."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.assistant.enums import MessageState, Speaker
from apps.assistant.exceptions import NothingSaidError
from apps.assistant.models import Message
from apps.assistant.threads import keep_message
from apps.assistant.turns import LONGEST_QUOTED
from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.realtime.models import Session, ToolCall
from apps.realtime.quoting import quoted
from apps.realtime.sessions import find_session
from apps.suggestions.services import bear_out
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.users.models import User

# As far back as a request may lie that a proposal follows from: some minutes of talk.
_LOOKED_BACK = 40


def keep_transcript(
    user: User,
    session_id: UUID,
    *,
    item: str,
    speaker: Speaker,
    text: str,
    state: MessageState,
    now: datetime,
    origin: Origin = Origin.REALTIME,
    at_ms: float | None = None,
) -> Message | None:
    """Keep what one side said; None where there are no words, or the thread was deleted meanwhile.

    ``at_ms`` is when it was begun to be said, since the token was asked for: what is written down late
    stands where it was said. ``origin`` is whether it was spoken or typed. It is kept as words, and read by
    nobody as a wish: what is wanted comes over the bridge. What was proposed before the person's words were
    written down is shown with them from now on. What the assistant said stands with the cards of what it
    proposed, and cites what was looked up for it.

    Raises:
        ModuleOffError: realtime voice is off for the company.
        SessionNotFoundError: there is no such call of this person's.
    """
    require_module(Module.REALTIME)
    session = find_session(user, session_id)
    if session.conversation is None:
        return None
    try:
        message = keep_message(
            session.conversation,
            speaker,
            text,
            origin=origin,
            now=now,
            state=state,
            item=item,
            said_at=_said_at(session, at_ms, now),
        )
    except NothingSaidError:
        return None
    if speaker == Speaker.PERSON:
        _bear_out_proposals(user, session, now)
    else:
        _give_what_was_called_for(session, message)
    return message


def lines_of(session: Session) -> list[str]:
    """What the person has said or typed in this call as far as it is written down, the latest last."""
    said = Message.objects.filter(
        conversation=session.conversation_id,
        speaker=Speaker.PERSON,
        said_at__gte=session.issued_at,
    ).exclude(item="")
    return list(said.order_by("-said_at", "-id").values_list("text", flat=True)[:_LOOKED_BACK])[
        ::-1
    ]


def _said_at(session: Session, at_ms: float | None, now: datetime) -> datetime:
    """The moment by the server's clock, never one that is still to come."""
    if at_ms is None:
        return now
    return min(session.issued_at + timedelta(milliseconds=at_ms), now)


def _bear_out_proposals(user: User, session: Session, now: datetime) -> None:
    with transaction.atomic():
        # A call of a tool that began before these words were kept ends first, and is found here.
        Session.objects.select_for_update().get(pk=session.pk)
        calls = ToolCall.objects.filter(session=session, suggestion__isnull=False)
        heard = [
            call.suggestion
            for call in calls.select_related("suggestion")
            if call.suggestion is not None and call.suggestion.is_heard
        ]
        if not heard:
            return
        lines = lines_of(session)
        actor = Actor.for_person(user, Origin.REALTIME)
        for suggestion in heard:
            if quote := quoted(suggestion.facts[0]["text"], lines):
                bear_out(suggestion.pk, quote, actor=actor, now=now)


def _give_what_was_called_for(session: Session, answer: Message) -> None:
    """Let an answer show what was proposed, and cite what was looked up, since the one before it.

    On which of it it rests nobody says: of each record the first fact that tells of it, and all that tell of
    none.
    """
    others = Message.objects.filter(
        conversation=session.conversation_id,
        speaker=Speaker.ASSISTANT,
        said_at__lt=answer.said_at,
        said_at__gte=session.issued_at,
    ).exclude(item="")
    before = others.aggregate(latest=Max("said_at"))["latest"] or session.issued_at
    calls = ToolCall.objects.filter(
        session=session, called_at__gt=before, called_at__lte=answer.said_at
    )
    facts: list[dict[str, Any]] = []
    known: set[str] = set()
    proposed: list[int] = []
    for told, suggestion_id in calls.values_list("answer", "suggestion"):
        if suggestion_id is not None:
            proposed.append(suggestion_id)
        for fact in told.get("facts", ()):
            record = "{kind}:{id}".format(**fact["record"]) if "record" in fact else None
            if record in known:
                continue
            if record is not None:
                known.add(record)
            kept = {"label": fact["label"], "text": fact["text"][:LONGEST_QUOTED], "record": record}
            facts.append({"number": len(facts) + 1, **kept})
    answer.suggestions.add(*proposed)
    if not facts:
        return
    numbers = [fact["number"] for fact in facts]
    answer.facts, answer.sentences = facts, [{"text": answer.text, "facts": numbers}]
    answer.save(update_fields=["facts", "sentences"])
