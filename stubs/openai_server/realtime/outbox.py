"""Server events on their way out, and what can go wrong with that."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.realtime.records import CallRecord

# What happens in the middle of an answer does so after its first delta.
MID_TURN = frozenset({"channel-closed", "cut"})


class Outbox:
    """Sends events in order, once, unless the fault says otherwise.

    Args:
        fault: the behaviour's name.
        mid_turn: called once in the middle of an answer, where the fault is one of those.
    """

    def __init__(self, record: CallRecord, fault: str, mid_turn: Callable[[], None]) -> None:
        self._record = record
        self._fault = fault
        self._mid_turn: Callable[[], None] | None = mid_turn if fault in MID_TURN else None
        self._transmit: Callable[[str], None] | None = None
        self._waiting: list[JsonObject] = []
        self._held: JsonObject | None = None

    def open(self, transmit: Callable[[str], None]) -> None:
        """The channel is there; what has waited for it is sent."""
        self._transmit = transmit
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            self._deliver(event)

    def close(self) -> None:
        """The channel is gone; what is sent from now on is lost."""
        self._transmit = _lose

    def send(self, kind: str, **content: JsonValue) -> None:
        """Send an event."""
        event: JsonObject = {
            "type": kind,
            "event_id": f"event_{secrets.token_hex(12)}",
            **content,
        }
        if self._transmit is None:
            self._waiting.append(event)
        else:
            self._deliver(event)

    def _deliver(self, event: JsonObject) -> None:
        kind = str(event["type"])
        # The last event of an answer is neither held back nor overtakes another: none is held for ever.
        is_last = kind == "response.done"
        is_held_back = kind.startswith("response.") and not is_last
        if self._fault == "out-of-order" and self._held is None and is_held_back:
            self._held = event
            return
        held, self._held = self._held, None
        pair = [held, event] if is_last else [event, held]
        for one in pair:
            if one is not None:
                self._pass(one)
        if self._fault == "duplicate-events":
            self._pass(event)
        if self._mid_turn is not None and kind.endswith(".delta"):
            mid_turn, self._mid_turn = self._mid_turn, None
            mid_turn()

    def _pass(self, event: JsonObject) -> None:
        if self._transmit is None or self._transmit is _lose:
            return
        self._record.note("out", event)
        self._transmit(json.dumps(event, ensure_ascii=False))


def _lose(_text: str) -> None:
    """Nobody is there."""
