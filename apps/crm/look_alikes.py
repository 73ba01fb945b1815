"""Records like one that is about to be written. Who can tell registers here; records alone know of nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A record that may be the same: how probable that is, 0 to 1, and what the two have in common."""

    record: Record
    probability: float
    words: str


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Those that the person may see, the likeliest first, and how many there are that they may not."""

    named: tuple[LookAlike, ...] = ()
    unseen: int = 0

    @property
    def is_any(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.named or self.unseen)


# Called with who asks, the kind of record and its values by model field; answers within milliseconds.
Probe = Callable[[User, RecordKind, Mapping[str, Any]], LookAlikes]

_probes: list[Probe] = []


def register_probe(probe: Probe) -> None:
    """Have creating records ask this before they are written."""
    _probes.append(probe)


def look_alikes(user: User, kind: RecordKind, values: Mapping[str, Any]) -> LookAlikes:
    """The records like one that this person is about to write."""
    found = [probe(user, kind, values) for probe in _probes]
    return LookAlikes(
        tuple(like for likes in found for like in likes.named),
        sum(likes.unseen for likes in found),
    )
