"""What a session's events come to."""

from __future__ import annotations

import random

import pytest

from apps.realtime.enums import Direction
from apps.realtime.schemas import EventIn
from apps.realtime.tests.factories import event
from apps.realtime.timeline import Handshake, Span, percentile, timeline_of

IN, OUT = Direction.IN, Direction.OUT


def a_turn(number: int, begins: float) -> list[EventIn]:
    """Somebody speaks for a second; a tool is asked, and AiSHA answers aloud."""
    call = {"call_id": f"c{number}", "tool": "search_records"}
    return [
        event("input_audio_buffer.speech_started", begins, IN, turn=number),
        event("input_audio_buffer.speech_stopped", begins + 1_000, IN, turn=number),
        event(
            "conversation.item.input_audio_transcription.completed", begins + 1_300, IN, turn=number
        ),
        event("response.created", begins + 1_100, IN, turn=number),
        event("aisha.tool_call", begins + 1_400, OUT, turn=number, data=call),
        event(
            "aisha.tool_result",
            begins + 1_450,
            IN,
            turn=number,
            data={"call_id": f"c{number}", "status": "answered"},
        ),
        event("response.done", begins + 1_460, IN, turn=number, data={"status": "completed"}),
        event("response.created", begins + 1_500, IN, turn=number),
        event("response.output_audio_transcript.delta", begins + 1_700, IN, turn=number),
        event("output_audio_buffer.started", begins + 1_800, IN, turn=number),
        event("response.done", begins + 2_000, IN, turn=number, data={"status": "completed"}),
        event("output_audio_buffer.stopped", begins + 4_000, IN, turn=number),
    ]


def test_a_turn_is_a_waterfall() -> None:
    (turn,) = timeline_of(a_turn(1, 5_000)).turns
    assert turn.spans == (
        Span("speech", "Speech", 5_000, 6_000),
        Span("stt", "Transcript", 6_000, 6_300),
        Span("model", "Model", 6_100, 6_460),
        Span("tool", "search_records", 6_400, 6_450),
        Span("model", "Model", 6_500, 7_000),
        Span("audio", "Voice", 6_800, 9_000),
    )
    assert (turn.stt_ms, turn.first_text_ms, turn.first_audio_ms) == (300, 700, 800)
    assert (turn.tool_ms, turn.is_interrupted) == ((50,), False)
    assert (turn.begins_ms, turn.ends_ms) == (5_000, 9_000)


def test_live_and_replay_say_the_same() -> None:
    events = [*a_turn(1, 1_000), *a_turn(2, 9_000)]
    shuffled = events.copy()
    random.Random(7).shuffle(shuffled)
    assert timeline_of(shuffled) == timeline_of(events)


def test_an_interrupted_turn_is_no_measure() -> None:
    cut = [
        *a_turn(2, 9_000),
        event("output_audio_buffer.cleared", 11_000, IN, turn=2),
    ]
    timeline = timeline_of([*a_turn(1, 1_000), *cut])
    assert [turn.is_interrupted for turn in timeline.turns] == [False, True]
    assert {latency.name: latency.values_ms for latency in timeline.latencies} == {
        "stt": (300,),
        "first_text": (700,),
        "first_audio": (800,),
        "tool": (50,),
    }


def test_a_response_that_was_cancelled_interrupts_its_turn() -> None:
    done = event("response.done", 3_000, IN, turn=1, data={"status": "cancelled"})
    assert timeline_of([done]).turns[0].is_interrupted


def test_typed_words_count_from_when_they_were_sent() -> None:
    (turn,) = timeline_of(
        [
            event("conversation.item.create", 100, OUT, turn=1),
            event("response.output_text.delta", 450, IN, turn=1),
        ]
    ).turns
    assert (turn.stt_ms, turn.first_text_ms, turn.first_audio_ms) == (None, 350, None)


def test_what_never_came_is_not_measured() -> None:
    (turn,) = timeline_of(
        [
            event("input_audio_buffer.speech_started", 100, IN, turn=1),
            event("aisha.tool_call", 200, OUT, turn=1, data={"call_id": "c", "tool": "x"}),
            event("aisha.tool_result", 300, IN, turn=1, data={"call_id": "other"}),
        ]
    ).turns
    assert turn.spans == ()
    assert (turn.stt_ms, turn.first_text_ms, turn.first_audio_ms, turn.tool_ms) == (
        None, None, None, (),
    )  # fmt: skip


def test_a_refused_tool_shows_as_failed() -> None:
    (turn,) = timeline_of(
        [
            event("aisha.tool_call", 200, OUT, turn=1, data={"call_id": "c", "tool": "approve"}),
            event("aisha.tool_result", 260, IN, turn=1, data={"call_id": "c", "status": "refused"}),
        ]
    ).turns
    assert turn.spans == (Span("tool", "approve", 200, 260, is_failed=True),)


def test_the_handshake_is_told_step_by_step() -> None:
    timeline = timeline_of(
        [
            event("aisha.token", 120),
            event("aisha.offer", 180, OUT),
            event("aisha.answer", 400, IN),
            event("aisha.ice_state", 410, data={"state": "checking"}),
            event("aisha.ice_state", 520, data={"state": "connected"}),
            event("aisha.channel_state", 600, data={"state": "open"}),
            event("session.created", 640, IN),
        ]
    )
    assert timeline.handshake == Handshake(120, 180, 400, 520, 600, 640)
    assert timeline.handshake.whole_ms == 640


def test_of_nothing_there_is_nothing() -> None:
    timeline = timeline_of([])
    assert (timeline.handshake, timeline.turns) == (Handshake(), ())
    assert [(one.count, one.p50_ms, one.p95_ms) for one in timeline.latencies] == [
        (0, None, None)
    ] * 4


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1.0), (50, 5.0), (51, 6.0), (90, 9.0), (95, 10.0), (100, 10.0)]
)
def test_percentiles_are_values_that_were_measured(percent: int, expected: float) -> None:
    assert percentile([float(value) for value in range(10, 0, -1)], percent) == expected
