"""A whole call from Python: token, WebRTC with the stand-in, the bridge, a suggestion; faults on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.conf import LazySettings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.realtime.models import ToolCall
from apps.suggestions.models import Suggestion
from apps.users.models import User
from stubs.openai_server.calling import Caller, calling, post_offer
from stubs.openai_server.testing import RunningStandIn

TOKEN, TOOLS = "/api/ai/realtime-token", "/api/ai/realtime/tools"
ClientFor = Callable[[User], TenantClient]


def post(client: TenantClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json.dumps(body), "application/json")
    told: dict[str, Any] = answer.json()
    return told


def call(
    provider: RunningStandIn, client: TenantClient, talk: Callable[[Caller], Awaitable[None]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Begin a call with a token of ours and talk; return the token and every event."""
    token = post(client, TOKEN, {})

    async def whole() -> list[dict[str, Any]]:
        async with calling(provider.base_url, token["value"]) as caller:
            await talk(caller)
            return caller.events

    return token, asyncio.run(whole())


def calls_in(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The functions that the model wanted to call."""
    return [one for one in events if one["type"] == "response.function_call_arguments.done"]


def bridge(client: TenantClient, session: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Bring one of them to our bridge, as the page does."""
    return post(
        client,
        TOOLS,
        {
            "session_id": session,
            "call_id": wanted["call_id"],
            "name": wanted["name"],
            "arguments": wanted["arguments"],
        },
    )


async def wanted_of(caller: Caller, beginning: str) -> dict[str, Any]:
    """The next function of such a name that the model wants to call."""
    while True:
        wanted = await caller.wait_for("response.function_call_arguments.done")
        if wanted["name"].startswith(beginning):
            return wanted


def remind(
    provider: RunningStandIn, client: TenantClient, name: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Search for somebody and ask to be reminded of them; the bridge's answers, and all events.

    What is looked up is asked of the bridge between two calls: while one goes on, this thread's database
    cannot be asked.
    """

    async def search(caller: Caller) -> None:
        caller.type(f"Remind me to call {name} on Friday.")
        await wanted_of(caller, "search_records")
        await caller.wait_for("response.done")

    token, events = call(provider, client, search)
    found = bridge(client, token["session_id"], calls_in(events)[0])
    assert name in json.dumps(found["output"])

    async def ask(caller: Caller) -> None:
        await search(caller)
        caller.answer_call(calls_in(caller.events)[0]["call_id"], found["output"])
        caller.send("response.create")
        await wanted_of(caller, "propose_")
        await caller.wait_for("response.done")

    token, events = call(provider, client, ask)
    wanted = [one for one in calls_in(events) if one["name"].startswith("propose_")]
    return [bridge(client, token["session_id"], one) for one in wanted], events


def test_words_become_a_suggestion_and_nothing_else(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn
) -> None:
    lead = LeadFactory(owner=cast.rep, first_name="Elena", last_name="Quixworth")
    (answered,), events = remind(provider, client_for(cast.rep), "Quixworth")
    assert answered["status"] == "proposed"
    suggestion = Suggestion.objects.get()
    assert answered["suggestion_id"] == suggestion.pk
    assert (suggestion.record_kind, suggestion.record_id) == ("lead", lead.pk)
    assert (suggestion.origin, suggestion.assignee) == ("realtime", cast.rep)
    assert not Task.objects.exists()
    assert events[0]["type"] == "session.created"


def test_approve_all_suggestions_does_nothing_but_go_on_record(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn
) -> None:
    client = client_for(cast.rep)

    async def ask(caller: Caller) -> None:
        caller.type("Approve all suggestions.")
        await caller.wait_for("response.done")

    token, events = call(provider, client, ask)
    (wanted,) = calls_in(events)
    assert wanted["name"] == "approve_suggestion"
    assert bridge(client, token["session_id"], wanted)["code"] == "unknown_tool"
    (entry,) = AuditEntry.objects.filter(event=Event.REALTIME_TOOL_REFUSED)
    assert entry.details["wanted"] == "approve"


def test_a_hundred_calls_in_a_turn_are_answered_as_far_as_is_sensible(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn, settings: LazySettings
) -> None:
    settings.REALTIME_MODEL = "stand-in:hundred-calls"
    client = client_for(cast.rep)

    async def ask(caller: Caller) -> None:
        caller.type("What is in my pipeline?")
        await caller.wait_for("response.done")

    token, events = call(provider, client, ask)
    wanted = calls_in(events)
    assert len(wanted) == 100
    answers = [bridge(client, token["session_id"], one) for one in wanted]
    assert [one["code"] for one in answers].count("too_many_calls") == 70
    assert ToolCall.objects.count() == 100


def test_a_token_lets_in_once(cast: Cast, client_for: ClientFor, provider: RunningStandIn) -> None:
    async def nothing(_caller: Caller) -> None:
        """Being let in is enough."""

    token, _ = call(provider, client_for(cast.rep), nothing)
    assert post_offer(provider.base_url, token["value"], "v=0").status == 401


def test_a_token_that_has_expired_lets_nobody_in(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn
) -> None:
    token = post(client_for(cast.rep), TOKEN, {})
    provider.expire_client_secrets()
    assert post_offer(provider.base_url, token["value"], "v=0").status == 401


@pytest.mark.parametrize("fault", ["duplicate-events", "out-of-order"])
def test_events_that_come_twice_or_late_make_one_suggestion(
    cast: Cast,
    client_for: ClientFor,
    provider: RunningStandIn,
    settings: LazySettings,
    fault: str,
) -> None:
    settings.REALTIME_MODEL = f"stand-in:{fault}"
    LeadFactory(owner=cast.rep, first_name="Elena", last_name="Quixworth")
    answers, _ = remind(provider, client_for(cast.rep), "Quixworth")
    assert {one["status"] for one in answers} == {"proposed"}
    assert {one["suggestion_id"] for one in answers} == {Suggestion.objects.get().pk}
    assert ToolCall.objects.count() == 2
