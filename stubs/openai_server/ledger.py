"""What has arrived since the reset: kept for tests to look at."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pydantic import JsonValue

from stubs.openai_server.usage import PromptCache

KEPT_REQUESTS = 1000


@dataclass(slots=True)
class Arrival:
    """One request.

    Attributes:
        headers: without the key.
        outcome: what became of it: ``good``, the name of a misbehaviour, ``bad-key``, ``bad-request`` or
            ``no-such-model``; empty while it waits.
        obeyed: what ``obeys`` took over from the facts, such as ``tool`` and ``url``.
    """

    path: str
    headers: Mapping[str, str]
    is_key_good: bool
    body: JsonValue
    outcome: str = ""
    obeyed: list[str] = field(default_factory=list)


class Ledger:
    """All that the stand-in remembers."""

    def __init__(self) -> None:
        self._at_once = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything: requests, counts, and the prompts that were read."""
        self.prompts = PromptCache()
        self._kept: deque[Arrival] = deque(maxlen=KEPT_REQUESTS)
        self._total = 0
        self._models: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._most_at_once = self._at_once

    def arrive(self, arrival: Arrival) -> None:
        """Keep a request."""
        self._kept.append(arrival)
        self._total += 1

    def count(self, model: str) -> int:
        """Which request for this model it is, counted from 1."""
        self._models[model] += 1
        return self._models[model]

    def settle(self, arrival: Arrival, outcome: str) -> None:
        """Note what becomes of a request."""
        arrival.outcome = outcome
        self._outcomes[outcome] += 1

    def begin(self) -> None:
        """One more is being answered."""
        self._at_once += 1
        self._most_at_once = max(self._most_at_once, self._at_once)

    def end(self) -> None:
        """One less is."""
        self._at_once -= 1

    def requests(self) -> list[dict[str, JsonValue]]:
        """The kept requests, oldest first."""
        return [asdict(arrival) for arrival in self._kept]

    def counts(self) -> dict[str, JsonValue]:
        """How many came, for which models, with what outcome, and how many at once at most."""
        return {
            "requests": self._total,
            "models": dict(self._models),
            "outcomes": dict(self._outcomes),
            "most_at_once": self._most_at_once,
        }
