"""Functions as AiSHA offers them to a realtime session, and calls with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from openai.types.realtime.client_secret_create_response import ClientSecretCreateResponse
from pydantic import TypeAdapter

from stubs.openai_server.calling import Caller, calling
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import client_of, obj, one_of, optional

KINDS = ("lead", "contact", "account", "opportunity")
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": name, "description": name, "parameters": parameters}
    for name, parameters in (
        ("search_records", obj(text={"type": "string"})),
        ("record_summary", obj(kind=one_of(*KINDS), id={"type": "integer"})),
        ("my_tasks", obj()),
        ("pipeline_numbers", obj()),
        (
            "propose_followup",
            obj(
                subject_kind=one_of(*KINDS),
                subject_id={"type": "integer"},
                title={"type": "string"},
                reason={"type": "string"},
                due_on=optional("string", format="date"),
                owner_id=optional("integer"),
            ),
        ),
    )
]
HIT = {
    "facts": [
        {"number": 1, "label": "Lead", "text": "Elena Popescu", "record": {"kind": "lead", "id": 4}}
    ]
}
PIPELINE = {"facts": [{"number": 1, "label": "Open deals", "text": "12"}]}
PUSH_TO_TALK = {"input": {"transcription": {"model": "whisper-1"}, "turn_detection": None}}
OPEN_MICROPHONE = {
    "input": {
        "transcription": {"model": "gpt-4o-transcribe"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 200},
    }
}
SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def create_secret(
    stand_in: RunningStandIn, model: str = "stand-in", **session: Any
) -> ClientSecretCreateResponse:
    """A client secret for a session with all functions, asked for by OpenAI's client."""
    given: Any = {"type": "realtime", "model": model, "tools": TOOLS} | session
    with client_of(stand_in) as client:
        return client.realtime.client_secrets.create(session=given)


def call(
    stand_in: RunningStandIn,
    scenario: Callable[[Caller], Awaitable[None]],
    model: str = "stand-in",
    *,
    has_microphone: bool = True,
    **session: Any,
) -> list[dict[str, Any]]:
    """Let a scenario happen in a call; the events that arrived, each of which the API has."""
    secret = create_secret(stand_in, model, **session)

    async def whole() -> list[dict[str, Any]]:
        async with calling(
            stand_in.base_url, secret.value, has_microphone=has_microphone
        ) as caller:
            await scenario(caller)
            return caller.events

    events = asyncio.run(whole())
    for event in events:
        SERVER_EVENT.validate_python(event)
    return events


async def answer_calls(caller: Caller, *outputs: Any) -> list[tuple[str, str]]:
    """Answer one function call after the other; their names and arguments."""
    made = []
    for output in outputs:
        done = await caller.wait_for("response.function_call_arguments.done")
        made.append((done["name"], done["arguments"]))
        await caller.wait_for("response.done")
        caller.answer_call(done["call_id"], output)
        caller.send("response.create")
    return made


def texts_of(events: list[dict[str, Any]], kind: str, field: str) -> list[str]:
    """What the events of a type say."""
    return [event[field] for event in events if event["type"] == kind]
