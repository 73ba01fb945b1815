"""The assistant's pages: for one person alone, searched, deleted, and usable without a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.assistant.models import Conversation, Message
from apps.assistant.streaming import CONTENT_TYPE
from apps.assistant.tests.factories import make_answer, make_conversation
from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.suggestions.evidence import HIDDEN_CLAIM
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
JSON: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}


def lines_of(answer: Any) -> list[dict[str, Any]]:
    assert answer["Content-Type"] == CONTENT_TYPE
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def test_a_message_is_answered_line_by_line(cast: Cast, client_for: ClientFor) -> None:
    TaskFactory(owner=cast.rep, title="Call Ana")
    client = client_for(cast.rep)
    begun = client.post("/assistant/conversations/", {}, **JSON)
    assert begun.status_code == 201
    address = f"/assistant/conversations/{begun.json()['conversation']}/messages/"
    answer = client.post(address, {"text": "What are my open tasks?"}, HTTP_ACCEPT=CONTENT_TYPE)
    steps = lines_of(answer)
    assert [step["step"] for step in steps] == [
        "kept", "working", "said", "said", "cited", "leads_to", "done",
    ]  # fmt: skip
    assert answer["Cache-Control"] == "no-store"
    message = client.get(f"/assistant/messages/{steps[-1]['message']}/").content.decode()
    assert "Call Ana" in message
    assert 'href="/tasks/' in message


def test_without_a_script_the_answer_is_on_the_page(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    answer: Any = client.post("/assistant/conversations/", {"example": "What is in my pipeline?"})
    conversation = Conversation.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/assistant/conversations/{conversation.pk}/")
    page = client.get(answer.url).content.decode()
    assert "Open deals: none." in page
    said = client.post(f"/assistant/conversations/{conversation.pk}/messages/", {"text": "Hello"})
    assert said.status_code == 302
    assert conversation.messages.count() == 4


def test_an_empty_message_begins_nothing(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.rep)
    assert client.post("/assistant/conversations/", {"text": " "})["Location"] == "/assistant/"
    refused = client.post("/assistant/conversations/", {"record": "moon:1"}, **JSON)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert Conversation.objects.count() == 0


def test_a_conversation_is_its_persons_alone(cast: Cast, client_for: ClientFor) -> None:
    mine = make_conversation(cast.rep, "zq7 secret")
    (message,) = mine.messages.all()
    for other in (cast.teammate, cast.manager, cast.admin):
        client = client_for(other)
        assert "zq7" not in client.get("/assistant/").content.decode()
        assert "zq7" not in client.get(f"/assistant/panel/?conversation={mine.pk}").content.decode()
        for path in (f"conversations/{mine.pk}/", f"messages/{message.pk}/"):
            assert client.get(f"/assistant/{path}").status_code == 404
        for path in ("messages/", "delete/"):
            sent = client.post(f"/assistant/conversations/{mine.pk}/{path}", {"text": "Hi"}, **JSON)
            assert (sent.status_code, sent.json()["code"]) == (404, "conversation_not_found")
    assert Message.objects.get() == message


def test_conversations_are_searched_by_what_was_said(cast: Cast, client_for: ClientFor) -> None:
    make_conversation(cast.rep, "About Isdom", "and the weather")
    make_conversation(cast.rep, "About Acme")
    make_conversation(cast.teammate, "the weather again")
    page = client_for(cast.rep).get("/assistant/conversations/?q=weather").content.decode()
    assert page.count("data-assistant-conversation") == 1
    assert "About Isdom" in page
    none = client_for(cast.rep).get("/assistant/conversations/?q=xyzzy").content.decode()
    assert "In none of your conversations" in none
    # A call in which nobody spoke is none of them.
    make_conversation(cast.rep)
    make_answer(make_conversation(cast.rep), "Hello, are you there?")
    all_ = client_for(cast.rep).get("/assistant/conversations/").content.decode()
    assert all_.count("data-assistant-conversation") == 3
    assert "A call in which you said nothing" in all_


def test_one_and_all_conversations_are_deleted(cast: Cast, client_for: ClientFor) -> None:
    one, _, _ = (make_conversation(cast.rep, text) for text in ("a", "b", "c"))
    others = make_conversation(cast.teammate, "theirs")
    suggestion = SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    make_answer(one, "Suggested").suggestions.add(suggestion)
    client = client_for(cast.rep)
    assert client.get(f"/assistant/conversations/{one.pk}/delete/").status_code == 405
    sent = client.post(f"/assistant/conversations/{one.pk}/delete/")
    assert sent["Location"] == "/assistant/"
    assert Conversation.objects.filter(person=cast.rep).count() == 2
    assert Suggestion.objects.filter(pk=suggestion.pk).exists()
    told = client.post("/assistant/conversations/forget/", {}, **JSON).json()
    assert told["said"].startswith("2 conversations are deleted.")
    assert list(Conversation.objects.all()) == [others]
    entries = AuditEntry.objects.filter(event=Event.CONVERSATION_DELETED).order_by("pk")
    assert [entry.details for entry in entries] == [
        {"conversation": one.pk, "messages": 2},
        {"conversations": 2, "messages": 2},
    ]


def test_what_is_hidden_by_now_is_not_shown(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory(owner=cast.rep)
    talk = make_conversation(cast.rep, "Hi")
    make_answer(talk, "zq7 is the lead", f"lead:{lead.pk}")
    client = client_for(cast.rep)
    address = f"/assistant/conversations/{talk.pk}/"
    page = client.get(address).content.decode()
    assert f'href="/leads/{lead.pk}/"' in page
    type(lead).objects.filter(pk=lead.pk).update(owner=cast.outsider)
    page = client.get(address).content.decode()
    assert HIDDEN_CLAIM in page
    assert "zq7" not in page
    assert f"/leads/{lead.pk}/" not in page


def test_the_way_to_it_is_there_for_whom_it_is(cast: Cast, client_for: ClientFor) -> None:
    assert "data-assistant-open" in client_for(cast.rep).get("/tasks/").content.decode()
    lead = LeadFactory(owner=cast.rep)
    page = client_for(cast.rep).get(f"/leads/{lead.pk}/").content.decode()
    assert f'data-page-record="lead:{lead.pk}"' in page
    cast.teammate.groups.clear()
    client = client_for(cast.teammate)
    assert "data-assistant-open" not in client.get("/").content.decode()
    assert client.get("/assistant/").status_code == 403
    ModuleGate.objects.filter(module=Module.ASSISTANT).update(is_on=False)
    client = client_for(cast.rep)
    assert "data-assistant-open" not in client.get("/tasks/").content.decode()
    refused = client.get("/assistant/panel/", **JSON)
    assert (refused.status_code, refused.json()["code"]) == (403, "module_off")


def test_fault_17_a_gate_that_cannot_be_read_shows_no_way(
    cast: Cast, client_for: ClientFor
) -> None:
    ModuleGate.objects.filter(module=Module.ASSISTANT).delete()
    assert "data-assistant-open" not in client_for(cast.rep).get("/tasks/").content.decode()


def test_a_record_is_named_only_to_who_may_see_it(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory(owner=cast.rep, last_name="Zq7")
    hidden = LeadFactory(owner=cast.outsider, last_name="Zq8")
    client = client_for(cast.rep)
    assert "Zq7" in client.get(f"/assistant/panel/?record=lead:{lead.pk}").content.decode()
    assert "Zq8" not in client.get(f"/assistant/panel/?record=lead:{hidden.pk}").content.decode()


@pytest.mark.parametrize("path", ["/assistant/", "/assistant/conversations/{pk}/"])
def test_queries_do_not_grow_with_rows(cast: Cast, client_for: ClientFor, path: str) -> None:
    client = client_for(cast.rep)
    talk = make_conversation(cast.rep, "Hi")

    def add() -> None:
        lead = LeadFactory(owner=cast.rep)
        answer = make_answer(talk, "Said", f"lead:{lead.pk}")
        answer.suggestions.add(SuggestionFactory(assignee=cast.rep, lead=lead))
        make_conversation(cast.rep, "Another")

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path.format(pk=talk.pk)).status_code == 200
        return len(queries)

    add()
    count()
    with_one = count()
    add()
    add()
    assert count() == with_one
