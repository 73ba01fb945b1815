"""Conversations in the API: by a token that may talk, for its person alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.assistant.models import Conversation
from apps.assistant.tests.factories import make_answer, make_conversation
from apps.conftest import ApiClient, Cast
from apps.crm.tests.factories import ContactFactory, LeadFactory
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate
from apps.users.enums import Scope
from apps.users.models import ApiToken, User

PATH = "/api/v1/conversations/"
ApiClientFor = Callable[[User], ApiClient]


def test_a_conversation_is_begun_held_and_deleted(cast: Cast, api_for: ApiClientFor) -> None:
    ana = ContactFactory(owner=cast.rep, first_name="Ana", last_name="Quirke")
    client = api_for(cast.rep)
    begun = client.send("POST", PATH, {"record": f"contact:{ana.pk}"})
    assert begun.status_code == 201
    pk = begun.json()["id"]
    assert begun.json()["record"] == f"contact:{ana.pk}"
    answer = client.send(
        "POST", f"{PATH}{pk}/messages/", {"text": "Remind me to call her tomorrow"}
    )
    assert answer.status_code == 201
    suggestion = Suggestion.objects.get()
    body = answer.json()
    assert (body["speaker"], body["intent"], body["provider"]) == ("assistant", "propose", "rules")
    assert body["suggestions"] == [suggestion.pk]
    assert body["facts"][0] == {
        "number": 1, "label": "Contact", "text": "Ana Quirke", "address": f"/contacts/{ana.pk}/",
    }  # fmt: skip
    said = client.get(f"{PATH}{pk}/messages/").json()["results"]
    assert [one["speaker"] for one in said] == ["person", "assistant"]
    (row,) = client.get(PATH).json()["results"]
    assert (row["id"], row["title"]) == (pk, "Remind me to call her tomorrow")
    assert client.send("DELETE", f"{PATH}{pk}/").status_code == 204
    assert Conversation.objects.count() == 0
    assert Suggestion.objects.count() == 1


def test_nobody_elses_is_found(cast: Cast, api_for: ApiClientFor) -> None:
    mine = make_conversation(cast.rep, "zq7")
    for other in (cast.teammate, cast.manager, cast.admin):
        client = api_for(other)
        assert client.get(PATH).json()["results"] == []
        answers = [
            client.get(f"{PATH}{mine.pk}/"),
            client.get(f"{PATH}{mine.pk}/messages/"),
            client.send("POST", f"{PATH}{mine.pk}/messages/", {"text": "Hi"}),
            client.send("DELETE", f"{PATH}{mine.pk}/"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4


def test_a_token_needs_the_scope_to_talk(cast: Cast) -> None:
    def client(*scopes: Scope) -> ApiClient:
        _, key = ApiToken.issue(user=cast.rep, name="t", expires_at=None, scopes=[*scopes])
        return ApiClient("acme.localhost", key)

    refused = client(Scope.READ).send("POST", PATH, {})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert client(Scope.READ).get(PATH).status_code == 200
    assert client(Scope.TALK).send("POST", PATH, {}).status_code == 201


def test_a_module_that_is_off_is_off_here_too(cast: Cast, api_for: ApiClientFor) -> None:
    ModuleGate.objects.filter(module=Module.ASSISTANT).update(is_on=False)
    answer = api_for(cast.rep).get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (403, "module_off")


def test_a_message_that_is_being_answered_blocks_the_next(
    cast: Cast, api_for: ApiClientFor
) -> None:
    talk = make_conversation(cast.rep, "Hi", at=timezone.now())
    answer = api_for(cast.rep).send("POST", f"{PATH}{talk.pk}/messages/", {"text": "Hi"})
    assert (answer.status_code, answer.json()["code"]) == (409, "being_answered")


def test_queries_do_not_grow_with_rows(cast: Cast, api_for: ApiClientFor) -> None:
    client = api_for(cast.rep)
    talk = make_conversation(cast.rep, "Hi")

    def add() -> None:
        lead = LeadFactory(owner=cast.rep)
        suggestion: Any = SuggestionFactory(assignee=cast.rep, lead=lead)
        make_answer(talk, "Said", f"lead:{lead.pk}").suggestions.add(suggestion)
        make_conversation(cast.rep, "Another")

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    paths = (PATH, f"{PATH}{talk.pk}/messages/")
    add()
    for path in paths:
        count(path)
    with_one = [count(path) for path in paths]
    add()
    add()
    assert [count(path) for path in paths] == with_one
