"""A whole call from Python: token, WebRTC with the stand-in, the bridge, a suggestion; faults on the way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.conf import LazySettings
from pydantic import JsonValue

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.realtime.enums import Direction
from apps.realtime.models import Session, ToolCall
from apps.realtime.tasks import watch_current_tenant
from apps.realtime.tests.bridging import a_wish
from apps.realtime.tests.factories import batch, event
from apps.realtime.tests.leaks import all_texts
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.asking import tomorrow
from apps.users.models import User
from stubs.openai_server.calling import Caller, calling, post_offer
from stubs.openai_server.testing import RunningStandIn

TOKEN, TOOLS = "/api/ai/realtime-token", "/api/ai/realtime/tools"
BEACON = "/api/ai/realtime/telemetry"
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


def lookup(text: str) -> dict[str, str]:
    """A call of a function that looks for a text."""
    return {
        "call_id": "call_9",
        "name": "search_records",
        "arguments": json.dumps({"text": text}),
    }


def remind(
    provider: RunningStandIn, client: TenantClient, name: str, values: list[str] | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Search for somebody and ask to be reminded of them; the bridge's answers, and all events.

    ``values`` takes the secrets. What is looked up is asked of the bridge between two calls: while one goes
    on, this thread's database cannot be asked.
    """

    async def search(caller: Caller) -> None:
        caller.type(f"Remind me to call {name} on Friday.")
        await wanted_of(caller, "search_records")
        await caller.wait_for("response.done")

    token, events = call(provider, client, search)
    first = token["value"]
    found = bridge(client, token["session_id"], calls_in(events)[0])
    assert name in json.dumps(found["output"])

    async def ask(caller: Caller) -> None:
        await search(caller)
        caller.answer_call(calls_in(caller.events)[0]["call_id"], found["output"])
        caller.send("response.create")
        await wanted_of(caller, "propose_")
        await caller.wait_for("response.done")

    token, events = call(provider, client, ask)
    if values is not None:
        values += [first, token["value"]]
    # A call of its own, in which nothing was looked up yet.
    bridge(client, token["session_id"], calls_in(events)[0])
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


def test_a_call_that_comes_back_has_the_answer_that_it_missed(
    cast: Cast, client_for: ClientFor, provider: RunningStandIn
) -> None:
    """The answer is lost with the connection: asked again after it, nothing is done a second time."""
    client = client_for(cast.rep)
    lead = LeadFactory(owner=cast.rep)
    session_id = post(client, TOKEN, {"record": f"lead:{lead.pk}"})["session_id"]
    wanted = {
        "call_id": "call_1",
        "name": "propose_create_followup",
        "arguments": json.dumps(a_wish(lead, due_on=tomorrow())),
    }
    missed = bridge(client, session_id, wanted)
    drop = event("aisha.drop", data={"reason": "failed"})
    told = batch(Session.objects.get(), drop).model_dump_json()
    assert client.post(BEACON, {"batch": told}).status_code == 200
    assert post(client, TOKEN, {"session_id": session_id})["session_id"] == session_id
    assert bridge(client, session_id, wanted) == missed
    # Another call of the same function is another matter, and the same wish still one suggestion.
    again = bridge(client, session_id, wanted | {"call_id": "call_2"})
    assert again["suggestion_id"] == missed["suggestion_id"] == Suggestion.objects.get().pk
    assert ToolCall.objects.count() == 2


def test_no_secret_is_left_anywhere_after_a_whole_run(
    cast: Cast,
    client_for: ClientFor,
    provider: RunningStandIn,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A call with a suggestion, a drop, a second secret, a refused key, an end, and every page about it."""
    LeadFactory(owner=cast.rep, first_name="Elena", last_name="Quixworth")
    client, admin = client_for(cast.rep), client_for(cast.admin)
    pages: list[str] = []
    values: list[str] = []
    with caplog.at_level(logging.DEBUG):
        (answered,), events = remind(provider, client, "Quixworth", values)
        session = Session.objects.latest("issued_at")
        said = next(one for one in events if one["type"] == "session.created")
        leaking: dict[str, JsonValue] = {
            "message": f"Incorrect API key provided: {provider.key}",
            "code": values[-1],
        }
        # What the provider says of itself and of what went wrong, told by a page that leaves nothing out.
        told = batch(
            session,
            event("session.created", 1, Direction.IN, data=said),
            event("error", 2, Direction.IN, data={"error": leaking, "reason": values[-1]}),
            event("aisha.answer", 3, Direction.IN, data={"call": provider.calls()[-1].id}),
            event("aisha.drop", 4, data={"reason": f"token {values[-1]} expired"}),
        )
        assert client.post(BEACON, {"batch": told.model_dump_json()}).status_code == 200
        values.append(post(client, TOKEN, {"session_id": str(session.pk)})["value"])
        post(client, TOOLS, {"session_id": str(session.pk), **lookup(provider.key)})
        settings.REALTIME_API_KEY = "sk-refused-0123456789"
        assert post(client, TOKEN, {})["code"] == "provider_auth"
        client.delete(f"/api/ai/realtime/sessions/{session.pk}")
        watch_current_tenant()
        settings.REALTIME_API_KEY = provider.key
        Session.objects.update(is_hang_up_due=True)
        watch_current_tenant()
        panel = "/realtime/debug/"
        for address in (
            panel, f"{panel}{session.pk}/", f"{panel}{session.pk}/events/?after=0",
            f"{panel}{session.pk}/measures/", f"{panel}{session.pk}/export.json", f"{panel}drawer/",
            "/realtime/settings/", f"/suggestions/{answered['suggestion_id']}/", "/assistant/",
        ):  # fmt: skip
            page = admin.get(address)
            pages.append(str(page.getvalue(), "utf-8"))
            assert page.status_code == 200, address
    assert len(values) == 3
    secrets = {*values, provider.key, "sk-refused-0123456789"}
    texts = [*all_texts(caplog.records), *pages]
    assert len(texts) > 200
    assert [text for text in texts if any(secret in text for secret in secrets)] == []


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
    assert ToolCall.objects.count() == 3
