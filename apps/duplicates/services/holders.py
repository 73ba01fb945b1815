"""Which records have a key, looked up for many keys at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db import connection, transaction

from apps.crm.enums import RecordKind
from apps.duplicates.enums import Subject
from apps.execution.schemas import RecordRef
from apps.tenants.chunks import chunks

Holders = Mapping[int, Sequence[RecordRef]]

_CHUNK = 2_000
# How common a key is cannot be estimated, and a plan that reads the table for each would be taken: only the
# index of keys is left to it.
_BY_INDEX = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
       set_config('enable_indexonlyscan', 'off', true)
"""
_AS_USUAL = """
SELECT set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'on', true),
       set_config('enable_indexonlyscan', 'on', true)
"""
_HOLDERS = """
SELECT k.key, held.record_kind, held.record_id
FROM unnest(%(keys)s::bigint[]) AS k(key)
CROSS JOIN LATERAL (
    SELECT r.record_kind, r.record_id FROM duplicates_recordkeys r
    WHERE r.keys @> ARRAY[k.key] AND r.record_kind = ANY(%(kinds)s)
    LIMIT %(most)s
) held
"""


def read_holders(keys: Collection[int], subject: Subject, most: int) -> Holders:
    """By key, the records of a subject that have it, no more than ``most`` of them."""
    found: defaultdict[int, list[RecordRef]] = defaultdict(list)
    kinds = {kind.value: kind for kind in subject.kinds}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        for chunk in chunks(sorted(set(keys)), _CHUNK):
            cursor.execute(_HOLDERS, {"keys": chunk, "kinds": list(kinds), "most": most})
            for key, kind, record_id in cursor.fetchall():
                found[key].append(RecordRef(kinds[kind], record_id))
        cursor.execute(_AS_USUAL)
    return found


def read_all(subject: Subject) -> list[RecordRef]:
    """Every record of a subject that can be found."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_kind, record_id FROM duplicates_recordkeys WHERE record_kind = ANY(%s)",
            [[kind.value for kind in subject.kinds]],
        )
        return [RecordRef(RecordKind(kind), record_id) for kind, record_id in cursor.fetchall()]
