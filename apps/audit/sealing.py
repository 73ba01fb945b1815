"""Sealing: the entries of finished transactions are hashed and chained, and no writer waits for it.

A seal goes on where the last one ended, up to the oldest transaction that was still running when it looked.
What lies below that is committed or gone, so the set is final: a slow transaction is sealed later.

Transactions are numbered by the database cluster. In another one, where a log was restored, they are counted
anew: what is left of the old count is sealed first, and from then on only entries with higher ids count, by
their new numbers. Decision 11 has the why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Cast

from apps.audit.chain import (
    ENTRY_DIGEST,
    FORMAT,
    LAST_TRANSACTION,
    Link,
    Position,
    microseconds,
)
from apps.audit.models import AuditSeal
from apps.tenants.connections import tenant_connection

# 200 kB a seal, whatever waits.
ENTRIES_PER_SEAL = 5000
# As many are sealed in one transaction.
SEALS_PER_TRANSACTION = 100

_BEGINNING = Position(0, 0)
_IDS = AuditSeal._meta.get_field("entry_ids")

# ``pg_control_system`` is open to everybody.
_HORIZON = """
SELECT (SELECT system_identifier FROM pg_control_system()),
       pg_snapshot_xmin(seen)::text::bigint, pg_snapshot_xmax(seen)::text::bigint
FROM pg_current_snapshot() AS seen
"""
# The next seal's worth. It is read in the order of the index, however much waits.
_NEXT = f"""
SELECT string_agg(id::text, ',' ORDER BY transaction_id, id),
       string_agg(digest, ''::bytea ORDER BY transaction_id, id),
       max(transaction_id)
FROM (
    SELECT id, transaction_id, {ENTRY_DIGEST} AS digest FROM audit_auditentry
    WHERE id > %(after)s AND id <= %(through)s
      AND (transaction_id, id) >= (%(from_transaction)s, %(from_entry)s) AND transaction_id < %(until)s
    ORDER BY transaction_id, id
    LIMIT %(most)s
) AS entries
"""  # noqa: S608 - the columns are ours


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far can be sealed now: which cluster this is, its oldest running transaction and its next one."""

    cluster: int
    oldest_running: int
    next_transaction: int

    def continues(self, last: AuditSeal) -> bool:
        """Whether the last seal was made by the count of transactions that runs here."""
        return self.cluster == last.cluster and last.to_transaction <= self.next_transaction


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Entries to be sealed: above ``after_entry`` up to ``through_entry``, from ``begin`` up to ``end``."""

    cluster: int
    after_entry: int
    through_entry: int
    begin: Position
    end: Position


@dataclass(frozen=True, slots=True)
class _Batch:
    """A seal's worth of entries, in their order, and the position at which the seal ends."""

    entry_ids: list[int]
    digests: bytes
    end: Position


def seal_log(*, now: datetime) -> int:
    """Seal what can be sealed in the tenant's log; return how many entries that were.

    Two at once do not harm each other: the second finds the lock taken and leaves it to the first.
    """
    sealed = 0
    while True:
        with transaction.atomic():
            if not _take_lock():
                return sealed
            count, is_all = _seal_some(now)
        sealed += count
        if is_all:
            return sealed


def read_horizon() -> Horizon:
    """Look how far can be sealed."""
    with connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        return Horizon(*cursor.fetchone())


def _take_lock() -> bool:
    key = f"audit-seal:{tenant_connection().schema_name}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        return bool(cursor.fetchone()[0])


def _seal_some(now: datetime) -> tuple[int, bool]:
    """Make the next seals; return how many entries they hold, and whether that was all that waited."""
    last = AuditSeal.objects.last_seal()
    sealed, seals = 0, 0
    for stretch in _stretches(last, read_horizon()):
        begin = stretch.begin
        while begin < stretch.end:
            if seals == SEALS_PER_TRANSACTION:
                return sealed, False
            batch = _read_batch(stretch, begin)
            if batch is None:
                break
            last = _make_seal(last, stretch, batch, now)
            begin = batch.end
            sealed += len(batch.entry_ids)
            seals += 1
    return sealed, True


def _stretches(last: AuditSeal | None, horizon: Horizon) -> list[_Stretch]:
    end = Position(horizon.oldest_running, 0)
    if last is None:
        return [_Stretch(horizon.cluster, 0, LAST_TRANSACTION, _BEGINNING, end)]
    begin = Position(last.to_transaction, last.to_entry)
    if horizon.continues(last):
        return [_Stretch(last.cluster, last.after_entry, LAST_TRANSACTION, begin, end)]
    # Entries of transactions that have not happened here were brought along, and no new one has a lower id.
    brought = max(last.highest_entry, _highest_from_elsewhere(horizon))
    return [
        _Stretch(last.cluster, last.after_entry, brought, begin, Position(LAST_TRANSACTION, 0)),
        _Stretch(horizon.cluster, brought, LAST_TRANSACTION, _BEGINNING, end),
    ]


def _highest_from_elsewhere(horizon: Horizon) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(id), 0) FROM audit_auditentry WHERE transaction_id >= %s",
            [horizon.next_transaction],
        )
        highest: int = cursor.fetchone()[0]
        return highest


def _read_batch(stretch: _Stretch, begin: Position) -> _Batch | None:
    """The entries of a stretch from a position on, at most a seal's worth; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NEXT,
            {
                "after": stretch.after_entry,
                "through": stretch.through_entry,
                "from_transaction": begin.transaction_id,
                "from_entry": begin.entry_id,
                "until": stretch.end.transaction_id,
                "most": ENTRIES_PER_SEAL,
            },
        )
        ids, digests, transaction_id = cursor.fetchone()
    if ids is None:
        return None
    entry_ids = [int(entry_id) for entry_id in ids.split(",")]
    is_last = len(entry_ids) < ENTRIES_PER_SEAL
    end = stretch.end if is_last else Position(transaction_id, entry_ids[-1] + 1)
    return _Batch(entry_ids, bytes(digests), end)


def _make_seal(
    last: AuditSeal | None, stretch: _Stretch, batch: _Batch, now: datetime
) -> AuditSeal:
    begin = stretch.begin
    if last is not None and last.after_entry == stretch.after_entry:
        begin = Position(last.to_transaction, last.to_entry)
    link = Link(
        number=last.number + 1 if last else 1,
        format=FORMAT,
        cluster=stretch.cluster,
        after_entry=stretch.after_entry,
        begin=begin,
        end=batch.end,
        highest_entry=max(*batch.entry_ids, last.highest_entry if last else 0),
        entry_ids=batch.entry_ids,
        entry_digests=batch.digests,
        sealed_at_us=microseconds(now),
        previous_hash=last.hash if last else "",
    )
    return AuditSeal.objects.create(
        number=link.number,
        format=link.format,
        cluster=link.cluster,
        after_entry=link.after_entry,
        from_transaction=link.begin.transaction_id,
        from_entry=link.begin.entry_id,
        to_transaction=link.end.transaction_id,
        to_entry=link.end.entry_id,
        highest_entry=link.highest_entry,
        # As text: thousands of numbers, each prepared by itself, take longer than all the rest.
        entry_ids=Cast(Value(f"{{{','.join(map(str, batch.entry_ids))}}}"), _IDS),
        entry_digests=link.entry_digests,
        sealed_at=now,
        previous_hash=link.previous_hash,
        hash=link.hash(),
    )
