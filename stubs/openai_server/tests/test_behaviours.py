"""Each way of misbehaving, as the official client meets it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx2
import openai
import pytest

from stubs.openai_server.behaviours import CONTENT, DELIVERY, GOOD, behaviour_of
from stubs.openai_server.tampering import ADDRESS, ESCAPE, LINK
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import (
    ask,
    async_client_of,
    body_of,
    client_of,
    proposal,
    question,
    schema_of,
    stream,
)


@pytest.mark.parametrize(
    ("status", "error", "body"),
    [
        (
            401,
            openai.AuthenticationError,
            {"type": "invalid_request_error", "code": "invalid_api_key"},
        ),
        (
            403,
            openai.PermissionDeniedError,
            {"type": "invalid_request_error", "code": "unsupported_country"},
        ),
        (429, openai.RateLimitError, {"type": "requests", "code": "rate_limit_exceeded"}),
        (500, openai.InternalServerError, {"type": "server_error", "code": None}),
        (503, openai.InternalServerError, {"type": "server_error", "code": None}),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_status_is_answered_in_the_shape_of_the_api(
    stand_in: RunningStandIn,
    status: int,
    error: type[openai.APIStatusError],
    body: dict[str, Any],
    is_stream: bool,
) -> None:
    send = stream if is_stream else ask
    with pytest.raises(error) as raised:
        send(stand_in, f"stand-in:status-{status}")
    assert raised.value.status_code == status
    assert raised.value.request_id is not None
    assert isinstance(raised.value.body, dict)
    assert {name: raised.value.body[name] for name in ("type", "code")} == body
    assert stand_in.counts()["outcomes"] == {f"status-{status}": 1}


@pytest.mark.parametrize(
    ("model", "headers"),
    [
        ("stand-in:status-429", {"retry-after": "1", "retry-after-ms": None}),
        ("stand-in:status-429-20ms", {"retry-after": None, "retry-after-ms": "20"}),
        ("stand-in:status-500", {"retry-after": None, "retry-after-ms": None}),
        ("stand-in:status-503-20ms", {"retry-after": None, "retry-after-ms": "20"}),
    ],
)
def test_wait_is_told_with_the_status(
    stand_in: RunningStandIn, model: str, headers: dict[str, str | None]
) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        ask(stand_in, model)
    assert {name: raised.value.response.headers.get(name) for name in headers} == headers


def test_first_requests_of_a_model_fail_and_the_client_tries_again(
    stand_in: RunningStandIn,
) -> None:
    response = ask(stand_in, "stand-in:status-429-1ms:2", max_retries=2)
    assert proposal(response)["change"]["tool"] == "create_followup"
    assert stand_in.counts() == {
        "requests": 3,
        "models": {"stand-in:status-429-1ms:2": 3},
        "outcomes": {"status-429-1ms": 2, "good": 1},
        "most_at_once": 1,
    }


def test_each_model_has_its_own_count_and_a_reset_clears_it(stand_in: RunningStandIn) -> None:
    for model in ("stand-in:not-json:1", "stand-in:wrong-schema:1", "stand-in:not-json:1"):
        ask(stand_in, model)
    stand_in.reset()
    ask(stand_in, "stand-in:not-json:1")
    assert stand_in.counts()["outcomes"] == {"not-json": 1}


def test_nothing_comes_for_a_long_time(stand_in: RunningStandIn) -> None:
    with pytest.raises(openai.APITimeoutError):
        ask(stand_in, "stand-in:slow-first-byte", timeout=httpx2.Timeout(5, read=0.2))
    with pytest.raises(openai.APITimeoutError):
        stream(stand_in, "stand-in:slow-first-byte", timeout=0.2)
    assert stand_in.counts()["outcomes"] == {"slow-first-byte": 2}


@pytest.mark.parametrize("is_stream", [False, True])
def test_good_answer_comes_after_the_named_delay(stand_in: RunningStandIn, is_stream: bool) -> None:
    send = stream if is_stream else ask
    began = time.monotonic()
    send(stand_in, "stand-in:delay-300ms")
    assert time.monotonic() - began >= 0.3


def test_delays_of_several_requests_run_side_by_side(stand_in: RunningStandIn) -> None:
    body = body_of("stand-in:delay-600ms", question(), schema_of("create_followup"))

    async def ask_all() -> list[str]:
        async with async_client_of(stand_in) as client:
            answers = [client.responses.create(**body) for _ in range(8)]
            return [response.output_text for response in await asyncio.gather(*answers)]

    began = time.monotonic()
    assert len(set(asyncio.run(ask_all()))) == 1
    assert time.monotonic() - began < 8 * 0.6
    assert stand_in.counts()["most_at_once"] == 8


@pytest.mark.parametrize("is_stream", [False, True])
def test_body_is_cut_in_the_middle(stand_in: RunningStandIn, is_stream: bool) -> None:
    send = stream if is_stream else ask
    with pytest.raises(openai.APIConnectionError):
        send(stand_in, "stand-in:cut")


def test_some_of_a_cut_stream_arrives(stand_in: RunningStandIn) -> None:
    body = body_of("stand-in:cut", question(), schema_of("create_followup"))
    arrived: list[str] = []
    with (
        client_of(stand_in) as client,
        client.responses.create(**body, stream=True) as events,
        pytest.raises(openai.APIConnectionError),
    ):
        arrived.extend(event.type for event in events)
    assert arrived[:1] == ["response.created"]
    assert "response.completed" not in arrived


def test_refusal_is_a_part_of_its_own(stand_in: RunningStandIn) -> None:
    response = ask(stand_in, "stand-in:refusal")
    (item,) = response.output
    assert item.type == "message"
    assert [part.type for part in item.content] == ["refusal"]
    assert (response.status, response.output_text) == ("completed", "")


def test_refusal_streams_with_events_of_its_own(stand_in: RunningStandIn) -> None:
    events = stream(stand_in, "stand-in:refusal")
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    told = [event.refusal for event in events if event.type == "response.refusal.done"]
    deltas = [event.delta for event in events if event.type == "response.refusal.delta"]
    assert told == ["".join(deltas)]
    assert told == ["I’m sorry, but I can’t help with that."]


def test_incomplete_answer_says_why_and_stops_in_the_middle(stand_in: RunningStandIn) -> None:
    whole = ask(stand_in).output_text
    response = ask(stand_in, "stand-in:incomplete")
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text == whole[: len(whole) // 2]
    last = stream(stand_in, "stand-in:incomplete")[-1]
    assert last.type == "response.incomplete"
    assert last.response.output_text == response.output_text


def test_answer_is_no_json(stand_in: RunningStandIn) -> None:
    with pytest.raises(json.JSONDecodeError):
        proposal(ask(stand_in, "stand-in:not-json"))


def changed(stand_in: RunningStandIn, name: str) -> dict[str, Any]:
    """The parts of the answer in which a model differs from a good one."""
    good, told = proposal(ask(stand_in)), proposal(ask(stand_in, f"stand-in:{name}"))
    return {key: value for key, value in told.items() if value != good.get(key)}


def changed_arguments(stand_in: RunningStandIn, name: str) -> dict[str, Any]:
    good = proposal(ask(stand_in))["change"]["arguments"]
    (change,) = changed(stand_in, name).values()
    arguments: dict[str, Any] = change["arguments"]
    return {key: value for key, value in arguments.items() if value != good[key]}


def test_answer_has_other_fields(stand_in: RunningStandIn) -> None:
    assert list(changed(stand_in, "wrong-schema")) == ["summary", "confidence", "actions"]


def test_tool_is_outside_the_list(stand_in: RunningStandIn) -> None:
    assert changed(stand_in, "foreign-tool") == {
        "change": {"tool": "delete_account", "arguments": {"account_id": 12}}
    }


def test_record_is_another(stand_in: RunningStandIn) -> None:
    other = {"subject_id": 1_000_012, "about_id": 1_000_012}
    assert changed_arguments(stand_in, "other-record") == other


def test_person_is_unknown(stand_in: RunningStandIn) -> None:
    assert changed_arguments(stand_in, "unknown-person") == {"owner_id": 1_000_003}


def test_texts_try_to_escape(stand_in: RunningStandIn) -> None:
    told = changed(stand_in, "escape")
    assert list(told) == ["claims", "reason", "title", "change"]
    assert len(told["title"]) == 100_000
    assert told["title"].startswith(ESCAPE)
    assert told["change"]["arguments"]["title"] == told["title"]
    assert [told["reason"], told["change"]["arguments"]["description"]] == [ESCAPE, ESCAPE]
    assert [sign in ESCAPE for sign in ("<script>", "\u202e", "\x1b", "\0")] == [True] * 3 + [False]


def test_claims_cite_facts_that_were_not_given(stand_in: RunningStandIn) -> None:
    claims = changed(stand_in, "uncited")["claims"]
    assert [claim["facts"] for claim in claims] == [[9999], [10000], [10001]]


def test_link_and_address_stand_in_no_fact(stand_in: RunningStandIn) -> None:
    told = changed(stand_in, "link")
    more = f" See {LINK} or write to {ADDRESS}."
    assert list(told) == ["reason", "change"]
    assert told["reason"].endswith(more)
    assert told["change"]["arguments"]["description"].endswith(more)


def test_every_name_is_a_behaviour() -> None:
    names = [*CONTENT, *DELIVERY, "status-401", "status-429-20ms", "delay-400ms"]
    found = {name: behaviour_of(f"stand-in:{name}:2") for name in names}
    assert [name for name, one in found.items() if one is None or one.name != name] == []
    assert [one.at(3) for one in found.values() if one is not None] == [GOOD] * len(names)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-6", "stand-in:", "stand-in:nonsense", "stand-in:status-200", "stand-in:status-600",
        "stand-in:cut:x", "stand-in:cut:1:2", "stand-in:delay-ms", "Stand-in", "",
    ],
)  # fmt: skip
def test_other_models_do_not_exist(stand_in: RunningStandIn, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        ask(stand_in, model)
    assert raised.value.code == "model_not_found"
