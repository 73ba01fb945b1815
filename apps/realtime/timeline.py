"""What a session's events come to: the handshake, each turn, and how long things took.

Pure functions over events in the order of the browser's clock, so that live and replay say the same. All
times are milliseconds of that clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from pydantic import JsonValue

_SPEECH_BEGAN = "input_audio_buffer.speech_started"
_SPEECH_ENDED = frozenset({"input_audio_buffer.speech_stopped", "input_audio_buffer.committed"})
_TRANSCRIBED = frozenset(
    {
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
    }
)
FIRST_TEXT = frozenset({"response.output_audio_transcript.delta", "response.output_text.delta"})
_AUDIO_BEGAN = "output_audio_buffer.started"
_AUDIO_ENDED = frozenset({"output_audio_buffer.stopped", "output_audio_buffer.cleared"})
_RESPONSE_BEGAN = "response.created"
_RESPONSE_DONE = "response.done"
_INTERRUPTED = frozenset({"output_audio_buffer.cleared", "aisha.barge_in"})
_TYPED = "conversation.item.create"


class Event(Protocol):
    """What is read of an event."""

    @property
    def at_ms(self) -> float:
        """When."""

    @property
    def type(self) -> str:
        """What."""

    @property
    def direction(self) -> str:
        """Which way."""

    @property
    def turn(self) -> int | None:
        """In which turn."""

    @property
    def data(self) -> Mapping[str, JsonValue]:
        """What it holds beside."""


@dataclass(frozen=True, slots=True)
class Span:
    """One bar of a waterfall. ``kind`` is one of speech, stt, model, tool, audio."""

    kind: str
    label: str
    begins_ms: float
    ends_ms: float
    is_failed: bool = False

    @property
    def lasts_ms(self) -> float:
        """How long."""
        return self.ends_ms - self.begins_ms


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that the person said, and what came of it.

    Times count from the end of their speech (of typed words, from when they were sent), None where it never
    came: ``stt_ms`` to the transcript, ``first_text_ms`` to the model's first words, ``first_audio_ms`` to
    the first sound.
    """

    number: int
    begins_ms: float
    ends_ms: float
    spans: tuple[Span, ...]
    stt_ms: float | None
    first_text_ms: float | None
    first_audio_ms: float | None
    tool_ms: tuple[float, ...]
    is_interrupted: bool


@dataclass(frozen=True, slots=True)
class Handshake:
    """From the token to the first word of the provider, in milliseconds; None for a step that is missing."""

    token_ms: float | None = None
    offer_ms: float | None = None
    answer_ms: float | None = None
    ice_ms: float | None = None
    channel_ms: float | None = None
    first_event_ms: float | None = None

    @property
    def whole_ms(self) -> float | None:
        """From the press of the button until the provider's first event."""
        return self.first_event_ms


@dataclass(frozen=True, slots=True)
class Latency:
    """One measure over all turns that nobody interrupted: how many, and its 50th and 95th percentile."""

    name: str
    label: str
    values_ms: tuple[float, ...] = field(repr=False)

    @property
    def count(self) -> int:
        """How many."""
        return len(self.values_ms)

    @property
    def p50_ms(self) -> float | None:
        """Half took no longer."""
        return percentile(self.values_ms, 50)

    @property
    def p95_ms(self) -> float | None:
        """19 of 20 took no longer."""
        return percentile(self.values_ms, 95)


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of a session."""

    handshake: Handshake
    turns: tuple[Turn, ...]
    latencies: tuple[Latency, ...]


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile: the least value that so many per cent do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]


def timeline_of(events: Iterable[Event]) -> Timeline:
    """Return what a session's events come to."""
    ordered = sorted(events, key=lambda event: event.at_ms)
    turns = tuple(_turns(ordered))
    return Timeline(_handshake(ordered), turns, _latencies(turns))


def _handshake(events: Sequence[Event]) -> Handshake:
    def first(type_: str, state: str = "") -> float | None:
        for event in events:
            if event.type == type_ and (not state or event.data.get("state") == state):
                return event.at_ms
        return None

    first_in = next(
        (
            event.at_ms
            for event in events
            if event.direction == "in" and not event.type.startswith("aisha.")
        ),
        None,
    )
    ice = first("aisha.ice_state", state="connected")
    if ice is None:
        ice = first("aisha.ice_state", state="completed")
    return Handshake(
        token_ms=first("aisha.token"),
        offer_ms=first("aisha.offer"),
        answer_ms=first("aisha.answer"),
        ice_ms=ice,
        channel_ms=first("aisha.channel_state", state="open"),
        first_event_ms=first_in,
    )


