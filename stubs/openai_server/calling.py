"""Calls the stand-in as a browser would, from Python. Importing it loads aiortc: tests alone do."""

from __future__ import annotations

import asyncio
import http.client
import json
import wave
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from stubs.openai_server.realtime.loopback import CONFIGURATION
from stubs.openai_server.realtime.tracks import (
    FRAME_MS,
    RATE,
    SILENCE,
    TONE,
    ToneTrack,
    listen,
)

TIMEOUT_S = 20
SDP = "application/sdp"
_LOUD = 0.01


@dataclass(frozen=True, slots=True)
class SdpAnswer:
    """What the offer was answered by."""

    status: int
    location: str
    body: str


class Caller:
    """A person with a microphone and a data channel.

    Attributes:
        events: everything that arrived, in order.
        heard_ms: how long something else than silence was heard.
    """

    def __init__(self, *, has_microphone: bool = True) -> None:
        self.peer = RTCPeerConnection(CONFIGURATION)
        self.events: list[dict[str, Any]] = []
        self.heard_ms = 0.0
        self._channel = self.peer.createDataChannel("oai-events")
        self._to_say_ms = 0.0
        self._looked_at = 0
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel.on("message", self._take)
        self._channel.on("close", self._wake)
        self.peer.on("track", self._take_track)
        self.peer.on("connectionstatechange", self._wake)
        if has_microphone:
            self.peer.addTrack(ToneTrack(self._say))

    async def offer(self) -> str:
        """The SDP offer."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def connect(self, base_url: str, secret: str) -> SdpAnswer:
        """Begin the call, and wait until the session is there."""
        answer = await asyncio.to_thread(post_offer, base_url, secret, await self.offer())
        if answer.status != http.HTTPStatus.CREATED:
            raise AssertionError(f"The call was refused: {answer}")
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.body, "answer"))
        await self.wait_for("session.created")
        return answer

    def send(self, kind: str, **content: Any) -> None:
        """Send an event."""
        self._channel.send(json.dumps({"type": kind, **content}))

    def send_text(self, text: str) -> None:
        """Send something that need not be an event."""
        self._channel.send(text)

    def type(self, words: str) -> None:
        """Say something by typing, and ask for an answer."""
        part = {"type": "input_text", "text": words}
        item = {"type": "message", "role": "user", "content": [part]}
        self.send("conversation.item.create", item=item)
        self.send("response.create")

    def answer_call(self, call_id: str, output: Any) -> None:
        """Tell what a function found."""
        item = {
            "type": "function_call_output",
            "call_id": call_id,
            "output": output if isinstance(output, str) else json.dumps(output),
        }
        self.send("conversation.item.create", item=item)

    def speak(self, duration_ms: float) -> None:
        """Speak for so long, then be silent."""
        self._to_say_ms += duration_ms

    async def wait_for(self, *kinds: str) -> dict[str, Any]:
        """The next event of one of these types behind the one that was waited for last."""
        async with self._changed:
            while True:
                for place in range(self._looked_at, len(self.events)):
                    if self.events[place]["type"] in kinds:
                        self._looked_at = place + 1
                        return self.events[place]
                await self._next_change(" or ".join(kinds))

    async def _next_change(self, awaited: str) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), TIMEOUT_S)
        except TimeoutError as error:
            raise AssertionError(f"Waited for {awaited}; there was {self.kinds()}.") from error

    async def wait_until_closed(self) -> str:
        """Wait until the data channel is closed; the state of the connection then."""
        async with self._changed:
            while self._channel.readyState != "closed":
                await self._next_change("the channel's end")
        return self.peer.connectionState

    async def wait_until_over(self) -> None:
        """Wait until the connection is closed from the other side."""
        async with self._changed:
            while self.peer.connectionState not in {"closed", "failed"}:
                await self._next_change("the connection’s end")

    async def wait_until_heard(self, duration_ms: float) -> None:
        """Wait until so much speech was heard."""
        async with self._changed:
            while self.heard_ms < duration_ms:
                await self._next_change("speech")

    def kinds(self) -> list[str]:
        """The types of all events so far."""
        return [event["type"] for event in self.events]

    async def _take(self, text: str) -> None:
        self.events.append(json.loads(text))
        await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _take_track(self, track: MediaStreamTrack) -> None:
        self._start(listen(track, self._hear))

    def _hear(self, loudness: float, duration_ms: float) -> None:
        if loudness > _LOUD:
            self.heard_ms += duration_ms
            self._start(self._wake())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, duration_ms: float) -> bool:
        speaks = self._to_say_ms > 0
        self._to_say_ms -= duration_ms if speaks else 0
        return speaks


@asynccontextmanager
async def calling(
    base_url: str, secret: str, *, has_microphone: bool = True
) -> AsyncIterator[Caller]:
    """A call that is under way."""
    caller = Caller(has_microphone=has_microphone)
    try:
        await caller.connect(base_url, secret)
        yield caller
    finally:
        await caller.peer.close()


def post_offer(base_url: str, secret: str, offer: str, content_type: str = SDP) -> SdpAnswer:
    """Send an SDP offer."""
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_S)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": content_type}
    try:
        connection.request("POST", f"{address.path}/realtime/calls", offer.encode(), headers)
        answer = connection.getresponse()
        body = answer.read().decode()
    finally:
        connection.close()
    return SdpAnswer(answer.status, answer.headers.get("Location", ""), body)


def write_speech(path: Path, *lengths_ms: int) -> Path:
    """A WAV file for ``--use-file-for-fake-audio-capture``: silence and tone in turns, silence first."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for place, length_ms in enumerate(lengths_ms):
            file.writeframes((TONE if place % 2 else SILENCE) * (length_ms // FRAME_MS))
    return path
