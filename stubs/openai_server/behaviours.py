"""How the stand-in behaves: it is asked by the name of the model.

``stand-in`` is good. ``stand-in:NAME`` misbehaves at every request, ``stand-in:NAME:K`` at the first K
requests for that name, and is good from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MODEL = "stand-in"
# ``slow-first-byte`` says nothing for so long.
SILENCE_S = 30.0

# What is wrong with what the answer says; the answer itself is well delivered (``tampering.py``).
CONTENT = frozenset(
    {
        "not-json", "wrong-schema", "foreign-tool", "other-record", "unknown-person", "escape",
        "uncited", "link", "obeys", "calls-forever",
    }
)  # fmt: skip
# What is wrong with how it is delivered.
DELIVERY = frozenset({"slow-first-byte", "cut", "refusal", "incomplete", "counts-bytes"})
# What goes wrong with a realtime session only (``realtime/``).
REALTIME = frozenset(
    {
        "no-secret", "ice-failure", "channel-closed", "packet-loss", "duplicate-events",
        "out-of-order", "hundred-calls", "session-expired", "call-status-500",
    }
)  # fmt: skip

_STATUS = re.compile(r"status-([45]\d\d)(?:-(\d{1,6})ms)?")
_OUT_OF_QUOTA = "status-429-quota"
_DELAY = re.compile(r"delay-(\d{1,6})ms")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a model does wrong.

    Attributes:
        name: the NAME, empty for a good one.
        first: at how many requests; None means at each.
        status: the HTTP status that is answered instead, 0 for none.
        retry_after_ms: the wait that goes with that status, told in ``retry-after-ms``; with 0 it is one
            second for 429, told in ``Retry-After``, and none for the others.
        delay_ms: how long after its request a good answer begins.
        is_out_of_quota: whether the status means that the account has nothing left to spend.
    """

    name: str = ""
    first: int | None = None
    status: int = 0
    retry_after_ms: int = 0
    delay_ms: int = 0
    is_out_of_quota: bool = False

    def at(self, count: int) -> Behaviour:
        """The behaviour at the ``count``-th request for this model, counted from 1."""
        return GOOD if self.first is not None and count > self.first else self


GOOD = Behaviour()


def behaviour_of(model: str) -> Behaviour | None:
    """The behaviour that a model's name asks for; None when there is no such model."""
    base, *rest = model.split(":")
    if base != MODEL or len(rest) > 2:
        return None
    if not rest:
        return GOOD
    name, *limit = rest
    if limit and not re.fullmatch(r"\d{1,6}", limit[0], re.ASCII):
        return None
    first = int(limit[0]) if limit else None
    if name == _OUT_OF_QUOTA:
        return Behaviour(name, first, status=429, is_out_of_quota=True)
    if status := _STATUS.fullmatch(name):
        return Behaviour(name, first, status=int(status[1]), retry_after_ms=int(status[2] or 0))
    if delay := _DELAY.fullmatch(name):
        return Behaviour(name, first, delay_ms=int(delay[1]))
    return Behaviour(name, first) if name in CONTENT | DELIVERY | REALTIME else None
