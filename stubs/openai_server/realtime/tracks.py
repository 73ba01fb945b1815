"""The audio of a call: a tone for what is said, and the loudness of what is heard."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Callable
from fractions import Fraction

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

RATE = 48_000
FRAME_MS = 20
SAMPLES = RATE * FRAME_MS // 1000
TONE_HZ = 450
TONE_LEVEL = 8_000
LOUDEST = 32_768
# So few samples are enough to tell how loud a frame is.
EVERY_NTH = 8

TONE = array(
    "h",
    (round(TONE_LEVEL * math.sin(2 * math.pi * TONE_HZ * n / RATE)) for n in range(SAMPLES)),
).tobytes()
SILENCE = bytes(len(TONE))


def frame_of(samples: bytes, number: int) -> AudioFrame:
    """The frame with this number, of 20 ms of one channel."""
    frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
    frame.planes[0].update(samples)
    frame.sample_rate = RATE
    frame.pts = number * SAMPLES
    frame.time_base = Fraction(1, RATE)
    return frame


class ToneTrack(MediaStreamTrack):
    """Audio in real time: a tone where there is something to say, silence where there is not.

    Args:
        play: asked for each frame whether it is the tone.
    """

    kind = "audio"

    def __init__(self, play: Callable[[float], bool]) -> None:
        super().__init__()
        self._play = play
        self._number = 0
        self._began_s: float | None = None

    async def recv(self) -> AudioFrame:
        """The next frame, when its time has come."""
        if self.readyState != "live":
            raise MediaStreamError
        now_s = asyncio.get_running_loop().time()
        if self._began_s is None:
            self._began_s = now_s
        await asyncio.sleep(self._began_s + self._number * FRAME_MS / 1000 - now_s)
        frame = frame_of(TONE if self._play(FRAME_MS) else SILENCE, self._number)
        self._number += 1
        return frame


async def listen(track: MediaStreamTrack, hear: Callable[[float, float], None]) -> None:
    """Tell the loudness and length in milliseconds of every frame, until the track ends."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if isinstance(frame, AudioFrame):
            hear(loudness_of(frame), frame.samples * 1000 / frame.sample_rate)


def loudness_of(frame: AudioFrame) -> float:
    """How loud a frame of 16-bit samples is: their root mean square as a share of the loudest."""
    channels = len(frame.layout.channels)
    used = frame.samples * channels * 2
    samples = array("h", bytes(frame.planes[0])[:used])[:: EVERY_NTH * channels]
    return math.sqrt(sum(one * one for one in samples) / len(samples)) / LOUDEST
