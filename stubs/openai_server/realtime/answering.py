"""One answer of the model as it goes: its events in the API's order, at the pace of speech."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.realtime.deciding import Step, Wanted
from stubs.openai_server.realtime.items import Item, Items, new_id
from stubs.openai_server.realtime.outbox import Outbox
from stubs.openai_server.realtime.session import MostTokens
from stubs.openai_server.realtime.tokens import Tokens, of_said, of_text, usage
from stubs.openai_server.realtime.voice import Speech, Voice
from stubs.openai_server.usage import CHARACTERS_PER_TOKEN

Status = Literal["in_progress", "completed", "cancelled", "incomplete"]
CancelReason = Literal["turn_detected", "client_cancelled"]
# The model makes speech faster than it is played.
MAKING_PER_PLAYING = 0.5
_WORDS = re.compile(r"\S+\s*")
TOKENS_PER_MINUTE = 200_000


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is given.

    Attributes:
        audio: the output's format and voice.
        conversation_id: None for an answer that does not become part of the conversation.
        read: the tokens that are read for it, and how many of them were read before.
    """

    is_spoken: bool
    characters_per_s: float
    max_output_tokens: MostTokens
    audio: JsonObject
    conversation_id: str | None
    metadata: dict[str, str] | None
    read: Tokens
    cached: Tokens
    is_half: bool = False


