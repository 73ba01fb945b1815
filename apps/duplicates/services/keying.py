"""Under which keys records are found: written for all records, and for those that changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from apps.duplicates.enums import Subject
from apps.duplicates.matching.fields import Comparable
from apps.duplicates.matching.keys import MOST_RECORDS_EACH_WITH_EACH, keys_of
from apps.duplicates.models import RecordKeys
from apps.duplicates.services.records import CHUNK_ROWS, Records
from apps.execution.schemas import RecordRef, ids_by_kind

Keys = Sequence[int]

_STAGE = """
CREATE TEMPORARY TABLE keyed (record_kind varchar(20), record_id bigint, keys bigint[])
"""
_COPY = "COPY keyed (record_kind, record_id, keys) FROM STDIN"
_WRITE = """
INSERT INTO duplicates_recordkeys AS held (record_kind, record_id, keys)
SELECT record_kind, record_id, keys FROM keyed ORDER BY record_kind, record_id
ON CONFLICT (record_kind, record_id) DO UPDATE SET keys = excluded.keys
WHERE held.keys IS DISTINCT FROM excluded.keys
"""
_FORGET_OTHERS = """
DELETE FROM duplicates_recordkeys held
WHERE record_kind = ANY(%s) AND NOT EXISTS (
    SELECT FROM keyed WHERE keyed.record_kind = held.record_kind AND keyed.record_id = held.record_id
)
"""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """The keys of changed records before and after; none of a record that is not there."""

    before: Mapping[RecordRef, Keys]
    after: Mapping[RecordRef, Keys]


def write_all_keys(
    subject: Subject, records: Records, region: str, told: Callable[[int], None]
) -> None:
    """Write the keys of every record of a subject, as far as they differ, and forget those of others.

    ``told`` is called with the number of records done.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        try:
            for start in range(0, records.table.size, CHUNK_ROWS):
                # Between two chunks, outside any transaction: who tells writes, and may be stopped.
                told(start)
                with cursor.copy(_COPY) as copy:
                    for row in _keyed(records, start, region):
                        copy.write_row(row)
            with transaction.atomic():
                cursor.execute(_WRITE)
                cursor.execute(_FORGET_OTHERS, [[kind.value for kind in subject.kinds]])
        finally:
            _drop_stage()


def rekey(changed: Collection[RecordRef], comparables: Mapping[RecordRef, Comparable]) -> Rekeyed:
    """Write the keys of changed records; those without a ``Comparable`` are not there any more."""
    before = read_keys(changed)
    for kind, ids in ids_by_kind(ref for ref in before if ref not in comparables).items():
        RecordKeys.objects.filter(record_kind=kind, record_id__in=ids).delete()
    after = {ref: keys_of(values) for ref, values in comparables.items()}
    RecordKeys.objects.bulk_create(
        [
            RecordKeys(record_kind=ref.kind, record_id=ref.id, keys=list(keys))
            for ref, keys in after.items()
            if list(keys) != before.get(ref)
        ],
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["record_kind", "record_id"],
        update_fields=["keys"],
    )
    return Rekeyed(before, after)


def read_keys(refs: Iterable[RecordRef]) -> dict[RecordRef, Keys]:
    """The keys under which records can be found; a record that was not written yet has none."""
    return {
        RecordRef(kind, record_id): keys
        for kind, ids in ids_by_kind(refs).items()
        for record_id, keys in RecordKeys.objects.filter(
            record_kind=kind, record_id__in=ids
        ).values_list("record_id", "keys")
    }


def is_small(subject: Subject) -> bool:
    """Whether so few records can be found that they are compared each with each."""
    keyed = RecordKeys.objects.filter(record_kind__in=subject.kinds)
    return keyed[: MOST_RECORDS_EACH_WITH_EACH + 1].count() <= MOST_RECORDS_EACH_WITH_EACH


def _keyed(records: Records, start: int, region: str) -> Iterator[tuple[str, int, list[int]]]:
    """The rows of one chunk. The keys of a record are those that ``keys_of`` gives."""
    # Loads numpy.
    from apps.duplicates.matching.bulk_keys import keys_of_all
    from apps.duplicates.matching.encoding import encode

    positions = range(start, min(start + CHUNK_ROWS, records.table.size))
    table = encode(records.table.take(positions), region)
    for position, keys in zip(positions, keys_of_all(table), strict=True):
        ref = records.ref(position)
        yield ref.kind.value, ref.id, keys


def _drop_stage() -> None:
    """Leave nothing behind on a connection that lives on; a broken transaction has dropped it already."""
    if connection.is_usable() and not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS keyed")
