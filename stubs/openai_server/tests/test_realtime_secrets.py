"""Client secrets: their shape, what is refused, and what a call cannot be begun with."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from stubs.openai_server.calling import Caller, SdpAnswer, calling, post_offer
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import client_of
from stubs.openai_server.tests.realtime_cases import TOOLS, create_secret


def send(
    stand_in: RunningStandIn,
    method: str,
    path: str,
    body: str = "",
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(stand_in.base_url).netloc, timeout=10)
    try:
        connection.request(method, f"/v1/realtime/{path}", body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    return answer.status, {key.lower(): value for key, value in answer.headers.items()}, text


def refused(stand_in: RunningStandIn, body: Any) -> dict[str, Any]:
    status, _, text = send(
        stand_in,
        "POST",
        "client_secrets",
        json.dumps(body),
        {"Authorization": f"Bearer {stand_in.key}"},
    )
    assert status == 400
    error: dict[str, Any] = json.loads(text)["error"]
    assert error["type"] == "invalid_request_error"
    return {name: error[name] for name in ("code", "param")}


def begin(stand_in: RunningStandIn, secret: str, **more: str) -> SdpAnswer:
    async def offered() -> str:
        caller = Caller()
        try:
            return await caller.offer()
        finally:
            await caller.peer.close()

    return post_offer(stand_in.base_url, secret, asyncio.run(offered()), **more)


def test_a_secret_has_the_shape_of_the_api(stand_in: RunningStandIn) -> None:
    before = int(time.time())
    asked: Any = {
        "type": "realtime",
        "model": "stand-in",
        "instructions": "Facts are data.",
        "audio": {"output": {"voice": "marin"}},
        "tools": [TOOLS[0]],
    }
    with client_of(stand_in) as client:
        created = client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 60},
            session=asked,
        )
    assert created.value.startswith("ek_")
    assert before + 60 <= created.expires_at <= int(time.time()) + 60
    session = created.session
    assert session.type == "realtime"
    assert session.id.startswith("sess_")
    assert (session.object, session.model) == ("realtime.session", "stand-in")
    assert (session.instructions, session.output_modalities) == ("Facts are data.", ["audio"])
    told = session.model_dump(mode="json")["audio"]
    assert (told["output"]["voice"], told["input"]["transcription"]) == ("marin", None)
    assert told["input"]["turn_detection"]["type"] == "server_vad"
    assert session.tools is not None
    assert [getattr(tool, "name", "") for tool in session.tools] == ["search_records"]


def test_secrets_are_kept_without_their_values(stand_in: RunningStandIn) -> None:
    created = create_secret(stand_in, instructions="Be short.")
    (kept,) = stand_in.client_secrets()
    told = {name: kept[name] for name in ("model", "behaviour", "is_used", "expires_at")}
    assert told == {
        "model": "stand-in",
        "behaviour": "",
        "is_used": False,
        "expires_at": created.expires_at,
    }
    assert kept["session"]["instructions"] == "Be short."
    assert kept["session_id"] == created.session.id
    assert created.value not in json.dumps([kept, stand_in.requests()])
    assert stand_in.counts()["outcomes"] == {"good": 1}


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"model": "stand-in"}, "missing_required_parameter", "session.type"),
        ({"voice": "marin"}, "unknown_parameter", "session.voice"),
        ({"temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"max_output_tokens": 5000}, "invalid_value", "session.max_output_tokens"),
        ({"audio": {"output": {"speed": 2}}}, "invalid_value", "session.audio.output.speed"),
        (
            {"audio": {"input": {"transcription": {"model": "parrot"}}}},
            "invalid_value",
            "session.audio.input.transcription.model",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}},
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        ({"tools": [{**TOOLS[0], "strict": True}]}, "unknown_parameter", "session.tools[0].strict"),
        ({"tools": [{**TOOLS[0], "name": "a b"}]}, "invalid_value", "session.tools[0].name"),
        (
            {"tools": [{**TOOLS[0], "parameters": {}}]},
            "invalid_value",
            "session.tools[0].parameters",
        ),
    ],
)
def test_what_the_api_would_refuse_is_refused(
    stand_in: RunningStandIn, session: dict[str, Any], code: str, param: str
) -> None:
    whole = session if "model" in session else {"type": "realtime", **session}
    assert refused(stand_in, {"session": whole}) == {"code": code, "param": param}
    assert stand_in.client_secrets() == []


@pytest.mark.parametrize("seconds", [9, 7201])
def test_expiry_is_within_bounds(stand_in: RunningStandIn, seconds: int) -> None:
    body = {"expires_after": {"anchor": "created_at", "seconds": seconds}}
    assert refused(stand_in, body) == {"code": "invalid_value", "param": "expires_after.seconds"}


def test_other_keys_and_models_get_no_secret(stand_in: RunningStandIn) -> None:
    with pytest.raises(openai.NotFoundError):
        create_secret(stand_in, "gpt-realtime-2.1")
    with (
        client_of(stand_in, api_key="sk-proj-1") as client,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        client.realtime.client_secrets.create()
    assert raised.value.code == "invalid_api_key"
    assert stand_in.counts()["outcomes"] == {"no-such-model": 1, "bad-key": 1}


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("status-401", openai.AuthenticationError, "invalid_api_key"),
        ("status-429", openai.RateLimitError, "rate_limit_exceeded"),
        ("status-429-quota", openai.RateLimitError, "insufficient_quota"),
        ("status-500", openai.InternalServerError, None),
    ],
)
def test_secret_is_refused_as_the_model_is_named(
    stand_in: RunningStandIn, name: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    with pytest.raises(error) as raised:
        create_secret(stand_in, f"stand-in:{name}:1")
    assert raised.value.code == code
    assert create_secret(stand_in, f"stand-in:{name}:1").value.startswith("ek_")
    assert stand_in.counts()["outcomes"] == {name: 1, "good": 1}


def test_answer_may_come_without_a_secret(stand_in: RunningStandIn) -> None:
    body = json.dumps({"session": {"type": "realtime", "model": "stand-in:no-secret"}})
    key = {"Authorization": f"Bearer {stand_in.key}"}
    status, _, text = send(stand_in, "POST", "client_secrets", body, key)
    assert (status, sorted(json.loads(text))) == (200, ["expires_at", "session"])


def test_answer_may_come_late(stand_in: RunningStandIn) -> None:
    with pytest.raises(openai.APITimeoutError), client_of(stand_in, timeout=0.2) as client:
        client.realtime.client_secrets.create(
            session={"type": "realtime", "model": "stand-in:slow-first-byte"}
        )
    began = time.monotonic()
    create_secret(stand_in, "stand-in:delay-300ms")
    assert time.monotonic() - began >= 0.3


def test_call_is_answered_with_its_id(stand_in: RunningStandIn) -> None:
    secret = create_secret(stand_in)
    answer = begin(stand_in, secret.value)
    (call,) = stand_in.calls()
    assert answer.status == 201
    assert answer.location == f"/v1/realtime/calls/{call.id}"
    assert call.id.startswith("rtc_")
    assert call.session_id == secret.session.id
    candidates = [line.split()[4] for line in answer.body.splitlines() if "candidate:" in line]
    assert set(candidates) == {"127.0.0.1"}


def test_secret_begins_one_call_in_its_time(stand_in: RunningStandIn) -> None:
    secret, later = create_secret(stand_in), create_secret(stand_in)
    answers = [begin(stand_in, secret.value) for _ in range(2)]
    stand_in.expire_client_secrets()
    answers += [begin(stand_in, key) for key in (later.value, "ek_unknown", stand_in.key)]
    assert [answer.status for answer in answers] == [201, 401, 401, 401, 401]
    messages = [json.loads(answer.body)["error"]["message"] for answer in answers[1:]]
    assert messages == [
        "The client secret has been used.",
        "The client secret has expired.",
        "Incorrect API key provided.",
        "Incorrect API key provided.",
    ]
    assert len(stand_in.calls()) == 1
    assert stand_in.counts()["outcomes"] == {"good": 3, "bad-secret": 4}


def test_offer_that_is_none_leaves_the_secret_good(stand_in: RunningStandIn) -> None:
    secret = create_secret(stand_in).value
    assert begin(stand_in, secret, content_type="application/json").status == 400
    answer = post_offer(stand_in.base_url, secret, "hello")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "invalid_offer")
    assert begin(stand_in, secret).status == 201


def test_call_fails_while_the_secret_was_good(stand_in: RunningStandIn) -> None:
    secret = create_secret(stand_in, "stand-in:call-status-500:1").value
    assert begin(stand_in, secret).status == 500
    secret = create_secret(stand_in, "stand-in:call-status-500:1").value
    assert begin(stand_in, secret).status == 201


def test_candidates_may_lead_nowhere(stand_in: RunningStandIn) -> None:
    answer = begin(stand_in, create_secret(stand_in, "stand-in:ice-failure").value)
    ports = [line.split()[5] for line in answer.body.splitlines() if "candidate:" in line]
    assert (answer.status, set(ports)) == (201, {"9"})
    (call,) = stand_in.calls()
    assert (call.ended, call.state, call.events) == ("ice-failure", "closed", [])


def test_pages_of_any_origin_may_begin_a_call(stand_in: RunningStandIn) -> None:
    page = {"Origin": "http://acme.localhost:8000"}
    asked = page | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    status, headers, _ = send(stand_in, "OPTIONS", "calls", headers=asked)
    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    assert headers["access-control-allow-headers"] == "authorization,content-type"
    status, headers, _ = send(stand_in, "POST", "calls", headers=page)
    assert (status, headers["access-control-allow-origin"]) == (401, "*")
    assert "location" in headers["access-control-expose-headers"]
    status, headers, _ = send(stand_in, "POST", "client_secrets", headers=page)
    assert (status, "access-control-allow-origin" in headers) == (401, False)


def test_whoever_has_the_key_may_hang_up(stand_in: RunningStandIn) -> None:
    secret = create_secret(stand_in).value

    async def hung_up() -> None:
        async with calling(stand_in.base_url, secret) as caller:
            call_id = (await asyncio.to_thread(stand_in.calls))[0].id
            async with openai.AsyncOpenAI(
                base_url=stand_in.base_url, api_key=stand_in.key
            ) as client:
                await client.realtime.calls.hangup(call_id)
            await caller.wait_until_over()

    asyncio.run(hung_up())
    (call,) = stand_in.calls()
    assert (call.ended, call.state) == ("hung_up", "closed")
    with pytest.raises(openai.NotFoundError), client_of(stand_in) as client:
        client.realtime.calls.hangup("rtc_unknown")


def test_reset_ends_and_forgets_calls(stand_in: RunningStandIn) -> None:
    secret = create_secret(stand_in).value

    async def reset() -> None:
        async with calling(stand_in.base_url, secret) as caller:
            await asyncio.to_thread(stand_in.reset)
            await caller.wait_until_over()

    asyncio.run(reset())
    assert (stand_in.calls(), stand_in.client_secrets()) == ([], [])
    assert begin(stand_in, secret).status == 401
