"""How much was read and written: about four characters to the token, and what was read before."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

CHARACTERS_PER_TOKEN = 4
# The prompts that are remembered; the oldest is forgotten first.
REMEMBERED_PROMPTS = 1000


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return len(text) // CHARACTERS_PER_TOKEN


def shared_characters(one: str, other: str) -> int:
    """How many characters two texts begin with together."""
    shared, differs_at = 0, min(len(one), len(other)) + 1
    while differs_at - shared > 1:
        middle = (shared + differs_at) // 2
        if one[shared:middle] == other[shared:middle]:
            shared = middle
        else:
            differs_at = middle
    return shared


class PromptCache:
    """Remembers prompts, and finds how much of a new one they begin with."""

    def __init__(self) -> None:
        self._in_order: list[str] = []
        self._by_age: deque[str] = deque()

    def read(self, prompt: str) -> int:
        """How many tokens of the prompt an earlier one had begun with; then remember it, too.

        Among texts in order, the one that shares most stands next to where the new one belongs.
        """
        place = bisect_left(self._in_order, prompt)
        neighbours = self._in_order[max(place - 1, 0) : place + 1]
        shared = max((shared_characters(prompt, other) for other in neighbours), default=0)
        insort(self._in_order, prompt)
        self._by_age.append(prompt)
        if len(self._by_age) > REMEMBERED_PROMPTS:
            self._in_order.pop(bisect_left(self._in_order, self._by_age.popleft()))
        return shared // CHARACTERS_PER_TOKEN