class Answer:
    """A response that is being given. ``run`` gives it; ``cancel`` ends it early."""

    def __init__(
        self, step: Step, manner: Manner, items: Items, outbox: Outbox, voice: Voice
    ) -> None:
        self.id = new_id("resp")
        self.status: Status = "in_progress"
        self._step = step
        self._manner = manner
        self._items = items
        self._outbox = outbox
        self._voice = voice
        self._output: list[JsonValue] = []
        self._written = Tokens()
        self._status_details: JsonObject | None = None
        # The message that is being said, or the call that is being made.
        self._item: Item | None = None
        self._call_item: Item | None = None
        self._text = ""
        self._speech: Speech | None = None
        self._text_limit = _most_characters(step.text, manner)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however."""
        return self.status != "in_progress"

    @property
    def text(self) -> str:
        """What was said so far."""
        return self._text

    async def run(self) -> None:
        """Give it."""
        self._outbox.send("response.created", response=self.wire())
        self._outbox.send("rate_limits.updated", rate_limits=_rate_limits(self._manner.read))
        for wanted in self._step.calls:
            await self._call(wanted)
        if not self._step.calls:
            await self._say(self._step.text[: self._text_limit])
        if self._text_limit < len(self._step.text) and not self._step.calls:
            self._end("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
        else:
            self._end("completed", None)

    def cancel(self, reason: CancelReason) -> None:
        """End it where it stands. Whoever runs it has to stop running it."""
        if not self.is_over:
            self._close_message("incomplete")
            self._close_call("incomplete")
            self._end("cancelled", {"type": "cancelled", "reason": reason})

    def wire(self) -> JsonObject:
        """As events tell it."""
        manner = self._manner
        used = usage(manner.read, manner.cached, self._written) if self.is_over else None
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self._status_details,
            "output": [*self._output],
            "conversation_id": manner.conversation_id,
            "output_modalities": ["audio" if manner.is_spoken else "text"],
            "max_output_tokens": manner.max_output_tokens,
            "audio": {"output": manner.audio},
            "usage": used,
            "metadata": dict(manner.metadata) if manner.metadata is not None else None,
        }

    async def _call(self, wanted: Wanted) -> None:
        arguments = json.dumps(wanted.arguments, ensure_ascii=False)
        call_id = new_id("call")
        wire: JsonObject = {
            "id": new_id(),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "call_id": call_id,
            "name": wanted.name,
            "arguments": "",
        }
        tokens = of_text(wanted.name + arguments)
        item = self._call_item = Item(wire, tokens)
        self._begin(item)
        place = self._place(item) | {"call_id": call_id}
        half = len(arguments) // 2
        for delta in (arguments[:half], arguments[half:]):
            self._outbox.send("response.function_call_arguments.delta", **place, delta=delta)
            await asyncio.sleep(0)
        self._outbox.send(
            "response.function_call_arguments.done",
            **place,
            name=wanted.name,
            arguments=arguments,
        )
        item.wire = wire | {"arguments": arguments}
        self._close_call("completed")

    async def _say(self, text: str) -> None:
        manner = self._manner
        item = Item(
            {
                "id": new_id(),
                "object": "realtime.item",
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            },
            Tokens(),
        )
        self._item = item
        self._begin(item)
        place = self._place(item) | {"content_index": 0}
        self._outbox.send("response.content_part.added", **place, part=self._part(""))
        if manner.is_spoken:
            self._speech = self._voice.begin(self.id, item.id)
        for word in _WORDS.findall(text):
            self._text += word
            self._outbox.send(f"{self._kind}.delta", **place, delta=word)
            await self._utter(item, word)
        self._close_message("completed")

    async def _utter(self, item: Item, word: str) -> None:
        """Let a word take its time."""
        if self._speech is None:
            await asyncio.sleep(0)
            return
        duration_s = len(word) / self._manner.characters_per_s
        item.said_ms += duration_s * 1000
        self._voice.say(self._speech, duration_s * 1000)
        await asyncio.sleep(duration_s * MAKING_PER_PLAYING)

    def _close_call(self, status: Status) -> None:
        item, self._call_item = self._call_item, None
        if item is not None:
            self._written += item.tokens
            item.wire = item.wire | {"status": status}
            self._finish(item)

    def _close_message(self, status: Status) -> None:
        item, self._item = self._item, None
        if item is None:
            return
        text, place = self._text, self._place(item) | {"content_index": 0}
        if self._speech is not None:
            self._voice.end(self._speech)
            self._outbox.send("response.output_audio.done", **place)
            self._outbox.send(f"{self._kind}.done", **place, transcript=text)
            content: JsonObject = {"type": "output_audio", "transcript": text}
        else:
            self._outbox.send(f"{self._kind}.done", **place, text=text)
            content = {"type": "output_text", "text": text}
        self._outbox.send("response.content_part.done", **place, part=self._part(text))
        item.tokens = of_said(text, round(item.said_ms))
        self._written += item.tokens
        item.wire = item.wire | {"status": status, "content": [content]}
        self._finish(item)

    @property
    def _kind(self) -> str:
        spoken = self._manner.is_spoken
        return "response.output_audio_transcript" if spoken else "response.output_text"

    def _part(self, text: str) -> JsonObject:
        if self._manner.is_spoken:
            return {"type": "audio", "transcript": text}
        return {"type": "text", "text": text}

    def _place(self, item: Item) -> JsonObject:
        return {
            "response_id": self.id,
            "item_id": item.id,
            "output_index": len(self._output),
        }

    def _begin(self, item: Item) -> None:
        place: JsonObject = {"response_id": self.id, "output_index": len(self._output)}
        self._outbox.send("response.output_item.added", **place, item=item.wire)
        if self._manner.conversation_id is not None:
            before = self._items.add(item)
            self._outbox.send("conversation.item.added", previous_item_id=before, item=item.wire)

    def _finish(self, item: Item) -> None:
        if self._items.find(item.id) is not None:
            before = self._items.before(item.id)
            self._outbox.send("conversation.item.done", previous_item_id=before, item=item.wire)
        place: JsonObject = {"response_id": self.id, "output_index": len(self._output)}
        self._outbox.send("response.output_item.done", **place, item=item.wire)
        self._output.append(item.wire)

    def _end(self, status: Status, details: JsonObject | None) -> None:
        self.status = status
        self._status_details = details
        self._outbox.send("response.done", response=self.wire())


def _most_characters(text: str, manner: Manner) -> int:
    if manner.is_half:
        return len(text) // 2
    if manner.max_output_tokens == "inf":
        return len(text)
    return manner.max_output_tokens * CHARACTERS_PER_TOKEN


def _rate_limits(read: Tokens) -> list[JsonValue]:
    remaining = max(0, TOKENS_PER_MINUTE - read.total)
    return [
        {
            "name": "tokens",
            "limit": TOKENS_PER_MINUTE,
            "remaining": remaining,
            "reset_seconds": round((TOKENS_PER_MINUTE - remaining) * 60 / TOKENS_PER_MINUTE, 3),
        }
    ]