def _turns(events: Sequence[Event]) -> Iterator[Turn]:
    numbered = [event for event in events if event.turn is not None]
    numbered.sort(key=lambda event: (event.turn or 0, event.at_ms))
    for number, group in groupby(numbered, key=lambda event: event.turn or 0):
        yield _turn(number, list(group))


def _turn(number: int, events: Sequence[Event]) -> Turn:
    spoke_from = _first(events, {_SPEECH_BEGAN})
    spoke_until = _first(events, _SPEECH_ENDED)
    asked_at = spoke_until if spoke_until is not None else _first(events, {_TYPED})
    transcript = _first(events, _TRANSCRIBED)
    text, audio = _first(events, FIRST_TEXT), _first(events, {_AUDIO_BEGAN})
    tools = tuple(_tools(events))
    spans = [*_speech(spoke_from, spoke_until), *tools, *_model(events), *_audio(events)]
    if spoke_until is not None and transcript is not None:
        spans.append(Span("stt", "Transcript", spoke_until, transcript))
    spans.sort(key=lambda span: (span.begins_ms, span.kind))
    return Turn(
        number=number,
        begins_ms=events[0].at_ms,
        ends_ms=events[-1].at_ms,
        spans=tuple(spans),
        stt_ms=_since(spoke_until, transcript),
        first_text_ms=_since(asked_at, text),
        first_audio_ms=_since(asked_at, audio),
        tool_ms=tuple(span.lasts_ms for span in tools),
        is_interrupted=any(map(_is_interruption, events)),
    )


def _is_interruption(event: Event) -> bool:
    if event.type in _INTERRUPTED:
        return True
    return event.type == _RESPONSE_DONE and event.data.get("status") == "cancelled"


def _first(events: Iterable[Event], types: Iterable[str]) -> float | None:
    wanted = frozenset(types)
    return next((event.at_ms for event in events if event.type in wanted), None)


def _since(begins: float | None, ends: float | None) -> float | None:
    return None if begins is None or ends is None else max(0.0, ends - begins)


def _speech(begins: float | None, ends: float | None) -> Iterator[Span]:
    if begins is not None and ends is not None:
        yield Span("speech", "Speech", begins, ends)


def _tools(events: Sequence[Event]) -> Iterator[Span]:
    begun: dict[str, Event] = {}
    for event in events:
        call_id = str(event.data.get("call_id", ""))
        if event.type == "aisha.tool_call":
            begun.setdefault(call_id, event)
        elif event.type == "aisha.tool_result" and call_id in begun:
            call = begun.pop(call_id)
            is_failed = event.data.get("status") not in {"answered", "proposed"}
            label = str(call.data.get("tool", "")) or "tool"
            yield Span("tool", label, call.at_ms, event.at_ms, is_failed)


def _model(events: Sequence[Event]) -> Iterator[Span]:
    """Each response from when it was begun until it was done."""
    for begins, done in _stretches(events, _RESPONSE_BEGAN, {_RESPONSE_DONE}):
        is_failed = done.data.get("status") in {"failed", "incomplete"}
        yield Span("model", "Model", begins, done.at_ms, is_failed)


def _audio(events: Sequence[Event]) -> Iterator[Span]:
    for begins, ended in _stretches(events, _AUDIO_BEGAN, _AUDIO_ENDED):
        yield Span("audio", "Voice", begins, ended.at_ms)


def _stretches(
    events: Sequence[Event], began: str, ended: Set[str]
) -> Iterator[tuple[float, Event]]:
    """When something first began, and the event that ended it; an end without a beginning is passed over."""
    begins: float | None = None
    for event in events:
        if event.type == began:
            begins = event.at_ms if begins is None else begins
        elif event.type in ended and begins is not None:
            yield begins, event
            begins = None


def _latencies(turns: Sequence[Turn]) -> tuple[Latency, ...]:
    """What somebody waits for. An interrupted turn is no measure: nobody knows how long it would take."""
    whole = [turn for turn in turns if not turn.is_interrupted]

    def told(values: Iterable[float | None]) -> tuple[float, ...]:
        return tuple(value for value in values if value is not None)

    return (
        Latency("stt", "Speech end to transcript", told(turn.stt_ms for turn in whole)),
        Latency("first_text", "Speech end to first words", told(t.first_text_ms for t in whole)),
        Latency("first_audio", "Speech end to first sound", told(t.first_audio_ms for t in whole)),
        Latency("tool", "Tool round trip", tuple(ms for turn in whole for ms in turn.tool_ms)),
    )
