"""The chain: how an entry becomes a digest, and digests become the hash of a seal. No database in here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# What stands in a seal's ``format``: which of the ways of ``digest_entry`` it was made in. A new way is a
# new number.
FORMAT = 2
DIGEST_BYTES = 32
# Above every number of a transaction.
LAST_TRANSACTION = 2**63 - 1

# All columns of an entry, as plain text and numbers. A moment is microseconds since 1970, whatever the
# session's settings; jsonb has one text for one value, the same in every version and after a restore.
ENTRY_COLUMNS = (
    "id, transaction_id, trunc(extract(epoch FROM occurred_at) * 1000000)::text, event, actor_id, actor_name,"
    " origin, request_id, record_kind, record_id, suggestion_id, execution_id, details::text"
)
EntryRow = tuple[int | str | None, ...]

# ``digest_entry`` of a row in the newest format, computed where the row lies: the sealing would else read
# every row once more than it has to.
ENTRY_DIGEST = f"sha256(convert_to(json_build_array({ENTRY_COLUMNS})::text, 'UTF8'))"

_encode = json.JSONEncoder(separators=(",", ":")).encode
_ENCODERS = {1: _encode, 2: json.JSONEncoder(ensure_ascii=False).encode}
FORMATS = frozenset(_ENCODERS)


class Position(NamedTuple):
    """A place in the order in which entries are sealed."""

    transaction_id: int
    entry_id: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a seal says, beside its own hash. ``sealed_at_us`` are microseconds since 1970, as text."""

    number: int
    format: int
    cluster: int
    after_entry: int
    begin: Position
    end: Position
    highest_entry: int
    entry_ids: Sequence[int]
    entry_digests: bytes
    sealed_at_us: str
    previous_hash: str

    def hash(self) -> str:
        """The hash of all of it, in hexadecimal digits."""
        head = _encode(
            [
                self.format, self.number, self.cluster, self.after_entry, *self.begin, *self.end,
                self.highest_entry, len(self.entry_ids), self.sealed_at_us, self.previous_hash,
            ]
        )  # fmt: skip
        ids = ",".join(map(str, self.entry_ids))
        parts = (head.encode(), ids.encode(), self.entry_digests)
        return hashlib.sha256(b"\n".join(parts)).hexdigest()

    def digests(self) -> Iterator[tuple[int, bytes]]:
        """Each entry's id and digest."""
        for place, entry_id in enumerate(self.entry_ids):
            begin = place * DIGEST_BYTES
            yield entry_id, self.entry_digests[begin : begin + DIGEST_BYTES]


def digest_entry(row: EntryRow, form: int) -> bytes:
    """The digest of an entry, read by ``ENTRY_COLUMNS``: of a JSON list, so that no two rows look alike.

    In format 1 the list has no spaces and no letter beyond ASCII; in format 2 it is written as PostgreSQL
    writes it.
    """
    return hashlib.sha256(_ENCODERS[form](row).encode()).digest()


def microseconds(moment: datetime) -> str:
    """A moment as microseconds since 1970, as the database writes it for ``ENTRY_COLUMNS``."""
    return str((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
