"""Calls of the bridge, as a page makes them for the provider's model."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from apps.crm.models import Lead
from apps.realtime.bridge import Answered, call_tool
from apps.realtime.enums import ToolCallStatus
from apps.realtime.models import Session
from apps.realtime.tests.factories import NOW
from apps.users.models import User

REFUSED, ANSWERED, PROPOSED = (
    ToolCallStatus.REFUSED, ToolCallStatus.ANSWERED, ToolCallStatus.PROPOSED,
)  # fmt: skip


def call(
    person: User,
    session: Session,
    name: str,
    arguments: Any = None,
    call_id: str = "call_1",
    *,
    has_page: bool = True,
) -> Answered:
    """What the bridge answers to a call of a function.

    With ``has_page`` the page of the lead that something is proposed for is open.
    """
    wish = arguments.get("arguments", {}) if isinstance(arguments, dict) else {}
    lead_id = wish.get("subject_id") or wish.get("lead_id")
    if has_page and lead_id is not None:
        Session.objects.filter(pk=session.pk).update(record_kind="lead", record_id=lead_id)
    told = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return call_tool(person, session.pk, call_id, name, told, now=NOW)


def a_wish(lead: Lead, **changes: Any) -> dict[str, Any]:
    """What a model tells of a call about an offer on Friday, with other arguments where they are given."""
    arguments = {
        "subject_kind": "lead",
        "subject_id": lead.pk,
        "about_kind": "lead",
        "about_id": lead.pk,
        "title": "Call about the offer",
        "due_on": date(2026, 3, 6).isoformat(),
    }
    return {
        "arguments": arguments | changes,
        "reason": "You said that you want to call on Friday.",
        "words": "Remind me to call on Friday.",
    }
