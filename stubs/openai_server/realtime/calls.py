"""A call over WebRTC. Nothing but the first call imports this: it loads aiortc."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine

from aiortc import (
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtp import is_rtcp

from stubs.openai_server.realtime.client_secrets import ClientSecret
from stubs.openai_server.realtime.conversation import Conversation
from stubs.openai_server.realtime.loopback import CONFIGURATION
from stubs.openai_server.realtime.outbox import Outbox
from stubs.openai_server.realtime.records import CallRecord
from stubs.openai_server.realtime.script import Script
from stubs.openai_server.realtime.tracks import ToneTrack, listen

CHANNEL = "oai-events"
# Whoever is told why the call ends has to hear of it before it does.
LAST_WORDS_S = 0.25
# Where the candidates of an answer lead that leads nowhere: nobody listens at the discard port.
NOWHERE_PORT = 9
LOST_EVERY_NTH = 5
_CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ udp \d+ \S+ )\d+( typ .*)$", re.MULTILINE)


class OfferRefusedError(Exception):
    """The offer is none."""


class Call:
    """One peer connection with its conversation."""

    def __init__(self, secret: ClientSecret, script: Script, record: CallRecord) -> None:
        self.record = record
        self._fault = secret.behaviour.name
        self._peer = RTCPeerConnection(CONFIGURATION)
        self._outbox = Outbox(record, self._fault, self._break)
        self._talk = Conversation(secret, script, record, self._outbox, self._hang_up_soon)
        self._channel: RTCDataChannel | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, offer: str) -> str:
        """The SDP answer.

        Raises:
            OfferRefusedError: the offer cannot be understood.
        """
        peer = self._peer
        peer.on("datachannel", self._take_channel)
        peer.on("track", self._take_track)
        peer.on("connectionstatechange", self._follow)
        try:
            await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        except (ValueError, AttributeError, IndexError, KeyError) as error:
            await self.hang_up("refused")
            raise OfferRefusedError(str(error)) from error
        if not peer.getTransceivers() and peer.sctp is None:
            await self.hang_up("refused")
            raise OfferRefusedError("It offers nothing.")
        sender: RTCRtpSender | None = None
        if any(transceiver.kind == "audio" for transceiver in peer.getTransceivers()):
            sender = peer.addTrack(ToneTrack(self._play))
        await peer.setLocalDescription(await peer.createAnswer())
        for transceiver in peer.getTransceivers():
            self._talk.voice.is_heard |= transceiver.currentDirection in {"sendrecv", "sendonly"}
        if sender is not None and self._fault == "packet-loss":
            self._lose_packets(sender)
        sdp = peer.localDescription.sdp
        if self._fault == "ice-failure":
            await self.hang_up("ice-failure")
            return _CANDIDATE.sub(rf"\g<1>{NOWHERE_PORT}\g<2>", sdp)
        return sdp

    async def hang_up(self, why: str) -> None:
        """End the call."""
        self.record.end(why)
        self._talk.close()
        self._outbox.close()
        await self._peer.close()
        self.record.state = "closed"

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL:
            return
        self._channel = channel
        channel.on("message", self._talk.receive)
        channel.on("close", self._outbox.close)
        self._outbox.open(channel.send)
        self._talk.begin()

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._start(listen(track, self._hear))

    def _hear(self, loudness: float, duration_ms: float) -> None:
        self.record.audio_packets_in += 1
        self._talk.hear(loudness, duration_ms)

    def _play(self, duration_ms: float) -> bool:
        self.record.audio_packets_out += 1
        return self._talk.voice.play(duration_ms)

    async def _follow(self) -> None:
        """Note the connection's state; when the other side is gone, the call is over."""
        state = self._peer.connectionState
        self.record.state = state
        if state in {"failed", "closed"}:
            await self.hang_up("peer_gone")

    def _break(self) -> None:
        """What goes wrong in the middle of an answer."""
        if self._fault == "channel-closed" and self._channel is not None:
            self._outbox.close()
            self._channel.close()
        elif self._fault == "cut":
            self._start(self.hang_up("cut"))

    def _hang_up_soon(self, why: str) -> None:
        self.record.end(why)
        loop = asyncio.get_running_loop()
        loop.call_later(LAST_WORDS_S, lambda: self._start(self.hang_up(why)))

    def _lose_packets(self, sender: RTCRtpSender) -> None:
        """Let every fifth packet of audio be lost on the way out."""
        transport = sender.transport
        sent: Callable[[bytes], Awaitable[None]] = transport._send_rtp
        count = 0

        async def send_most(packet: bytes) -> None:
            nonlocal count
            if is_rtcp(packet):
                await sent(packet)
                return
            count += 1
            if count % LOST_EVERY_NTH:
                await sent(packet)
            else:
                self.record.audio_packets_dropped += 1

        # aiortc has no place for this but the method that it sends with itself.
        transport._send_rtp = send_most  # type: ignore[method-assign,assignment]

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
