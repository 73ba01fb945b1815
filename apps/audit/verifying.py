"""Checking the log against its chain. Every hash is computed here; the database only hands out rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from apps.audit.chain import ENTRY_COLUMNS, FORMATS, EntryRow, Link, Position, digest_entry
from apps.audit.enums import Fault
from apps.audit.models import AuditSeal
from apps.audit.sealing import read_horizon

# So many entries are held at once.
ENTRIES_AT_ONCE = 5000
# So many faults are told one by one; all are counted.
MOST_TOLD = 20

_SEALS = """
SELECT number, format, cluster, after_entry, from_transaction, from_entry, to_transaction, to_entry,
       highest_entry, entry_ids, entry_digests, trunc(extract(epoch FROM sealed_at) * 1000000)::text,
       previous_hash, hash
FROM audit_auditseal ORDER BY number
"""
_ENTRIES = f"SELECT {ENTRY_COLUMNS} FROM audit_auditentry WHERE id = ANY(%s)"  # noqa: S608 - ours
_PLACES = "SELECT id, transaction_id FROM audit_auditentry ORDER BY id"

# Told now and then: the seals that were checked, and how many there are.
TellProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FoundFault:
    """One thing that is wrong."""

    fault: Fault
    seal: int | None = None
    entry: int | None = None

    def __str__(self) -> str:
        return self.fault.label.format(seal=self.seal, entry=self.entry)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of one log found.

    ``faults`` are the first ones, in the order of the chain; ``oldest_unsealed_s`` is an age in seconds.
    """

    seals: int
    sealed: int
    unsealed: int
    oldest_unsealed_s: float | None
    fault_count: int
    faults: tuple[FoundFault, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault_count == 0


def verify_log(
    *, heads: Mapping[int, str] | None = None, tell: TellProgress | None = None
) -> Verdict:
    """Check the tenant's log: every seal, every sealed entry, and that no entry stands between them.

    ``heads`` are hashes by the number of their seal, exported earlier. It holds some thousand entries and
    a bit for each id at a time.
    """
    check = _Check(heads or {}, tell)
    check.check_seals()
    check.check_places()
    return check.verdict()


class _Check:
    """One run over the chain, then over the ids of all entries."""

    def __init__(self, heads: Mapping[int, str], tell: TellProgress | None) -> None:
        self._heads = heads
        self._tell = tell
        self._seals_total = AuditSeal.objects.count()
        self._faults: list[FoundFault] = []
        self._fault_count = 0
        self._sealed_ids = _IdSet()
        self._seals = 0
        self._sealed = 0
        self._unsealed = 0
        self._first_unsealed: int | None = None
        self._last: Link | None = None
        # Seals whose entries are still to be compared, and how many entries these are.
        self._waiting: list[Link] = []
        self._waiting_count = 0

    def check_seals(self) -> None:
        """Walk the chain from its beginning, and compare what each seal covers."""
        expected = 1
        hashes: dict[int, str] = {}
        previous_hash: str | None = ""
        for link, own_hash in _read_seals():
            self._seals += 1
            if link.number < expected:
                self._note_seal(Fault.SEAL_SLIPPED_IN, link.number)
                continue
            for missing in range(expected, min(link.number, expected + MOST_TOLD)):
                self._note_seal(Fault.SEAL_REMOVED, missing)
                previous_hash = None
            expected = link.number + 1
            if self._is_sound(link, own_hash, previous_hash):
                self._waiting.append(link)
                self._waiting_count += len(link.entry_ids)
            else:
                self._sealed_ids.add_all(link.entry_ids)
            previous_hash = own_hash
            self._last = link
            if link.number in self._heads:
                hashes[link.number] = own_hash
            if self._waiting_count >= ENTRIES_AT_ONCE:
                self._check_waiting()
        self._check_waiting()
        self._compare_heads(hashes)

    def check_places(self) -> None:
        """Find the entries that no seal covers, new or slipped in, and those that are there twice."""
        previous: int | None = None
        with connection.chunked_cursor() as cursor:
            cursor.execute(_PLACES)
            # Asked after the rows were: the transaction of each of them lies below the next one by then.
            fault_at = self._places()
            while rows := cursor.fetchmany(ENTRIES_AT_ONCE):
                for entry_id, transaction_id in rows:
                    is_second, previous = entry_id == previous, entry_id
                    if is_second:
                        self._note(Fault.ENTRY_TWICE, entry=entry_id)
                    elif entry_id not in self._sealed_ids:
                        self._take_unsealed(entry_id, fault_at(entry_id, transaction_id))

    def _take_unsealed(self, entry_id: int, fault: Fault | None) -> None:
        if fault is not None:
            self._note(fault, entry=entry_id)
            return
        self._unsealed += 1
        self._first_unsealed = self._first_unsealed or entry_id

    def verdict(self) -> Verdict:
        """What was found."""
        return Verdict(
            seals=self._seals,
            sealed=self._sealed,
            unsealed=self._unsealed,
            oldest_unsealed_s=self._age_of_first_unsealed(),
            fault_count=self._fault_count,
            faults=tuple(self._faults),
        )

    def _age_of_first_unsealed(self) -> float | None:
        if self._first_unsealed is None:
            return None
        with connection.cursor() as cursor:
            # As a number, because somebody may have written a moment that no calendar holds.
            cursor.execute(
                "SELECT extract(epoch FROM occurred_at) FROM audit_auditentry WHERE id = %s",
                [self._first_unsealed],
            )
            return timezone.now().timestamp() - float(cursor.fetchone()[0])

    def _note(self, fault: Fault, *, seal: int | None = None, entry: int | None = None) -> None:
        self._fault_count += 1
        if len(self._faults) < MOST_TOLD:
            self._faults.append(FoundFault(fault, seal, entry))

    def _is_sound(self, link: Link, own_hash: str, previous_hash: str | None) -> bool:
        """Whether a seal says what it said when it was made, and goes on where the one before ended."""
        if link.format not in FORMATS:
            self._note_seal(Fault.SEAL_UNREADABLE, link.number)
            return False
        if link.hash() != own_hash:
            self._note_seal(Fault.SEAL_CHANGED, link.number)
            return False
        if previous_hash is None:
            return True
        if link.previous_hash != previous_hash:
            # It is hashed as it stands, so the one before is another than when this one was made.
            self._note_seal(Fault.SEAL_CHANGED, max(link.number - 1, 1))
        elif self._last is not None and not _goes_on(self._last, link):
            self._note_seal(Fault.SEAL_SLIPPED_IN, link.number)
        return True

    def _note_seal(self, fault: Fault, number: int) -> None:
        # The entries of the seals before come first in the chain.
        self._check_waiting()
        self._note(fault, seal=number)

    def _check_waiting(self) -> None:
        links, self._waiting, self._waiting_count = self._waiting, [], 0
        ids = [entry_id for link in links for entry_id in link.entry_ids]
        if not ids:
            return
        with connection.cursor() as cursor:
            cursor.execute(_ENTRIES, [ids])
            rows: dict[object, EntryRow] = {row[0]: row for row in cursor.fetchall()}
        for link in links:
            for entry_id, digest in link.digests():
                row = rows.get(entry_id)
                if row is None:
                    self._note(Fault.ENTRY_REMOVED, seal=link.number, entry=entry_id)
                elif digest_entry(row, link.format) != digest:
                    self._note(Fault.ENTRY_CHANGED, seal=link.number, entry=entry_id)
            self._sealed_ids.add_all(link.entry_ids)
            self._sealed += len(link.entry_ids)
        if self._tell is not None:
            self._tell(links[-1].number, self._seals_total)

    def _compare_heads(self, hashes: Mapping[int, str]) -> None:
        for number, known in sorted(self._heads.items()):
            if number not in hashes:
                self._note(Fault.CUT, seal=number)
            elif hashes[number] != known:
                self._note(Fault.REWRITTEN, seal=number)

    def _places(self) -> Callable[[int, int], Fault | None]:
        """What is wrong with the place of an entry that is not sealed; nothing where the sealing comes to."""
        last = self._last
        if last is None:
            return lambda entry_id, transaction_id: None
        seal = AuditSeal(cluster=last.cluster, to_transaction=last.end.transaction_id)
        horizon = read_horizon()
        # In another cluster transactions are counted anew; what was brought along has the lower ids.
        goes_on_elsewhere = not horizon.continues(seal)

        def fault_at(entry_id: int, transaction_id: int) -> Fault | None:
            if goes_on_elsewhere and entry_id > last.highest_entry:
                return None
            if entry_id <= last.after_entry or (transaction_id, entry_id) < last.end:
                return Fault.ENTRY_SLIPPED_IN
            if not goes_on_elsewhere and transaction_id >= horizon.next_transaction:
                return Fault.ENTRY_AHEAD
            return None

        return fault_at


def _read_seals() -> Iterator[tuple[Link, str]]:
    """The chain from its beginning, a few seals at a time, each with the hash that stands beside it."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SEALS)
        # A seal weighs up to 400 kB here, and some hundred bytes as a rule.
        while rows := cursor.fetchmany(50):
            for row in rows:
                link = Link(
                    number=row[0],
                    format=row[1],
                    cluster=row[2],
                    after_entry=row[3],
                    begin=Position(row[4], row[5]),
                    end=Position(row[6], row[7]),
                    highest_entry=row[8],
                    entry_ids=row[9],
                    entry_digests=bytes(row[10]),
                    sealed_at_us=row[11],
                    previous_hash=row[12],
                )
                yield link, row[13]


def _goes_on(last: Link, link: Link) -> bool:
    if link.after_entry == last.after_entry:
        return link.begin == last.end
    return link.after_entry >= last.highest_entry and link.begin == (0, 0)


class _IdSet:
    """A set of ids that are mostly neighbours, a bit for each."""

    _BLOCK = 1 << 16

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}

    def __contains__(self, entry_id: int) -> bool:
        block = self._blocks.get(entry_id // self._BLOCK)
        if block is None:
            return False
        place = entry_id % self._BLOCK
        return bool(block[place >> 3] & (1 << (place & 7)))

    def add_all(self, ids: Iterable[object]) -> None:
        """Take the ids in; somebody may have written something else among them."""
        for entry_id in ids:
            if not isinstance(entry_id, int):
                continue
            number, place = divmod(entry_id, self._BLOCK)
            block = self._blocks.get(number)
            if block is None:
                block = self._blocks[number] = bytearray(self._BLOCK >> 3)
            block[place >> 3] |= 1 << (place & 7)
