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

# Called with the kind of record and the values of new rows of a file, by their numbers; says in words what a
# row looks like.
FileProbe = Callable[[RecordKind, Mapping[int, Mapping[str, Any]]], Mapping[int, str]]

_probes: list[Probe] = []
_file_probes: list[FileProbe] = []


def register_probe(probe: Probe) -> None:
    """Have creating records ask this before they are written."""
    _probes.append(probe)


def register_file_probe(probe: FileProbe) -> None:
    """Have imports ask this about the rows that become new records."""
    _file_probes.append(probe)


def describe_look_alikes(kind: RecordKind, rows: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    """What the new rows of a file look like, in words, by their numbers."""
    return {number: words for probe in _file_probes for number, words in probe(kind, rows).items()}


def look_alikes(user: User, kind: RecordKind, values: Mapping[str, Any]) -> LookAlikes:
    """The records like one that this person is about to write."""
    found = [probe(user, kind, values) for probe in _probes]
    return LookAlikes(
        tuple(like for likes in found for like in likes.named),
        sum(likes.unseen for likes in found),
    )
