"""What is said in a call, in the person's own thread beside what they type."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from apps.assistant.enums import MessageState, Speaker
from apps.assistant.exceptions import NothingSaidError
from apps.assistant.models import Message
from apps.assistant.threads import keep_message
from apps.audit.enums import Origin
from apps.realtime.sessions import find_session
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.users.models import User


def keep_transcript(
    user: User,
    session_id: UUID,
    *,
    item: str,
    speaker: Speaker,
    text: str,
    state: MessageState,
    now: datetime,
) -> Message | None:
    """Keep what one side said; None where there are no words, or the thread was deleted meanwhile.

    It is kept as words, and read by nobody as a wish: what is wanted comes over the bridge.

    Raises:
        ModuleOffError: realtime voice is off for the company.
        SessionNotFoundError: there is no such call of this person's.
    """
    require_module(Module.REALTIME)
    session = find_session(user, session_id)
    if session.conversation is None:
        return None
    try:
        return keep_message(
            session.conversation,
            speaker,
            text,
            origin=Origin.REALTIME,
            now=now,
            state=state,
            item=item,
        )
    except NothingSaidError:
        return None
