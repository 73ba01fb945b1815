"""What goes wrong with a call when the model's name says so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from stubs.openai_server.calling import Caller, calling
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.realtime_cases import (
    PIPELINE,
    SERVER_EVENT,
    answer_calls,
    call,
    create_secret,
    texts_of,
)

QUESTION = "What is in my pipeline?"


async def ask(caller: Caller) -> None:
    caller.type(QUESTION)
    await answer_calls(caller, PIPELINE)
    await caller.wait_for("response.done")


def test_channel_is_closed_in_mid_turn_and_the_connection_stays(stand_in: RunningStandIn) -> None:
    states = []

    async def lose(caller: Caller) -> None:
        caller.type(QUESTION)
        states.append(await caller.wait_until_closed())

    events = call(stand_in, lose, model="stand-in:channel-closed")
    kinds = [event["type"] for event in events]
    assert kinds[-1] == "response.function_call_arguments.delta"
    assert "response.done" not in kinds
    assert states == ["connected"]


def test_call_is_cut_in_mid_turn_and_the_next_one_is_good(stand_in: RunningStandIn) -> None:
    async def lose(caller: Caller) -> None:
        caller.type(QUESTION)
        await caller.wait_until_over()

    events = call(stand_in, lose, model="stand-in:cut:1")
    assert "response.done" not in [event["type"] for event in events]
    assert "response.done" in [
        event["type"] for event in call(stand_in, ask, model="stand-in:cut:1")
    ]
    first, then = stand_in.calls()
    assert (first.behaviour, first.ended, first.state) == ("cut", "cut", "closed")
    assert then.behaviour == ""


def test_dropped_calls_end_at_the_other_side(stand_in: RunningStandIn) -> None:
    async def lose(caller: Caller) -> None:
        await asyncio.to_thread(stand_in.drop_calls)
        await caller.wait_until_over()

    call(stand_in, lose)
    (told,) = stand_in.calls()
    assert (told.ended, told.state) == ("dropped", "closed")


def test_some_audio_is_lost_on_the_way(stand_in: RunningStandIn) -> None:
    lost: list[int] = []

    async def listen(caller: Caller) -> None:
        caller.type(QUESTION)
        await answer_calls(caller, PIPELINE)
        await caller.wait_for("output_audio_buffer.stopped")
        await asyncio.to_thread(stand_in.wait_for_call, lambda one: one.audio_packets_dropped >= 5)
        stats: dict[str, Any] = dict(await caller.peer.getStats())
        lost.extend(one.packetsLost for one in stats.values() if one.type == "inbound-rtp")

    call(stand_in, listen, model="stand-in:packet-loss")
    assert sum(lost) > 0


def test_every_event_comes_twice(stand_in: RunningStandIn) -> None:
    events = call(stand_in, ask, model="stand-in:duplicate-events", has_microphone=False)
    assert len(events) > 20
    whole = events[: len(events) // 2 * 2]
    assert whole[::2] == whole[1::2]


def test_events_of_an_answer_come_out_of_order(stand_in: RunningStandIn) -> None:
    events = call(stand_in, ask, model="stand-in:out-of-order", has_microphone=False)
    kinds = [event["type"] for event in events]
    assert kinds[3:7] == [
        "rate_limits.updated",
        "response.created",
        "conversation.item.added",
        "response.output_item.added",
    ]
    good = [event["type"] for event in call(stand_in, ask, has_microphone=False)]
    assert kinds != good
    assert sorted(kinds) == sorted(good)
    assert kinds[-1] == "response.done"


def test_hundred_functions_are_called_in_one_answer(stand_in: RunningStandIn) -> None:
    async def answer_all(caller: Caller) -> None:
        caller.type(QUESTION)
        done = await caller.wait_for("response.done")
        for item in done["response"]["output"]:
            caller.answer_call(item["call_id"], PIPELINE)
        caller.send("response.create")
        await caller.wait_for("response.done")

    events = call(stand_in, answer_all, model="stand-in:hundred-calls", has_microphone=False)
    first, then = (event["response"] for event in events if event["type"] == "response.done")
    names = {item["name"] for item in first["output"]}
    assert (len(first["output"]), names) == (100, {"search_records"})
    assert len({item["call_id"] for item in first["output"]}) == 100
    assert len({item["arguments"] for item in first["output"]}) == 100
    assert [item["type"] for item in then["output"]] == ["message"]


def test_session_expires_when_it_is_asked(stand_in: RunningStandIn) -> None:
    async def outlive(caller: Caller) -> None:
        caller.type(QUESTION)
        await caller.wait_for("error")
        await caller.wait_until_over()

    events = call(stand_in, outlive, model="stand-in:session-expired", has_microphone=False)
    (error,) = (event["error"] for event in events if event["type"] == "error")
    assert (error["code"], error["event_id"]) == ("session_expired", None)
    assert "response.created" not in [event["type"] for event in events]
    (told,) = stand_in.calls()
    assert told.ended == "session_expired"


def test_a_tool_outside_the_list_is_called(stand_in: RunningStandIn) -> None:
    made: list[tuple[str, str]] = []

    async def refuse(caller: Caller) -> None:
        caller.type(QUESTION)
        made.extend(await answer_calls(caller, {"error": {"message": "There is no such tool"}}))
        await caller.wait_for("response.done")

    events = call(stand_in, refuse, model="stand-in:foreign-tool", has_microphone=False)
    assert made == [("delete_account", '{"account_id": 1}')]
    said = texts_of(events, "response.output_audio_transcript.done", "transcript")
    assert said == ["There is no such tool."]


def test_functions_are_called_for_ever(stand_in: RunningStandIn) -> None:
    made: list[tuple[str, str]] = []

    async def go_on(caller: Caller) -> None:
        caller.type(QUESTION)
        made.extend(await answer_calls(caller, *[PIPELINE] * 5))

    call(stand_in, go_on, model="stand-in:calls-forever", has_microphone=False)
    assert [name for name, _ in made] == ["search_records"] * 5


def test_answer_is_refused_or_cut_short(stand_in: RunningStandIn) -> None:
    async def hear(caller: Caller) -> None:
        caller.type("Hello")
        await caller.wait_for("response.done")

    refused = call(stand_in, hear, model="stand-in:refusal", has_microphone=False)
    said = texts_of(refused, "response.output_audio_transcript.done", "transcript")
    assert said == ["I’m sorry, but I can’t help with that."]
    short = call(stand_in, hear, model="stand-in:incomplete", has_microphone=False)
    done = short[-1]["response"]
    assert done["status"] == "incomplete"
    assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


def test_no_place_for_media_is_no_fault(stand_in: RunningStandIn) -> None:
    """A caller without a microphone has neither track nor buffer events."""
    events = call(stand_in, ask, has_microphone=False)
    assert [one for one in events if "audio_buffer" in one["type"]] == []
    (told,) = stand_in.calls()
    assert (told.audio_packets_in, told.audio_packets_out) == (0, 0)


def test_script_may_have_anything_called(stand_in: RunningStandIn) -> None:
    stand_in.set_script(
        {
            "said": "Write it down",
            "calls": [{"name": "note", "arguments": {"text": "x" * 100_000}}, {"name": "note"}],
            "answer": "Done.",
        },
        characters_per_s=1000,
    )
    secret = create_secret(stand_in)

    async def write() -> list[dict[str, Any]]:
        async with calling(stand_in.base_url, secret.value, has_microphone=False) as caller:
            caller.type("Write it down")
            done = await caller.wait_for("response.done")
            for item in done["response"]["output"]:
                caller.answer_call(item["call_id"], "")
            caller.send("response.create")
            await caller.wait_for("response.done")
            return caller.events

    events = asyncio.run(write())
    for event in events:
        SERVER_EVENT.validate_python(event)
    first, then = (event["response"] for event in events if event["type"] == "response.done")
    arguments = [json.loads(item["arguments"]) for item in first["output"]]
    assert arguments == [{"text": "x" * 100_000}, {}]
    assert then["output"][0]["content"][0]["transcript"] == "Done."
