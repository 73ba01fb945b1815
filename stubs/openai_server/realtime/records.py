"""What the control endpoint tells of calls: events in and out with their times, audio, and how they ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject

KEPT_CALLS = 200
KEPT_EVENTS = 10_000
Direction = Literal["in", "out"]


@dataclass(slots=True)
class CallRecord:
    """One call.

    Attributes:
        began_at: seconds since the epoch.
        state: of the peer connection, as WebRTC calls it.
        ended: why it is over, empty while it is not.
        turns: what was said in it, by whom: ``spoken``, ``typed`` or ``model``.
        audio_packets_in: those that arrived, of 20 ms each as a rule.
    """

    id: str
    session_id: str
    model: str
    behaviour: str
    began_at: float = field(default_factory=time.time)
    state: str = "new"
    ended: str = ""
    ended_at: float | None = None
    session: JsonObject = field(default_factory=dict)
    turns: list[JsonValue] = field(default_factory=list)
    events: list[JsonValue] = field(default_factory=list)
    audio_packets_in: int = 0
    audio_packets_out: int = 0
    audio_packets_dropped: int = 0
    _began: float = field(default_factory=time.monotonic)

    def note(self, direction: Direction, event: JsonValue) -> None:
        """Keep an event with its time since the call began."""
        if len(self.events) < KEPT_EVENTS:
            at_s = round(time.monotonic() - self._began, 4)
            self.events.append({"direction": direction, "at_s": at_s, "event": event})

    def say(self, who: str, text: str) -> None:
        """Keep what was said."""
        self.turns.append({"who": who, "text": text})

    def end(self, why: str) -> None:
        """It is over; the first reason is the one that is told."""
        if not self.ended:
            self.ended = why
            self.ended_at = time.time()

    def told(self) -> JsonObject:
        """As the control endpoint tells it."""
        return {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if not name.startswith("_")
        }
