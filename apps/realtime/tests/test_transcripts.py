"""What is said in a call, in the person's thread: once, in its order, and tagged by how it was said."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.assistant.models import Message
from apps.conftest import Cast, TenantClient
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.realtime.bridge import call_tool
from apps.realtime.models import Session
from apps.realtime.tests.factories import make_session
from apps.realtime.transcripts import lines_of
from apps.users.models import User

PATH = "/api/ai/realtime/transcripts"


def tell(client: TenantClient, session: Session, item: str, **line: Any) -> int:
    body = {"session_id": str(session.pk), "item": item, **line}
    answer = client.post(PATH, json.dumps(body), "application/json")
    assert answer.status_code == 200, answer.content
    return int(answer.json()["message_id"])


def test_what_is_told_late_or_twice_stands_once_and_where_it_was_said(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    client = client_for(cast.rep)
    session = make_session(cast.rep, issued_at=timezone.now() - timedelta(minutes=1))
    answer = tell(client, session, "b", speaker="assistant", text="Three deals.", at_ms=5_000)
    asked = tell(client, session, "a", speaker="person", text="My pipeline?", at_ms=1_000.5)
    typed = {"speaker": "person", "text": "And tasks?", "is_typed": True, "at_ms": 9_000}
    first = tell(client, session, "c", **typed)
    assert tell(client, session, "c", **typed) == first
    # A clock that runs ahead says nothing later than now.
    ahead = tell(client, session, "d", speaker="assistant", text="One.", at_ms=3_600_000)

    conversation = session.conversation
    assert conversation is not None
    page = client.get(f"/assistant/panel/?conversation={conversation.pk}").content.decode()
    places = [page.index(f'data-message-id="{pk}"') for pk in (asked, answer, first, ahead)]
    assert places == sorted(places)
    rows = Message.objects.in_bulk()
    assert rows[asked].said_at == session.issued_at + timedelta(milliseconds=1_000.5)
    assert rows[ahead].said_at <= timezone.now()
    assert {pk: row.origin for pk, row in rows.items()} == {
        asked: "realtime", answer: "realtime", first: "typed", ahead: "realtime",
    }  # fmt: skip
    # Both ways of saying it are the person's own words in this call.
    assert lines_of(session) == ["My pipeline?", "And tasks?"]


def test_a_spoken_answer_cites_what_was_looked_up_for_it(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    client, session = client_for(cast.rep), make_session(cast.rep, issued_at=timezone.now())
    lead = LeadFactory(owner=cast.rep, first_name="Elena", last_name="Quixworth")
    tell(client, session, "a", speaker="assistant", text="Whom do you mean?")
    summary = {"kind": "lead", "id": lead.pk}
    for place, (name, wanted) in enumerate([("record_summary", summary), ("my_tasks", {})]):
        call_tool(
            cast.rep, session.pk, f"call_{place}", name, json.dumps(wanted), now=timezone.now()
        )
    rests_on = tell(client, session, "b", speaker="assistant", text="She is well.")
    rests_on_nothing = tell(client, session, "c", speaker="assistant", text="Anything else?")
    rows = Message.objects.in_bulk()
    answer = rows[rests_on]
    records = [fact["record"] for fact in answer.facts]
    assert records.count(f"lead:{lead.pk}") == 1
    # How many tasks there are is said of no record.
    assert None in records
    assert answer.sentences == [
        {"text": "She is well.", "facts": [*range(1, len(answer.facts) + 1)]}
    ]
    assert rows[rests_on_nothing].facts == []
    address = f"/assistant/conversations/{session.conversation_id}/"
    assert "She is well." in client.get(address).content.decode()
    # Who may not see the record any more is not told what was said of it either.
    Lead.objects.filter(pk=lead.pk).update(owner=cast.outsider)
    page = client.get(address).content.decode()
    assert ("She is well." in page, "Anything else?" in page) == (False, True)


def test_words_typed_into_a_call_hold_up_no_message(
    cast: Cast, client_for: Callable[[User], TenantClient]
) -> None:
    client, session = client_for(cast.rep), make_session(cast.rep)
    tell(client, session, "a", speaker="person", text="And tasks?", is_typed=True)
    assert session.conversation is not None
    address = f"/api/v1/conversations/{session.conversation.pk}/messages/"
    answer = client.post(address, json.dumps({"text": "Hello"}), "application/json")
    assert answer.status_code == 201
