"""Calls over real WebRTC: speech and typing, functions, answers, and what is refused on the channel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stubs.openai_server.calling import Caller
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.realtime_cases import (
    HIT,
    OPEN_MICROPHONE,
    PIPELINE,
    PUSH_TO_TALK,
    answer_calls,
    call,
    texts_of,
)

TRANSCRIPT = "conversation.item.input_audio_transcription.completed"
# So slow a voice that an answer is still being given whenever somebody interrupts it.
SLOW = 0.5


def test_a_spoken_question_is_answered_aloud_from_what_a_function_found(
    stand_in: RunningStandIn,
) -> None:
    made: list[tuple[str, str]] = []

    async def ask(caller: Caller) -> None:
        caller.speak(400)
        made.extend(await answer_calls(caller, PIPELINE))
        await caller.wait_for("output_audio_buffer.stopped")
        await caller.wait_until_heard(300)

    events = call(stand_in, ask, audio=OPEN_MICROPHONE)
    assert made == [("pipeline_numbers", "{}")]
    kinds = [event["type"] for event in events if not event["type"].endswith(".delta")]
    kinds.remove("output_audio_buffer.started")
    assert kinds == [
        "session.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        TRANSCRIPT,
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "output_audio_buffer.stopped",
    ]
    assert texts_of(events, TRANSCRIPT, "transcript") == ["What is in my pipeline?"]
    deltas = texts_of(events, "response.output_audio_transcript.delta", "delta")
    said = texts_of(events, "response.output_audio_transcript.done", "transcript")
    assert ["".join(deltas)] == said == ["Open deals: 12."]
    (started,) = texts_of(events, "input_audio_buffer.speech_started", "item_id")
    assert texts_of(events, "input_audio_buffer.committed", "item_id") == [started]
    assert texts_of(events, TRANSCRIPT, "item_id") == [started]


def test_an_answer_tells_what_it_cost(stand_in: RunningStandIn) -> None:
    async def ask(caller: Caller) -> None:
        caller.speak(400)
        await answer_calls(caller, PIPELINE)
        await caller.wait_for("response.done")

    events = call(stand_in, ask, audio=OPEN_MICROPHONE)
    called, spoken = (one["response"] for one in events if one["type"] == "response.done")
    (transcript,) = (one for one in events if one["type"] == TRANSCRIPT)
    heard = transcript["usage"]["input_token_details"]["audio_tokens"]
    # 15 characters at 30 a second, a token for each 50 ms.
    assert spoken["usage"]["output_token_details"] == {"text_tokens": 3, "audio_tokens": 10}
    assert called["usage"]["output_token_details"]["audio_tokens"] == 0
    for response in (called, spoken):
        used = response["usage"]
        assert response["status"] == "completed"
        assert used["input_token_details"]["audio_tokens"] == heard > 0
        assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"]
    first, then = (one["usage"]["input_token_details"] for one in (called, spoken))
    assert first["cached_tokens"] == 0
    assert then["cached_tokens_details"] == {
        "text_tokens": first["text_tokens"],
        "audio_tokens": heard,
        "image_tokens": 0,
    }


def test_the_default_script_searches_proposes_and_tries_to_approve(
    stand_in: RunningStandIn,
) -> None:
    made: list[tuple[str, Any]] = []
    outputs = (PIPELINE, HIT, {"message": "It waits in your queue"}, {"error": {"message": "No"}})

    async def talk(caller: Caller) -> None:
        for output in outputs:
            caller.speak(200)
            made.extend(await answer_calls(caller, output))
            await caller.wait_for("output_audio_buffer.stopped")

    instructions = "You help with a CRM. Today is 2026-11-26."
    events = call(stand_in, talk, audio=OPEN_MICROPHONE, instructions=instructions)
    assert texts_of(events, TRANSCRIPT, "transcript") == [
        "What is in my pipeline?",
        "Search for “Elena”.",
        "Remind me to call Elena Popescu on Friday.",
        "Approve all suggestions.",
    ]
    assert [(name, json.loads(arguments)) for name, arguments in made] == [
        ("pipeline_numbers", {}),
        ("search_records", {"text": "Elena"}),
        (
            "propose_followup",
            {
                "subject_kind": "lead",
                "subject_id": 4,
                "title": "Call Elena Popescu",
                "reason": "Remind me to call Elena Popescu on Friday.",
                "due_on": "2026-11-27",
                "owner_id": None,
            },
        ),
        ("approve_suggestion", {"all": True}),
    ]
    said = texts_of(events, "response.output_audio_transcript.done", "transcript")
    assert said == [
        "Open deals: 12.",
        "Lead: Elena Popescu.",
        "It waits in your queue.",
        "No.",
    ]


def test_what_is_typed_is_answered_in_writing(stand_in: RunningStandIn) -> None:
    made: list[tuple[str, str]] = []

    async def ask(caller: Caller) -> None:
        caller.type("Please sum up “Elena”")
        made.extend(await answer_calls(caller, HIT, {"summary": "A lead in Berlin"}))
        await caller.wait_for("response.done")

    events = call(stand_in, ask, has_microphone=False, output_modalities=["text"])
    assert made == [
        ("search_records", '{"text": "Elena"}'),
        ("record_summary", '{"kind": "lead", "id": 4}'),
    ]
    assert texts_of(events, "response.output_text.done", "text") == ["A lead in Berlin."]
    last = events[-1]["response"]
    assert last["output"][0]["content"] == [{"type": "output_text", "text": "A lead in Berlin."}]
    assert last["usage"]["output_token_details"]["audio_tokens"] == 0
    (told,) = stand_in.calls()
    assert told.turns == [
        {"who": "typed", "text": "Please sum up “Elena”"},
        {"who": "model", "text": "A lead in Berlin."},
    ]
    assert [one["item"]["role"] for one in told.told("conversation.item.create", "in")[:1]] == [
        "user"
    ]


def test_pushing_to_talk_commits_by_hand(stand_in: RunningStandIn) -> None:
    stand_in.set_script("Hello?", characters_per_s=1000)

    async def push(caller: Caller) -> None:
        caller.speak(5000)
        caller.send("input_audio_buffer.clear")
        await caller.wait_for("input_audio_buffer.cleared")
        caller.send("input_audio_buffer.commit", event_id="early")
        assert (await caller.wait_for("error"))["error"]["event_id"] == "early"
        # Until that much has been heard.
        for _ in range(1000):
            caller.send("input_audio_buffer.commit")
            event = await caller.wait_for("error", "input_audio_buffer.committed")
            if event["type"] != "error":
                break
        caller.send("response.create")
        await caller.wait_for("response.done")

    events = call(stand_in, push, audio=PUSH_TO_TALK)
    codes = {event["error"]["code"] for event in events if event["type"] == "error"}
    assert codes == {"input_audio_buffer_commit_empty"}
    (done,) = (event for event in events if event["type"] == TRANSCRIPT)
    assert done["transcript"] == "Hello?"
    assert done["usage"]["type"] == "duration"
    assert done["usage"]["seconds"] >= 0.1
    assert "input_audio_buffer.speech_started" not in [event["type"] for event in events]


def test_speaking_interrupts_an_answer(stand_in: RunningStandIn) -> None:
    stand_in.set_script(
        {"said": "Tell me all.", "answer": "There is a lot to say."},
        {"said": "Stop.", "answer": "Ok."},
        characters_per_s=SLOW,
    )

    async def interrupt(caller: Caller) -> None:
        caller.speak(200)
        await caller.wait_for("output_audio_buffer.started")
        caller.speak(200)
        await caller.wait_for("response.done")
        await caller.wait_for("conversation.item.truncated")

    events = call(stand_in, interrupt, audio=OPEN_MICROPHONE)
    (done,) = (event["response"] for event in events if event["type"] == "response.done")
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert [item["status"] for item in done["output"]] == ["incomplete"]
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "There "}]
    (truncated,) = (one for one in events if one["type"] == "conversation.item.truncated")
    assert truncated["item_id"] == done["output"][0]["id"]
    # It was heard for no longer than its one word takes.
    assert 0 < truncated["audio_end_ms"] <= 6 / SLOW * 1000
    assert texts_of(events, "output_audio_buffer.cleared", "response_id") == [done["id"]]


def test_a_client_may_cancel_an_answer(stand_in: RunningStandIn) -> None:
    stand_in.set_script({"said": "Hello", "answer": "There is a lot."}, characters_per_s=SLOW)

    async def cancel(caller: Caller) -> None:
        caller.type("Hello")
        await caller.wait_for("output_audio_buffer.started")
        caller.send("response.create", event_id="too-much")
        await caller.wait_for("error")
        caller.send("response.cancel")
        caller.send("output_audio_buffer.clear")
        await caller.wait_for("output_audio_buffer.cleared")
        caller.send("response.cancel", event_id="too-late")
        await caller.wait_for("error")

    events = call(stand_in, cancel)
    (done,) = (event["response"] for event in events if event["type"] == "response.done")
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    errors = [event["error"] for event in events if event["type"] == "error"]
    assert [(error["event_id"], error["code"]) for error in errors] == [
        ("too-much", "conversation_already_has_active_response"),
        ("too-late", "response_cancel_not_active"),
    ]
    assert "output_audio_buffer.stopped" not in [event["type"] for event in events]


def test_a_session_is_updated_in_part(stand_in: RunningStandIn) -> None:
    async def update(caller: Caller) -> None:
        session: dict[str, Any] = {
            "type": "realtime",
            "instructions": "Be short.",
            "audio": {"input": {"turn_detection": None}},
        }
        caller.send("session.update", session=session)
        await caller.wait_for("session.updated")
        caller.type("Hi")
        await caller.wait_for("response.done")
        voice = {"type": "realtime", "audio": {"output": {"voice": "marin"}}}
        for refused in (voice, {"type": "realtime", "model": "stand-in:cut"}, {"voice": "marin"}):
            caller.send("session.update", session=refused)
            await caller.wait_for("error")

    stand_in.set_script("Hi", characters_per_s=1000)
    events = call(stand_in, update, audio=OPEN_MICROPHONE)
    before, after = (event["session"] for event in events if event["type"].startswith("session."))
    assert (before["instructions"], after["instructions"]) == ("", "Be short.")
    assert before["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 200
    assert after["audio"]["input"]["turn_detection"] is None
    assert after["audio"]["input"]["transcription"]["model"] == "gpt-4o-transcribe"
    assert (after["id"], after["tools"]) == (before["id"], before["tools"])
    errors = [event["error"] for event in events if event["type"] == "error"]
    assert [(error["code"], error["param"]) for error in errors] == [
        ("cannot_update_voice", "session.audio.output.voice"),
        ("invalid_value", "session.model"),
        ("missing_required_parameter", "session.type"),
    ]
    (told,) = stand_in.calls()
    assert told.session["instructions"] == "Be short."


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "response.say"}, "invalid_value", "type"),
        ({"kind": "response.create"}, "invalid_value", "type"),
        ({"type": "response.create", "mood": "good"}, "unknown_parameter", "mood"),
        ({"type": "input_audio_buffer.append", "audio": ""}, "invalid_value", "type"),
        (
            {"type": "conversation.item.delete", "item_id": "item_x"},
            "item_delete_invalid_item_id",
            "item_id",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "call_x", "output": ""},
            },
            "invalid_tool_call_id",
            "item.call_id",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": [{"type": "text"}]},
            },
            "invalid_value",
            "item.content[0].type",
        ),
    ],
)
def test_event_that_the_api_would_refuse_is_answered_by_an_error(
    stand_in: RunningStandIn, event: dict[str, Any], code: str, param: str
) -> None:
    async def send(caller: Caller) -> None:
        caller.send_text("{")
        caller.send_text(json.dumps({**event, "event_id": "mine"}))
        for _ in range(2):
            await caller.wait_for("error")

    events = call(stand_in, send, has_microphone=False)
    broken, error = (one["error"] for one in events if one["type"] == "error")
    assert (broken["code"], broken["event_id"]) == ("invalid_json", None)
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")


def test_items_can_be_told_placed_and_removed(stand_in: RunningStandIn) -> None:
    def note(name: str) -> dict[str, Any]:
        content = [{"type": "input_text", "text": name}]
        return {"id": name, "type": "message", "role": "system", "content": content}

    async def arrange(caller: Caller) -> None:
        caller.send("conversation.item.create", item=note("b"))
        caller.send("conversation.item.create", item=note("a"), previous_item_id="root")
        caller.send("conversation.item.create", item=note("c"), previous_item_id="b")
        caller.send("conversation.item.retrieve", item_id="c")
        caller.send("conversation.item.delete", item_id="b")
        await caller.wait_for("conversation.item.deleted")

    events = call(stand_in, arrange, has_microphone=False)
    added = [event for event in events if event["type"] == "conversation.item.added"]
    assert [(one["item"]["id"], one["previous_item_id"]) for one in added] == [
        ("b", None),
        ("a", None),
        ("c", "b"),
    ]
    (told,) = (event["item"] for event in events if event["type"] == "conversation.item.retrieved")
    assert told["content"] == [{"type": "input_text", "text": "c"}]


def test_answer_beside_the_conversation_leaves_it_as_it_was(stand_in: RunningStandIn) -> None:
    async def ask(caller: Caller) -> None:
        settings = {
            "conversation": "none",
            "output_modalities": ["text"],
            "metadata": {"for": "a title"},
            "tool_choice": "none",
        }
        caller.send("response.create", response=settings)
        await caller.wait_for("response.done")

    events = call(stand_in, ask, has_microphone=False)
    (done,) = (event["response"] for event in events if event["type"] == "response.done")
    assert (done["conversation_id"], done["metadata"]) == (None, {"for": "a title"})
    assert "conversation.item.added" not in [event["type"] for event in events]


def test_what_happened_in_a_call_is_told(stand_in: RunningStandIn) -> None:
    async def ask(caller: Caller) -> None:
        caller.type("Hello")
        await caller.wait_for("response.done")
        await caller.wait_until_heard(20)

    events = call(stand_in, ask, model="stand-in", instructions="Be kind.")
    told = stand_in.wait_for_call(lambda one: one.state == "closed")
    assert (told.model, told.behaviour, told.ended) == ("stand-in", "", "peer_gone")
    assert told.session["instructions"] == "Be kind."
    sent = [one.event for one in told.events if one.direction == "out"]
    assert sent[: len(events)] == events
    assert [one.at_s for one in told.events] == sorted(one.at_s for one in told.events)
    assert told.audio_packets_in > 0
    assert told.audio_packets_out > 0
    assert [one["is_used"] for one in stand_in.client_secrets()] == [True]
