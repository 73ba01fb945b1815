"""What goes out as audio: how much of which answer is still to be said."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Speech:
    """The speech of one answer.

    Attributes:
        item_id: the item that it belongs to.
        is_whole: whether nothing is to be added to it.
    """

    response_id: str
    item_id: str
    queued_ms: float = 0
    played_ms: float = 0
    is_whole: bool = False


class Voice:
    """Plays one speech after the other, in the time that it takes.

    Args:
        started: told when the first of a speech is played.
        stopped: told when the last was.
    """

    def __init__(
        self, started: Callable[[Speech], None], stopped: Callable[[Speech], None]
    ) -> None:
        self._started = started
        self._stopped = stopped
        self._speeches: deque[Speech] = deque()
        # False where nobody listens: what is said then takes no time.
        self.is_heard = False

    def begin(self, response_id: str, item_id: str) -> Speech:
        """A new speech."""
        speech = Speech(response_id, item_id)
        if self.is_heard:
            self._speeches.append(speech)
        return speech

    def say(self, speech: Speech, duration_ms: float) -> None:
        """Add to a speech."""
        speech.queued_ms += duration_ms

    def end(self, speech: Speech) -> None:
        """Nothing is added any more."""
        speech.is_whole = True

    def play(self, duration_ms: float) -> bool:
        """Play so much; whether it is speech."""
        if not self._speeches:
            return False
        speech = self._speeches[0]
        if speech.queued_ms <= 0:
            if speech.is_whole:
                self._speeches.popleft()
                if speech.played_ms:
                    self._stopped(speech)
            return False
        if not speech.played_ms:
            self._started(speech)
        speech.queued_ms -= duration_ms
        speech.played_ms += duration_ms
        return True

    def clear(self) -> list[Speech]:
        """Stop at once; what was being said, as far as any of it was heard."""
        cut = [speech for speech in self._speeches if speech.played_ms]
        self._speeches.clear()
        return cut
