"""Records like one that is about to be written. Who can tell registers here; records alone know of nobody."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.crm.services import all_records, permission_name
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

# A record by its kind and id.
Ref = tuple[RecordKind, int]


@dataclass(frozen=True, slots=True)
class RowsProbed:
    """What the new rows of a file look like, by their numbers, and how many of them were looked at.

    ``records`` are here already, ``rows`` stand above in the same file; no row is in both.
    """

    looked_at: int = 0
    records: Mapping[int, Ref] = field(default_factory=dict)
    rows: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToldLike:
    """What one person is told of a record that a row looks like; None: one that they may not see."""

    record: Record | None


# Called with the kind of record, the values of new rows of a file by their numbers, and after how many
# seconds it begins with no further rows.
FileProbe = Callable[[RecordKind, Mapping[int, Mapping[str, Any]], float], RowsProbed]

_probes: list[Probe] = []
_file_probes: list[FileProbe] = []


def register_probe(probe: Probe) -> None:
    """Have creating records ask this before they are written."""
    _probes.append(probe)


def register_file_probe(probe: FileProbe) -> None:
    """Have imports ask this about the rows that become new records."""
    _file_probes.append(probe)


def probe_rows(
    kind: RecordKind, rows: Mapping[int, Mapping[str, Any]], *, budget_s: float = math.inf
) -> RowsProbed:
    """What the new rows of a file look like; after ``budget_s`` seconds no further rows are begun with."""
    probed = [probe(kind, rows, budget_s) for probe in _file_probes]
    return max(probed, key=lambda found: found.looked_at, default=RowsProbed())


def tell(person: User, refs: Iterable[Ref]) -> dict[Ref, ToldLike]:
    """What this person may be told of some records, those that were merged meanwhile among them."""
    ids: dict[RecordKind, set[int]] = {}
    for kind, record_id in refs:
        ids.setdefault(kind, set()).add(record_id)
    told: dict[Ref, ToldLike] = {}
    for kind, wanted in ids.items():
        model = model_of(kind)
        seen: dict[int, Record] = {}
        if person.has_perm(permission_name("view", model)):
            seen = {
                row.pk: row for row in all_records(model).visible_to(person).filter(pk__in=wanted)
            }
        told |= {(kind, record_id): ToldLike(seen.get(record_id)) for record_id in wanted}
    return told


def look_alikes(user: User, kind: RecordKind, values: Mapping[str, Any]) -> LookAlikes:
    """The records like one that this person is about to write."""
    found = [probe(user, kind, values) for probe in _probes]
    return LookAlikes(
        tuple(like for likes in found for like in likes.named),
        sum(likes.unseen for likes in found),
    )
