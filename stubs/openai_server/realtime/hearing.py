"""What comes in as audio: how long it is, and when somebody speaks, by how loud it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from stubs.openai_server.realtime.session import SemanticVad, ServerVad

# The loudness that a threshold of 1 asks for, as a share of the loudest: the usual 0.5 is -36 dB.
LOUDEST_THRESHOLD = 0.032
SEMANTIC = ServerVad(type="server_vad")
# Less than that is no turn when it is committed.
LEAST_COMMITTED_MS = 100


class Heard(Enum):
    """What a piece of audio begins or ends."""

    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn that was spoken, in milliseconds since the call's first audio."""

    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        """How long it was."""
        return self.end_ms - self.start_ms


class Hearing:
    """Takes audio piece by piece.

    Args:
        detection: how the beginning and end of a turn are found; None where the client says so.
    """

    def __init__(self, detection: ServerVad | SemanticVad | None) -> None:
        self._detection = detection
        self._heard_ms = 0.0
        self._kept_since_ms = 0.0
        self._speaks_since_ms: float | None = None
        self._silent_ms = 0.0

    def adjust(self, detection: ServerVad | SemanticVad | None) -> None:
        """Find turns in another way from now on; one that is being spoken goes on with none."""
        self._detection = detection
        if detection is None:
            self._speaks_since_ms = None

    def take(self, loudness: float, duration_ms: float) -> Heard | None:
        """Take a piece of audio whose loudness is a share of the loudest, 0 to 1."""
        began_ms = self._heard_ms
        self._heard_ms += duration_ms
        if self._detection is None:
            return None
        rules = self._detection if isinstance(self._detection, ServerVad) else SEMANTIC
        is_loud = loudness > rules.threshold * LOUDEST_THRESHOLD
        self._silent_ms = 0.0 if is_loud else self._silent_ms + duration_ms
        if self._speaks_since_ms is None:
            if not is_loud:
                return None
            self._speaks_since_ms = max(self._kept_since_ms, began_ms - rules.prefix_padding_ms)
            return Heard.STARTED
        return Heard.STOPPED if self._silent_ms >= rules.silence_duration_ms else None

    @property
    def turn(self) -> SpokenTurn:
        """The turn that is being spoken or, where none is, all that has been kept."""
        start_ms = self._kept_since_ms if self._speaks_since_ms is None else self._speaks_since_ms
        return SpokenTurn(round(start_ms), round(self._heard_ms))

    def finish(self) -> SpokenTurn:
        """Take what was heard as a turn, and keep nothing of it."""
        turn = self.turn
        self.clear()
        return turn

    def clear(self) -> None:
        """Forget what was heard."""
        self._kept_since_ms = self._heard_ms
        self._speaks_since_ms = None
        self._silent_ms = 0.0
