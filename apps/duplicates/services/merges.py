"""Which records were merged into which, as the record tables say."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.crm.enums import RecordKind
from apps.duplicates.enums import Subject
from apps.duplicates.models.pairs import key_of
from apps.execution.schemas import RecordRef

_MERGES = {
    RecordKind.LEAD: """
        SELECT r.id, CASE WHEN r.merged_into_contact_id IS NULL THEN 'lead' ELSE 'contact' END,
               COALESCE(r.merged_into_contact_id, r.merged_into_id), r.merged_at
        FROM crm_lead r WHERE COALESCE(r.merged_into_contact_id, r.merged_into_id) IS NOT NULL
    """,
    RecordKind.CONTACT: """
        SELECT r.id, 'contact', r.merged_into_id, r.merged_at
        FROM crm_contact r WHERE r.merged_into_id IS NOT NULL
    """,
    RecordKind.ACCOUNT: """
        SELECT r.id, 'account', r.merged_into_id, r.merged_at
        FROM crm_account r WHERE r.merged_into_id IS NOT NULL
    """,
}
# Either of the two may be the one that is looked at.
_OF_SCOPE = {
    RecordKind.LEAD: """
        AND (r.id = ANY(%(leads)s) OR r.merged_into_id = ANY(%(leads)s)
             OR r.merged_into_contact_id = ANY(%(contacts)s))
    """,
    RecordKind.CONTACT: "AND (r.id = ANY(%(contacts)s) OR r.merged_into_id = ANY(%(contacts)s))",
    RecordKind.ACCOUNT: "AND (r.id = ANY(%(accounts)s) OR r.merged_into_id = ANY(%(accounts)s))",
}


@dataclass(frozen=True, slots=True)
class Merge:
    """One record that was merged into another."""

    merged: RecordRef
    into: RecordRef
    at: datetime

    @property
    def key(self) -> str:
        """What the pair of the two is stored under."""
        return key_of(self.merged, self.into)


def read_merges(subject: Subject, scope: Collection[RecordRef] | None) -> list[Merge]:
    """The merges of a subject's records, or of those among ``scope``."""
    return [merge for kind in subject.kinds for merge in _of_kind(kind, scope)]


def _of_kind(kind: RecordKind, scope: Collection[RecordRef] | None) -> Iterator[Merge]:
    statement = _MERGES[kind] if scope is None else _MERGES[kind] + _OF_SCOPE[kind]
    ids_of = {
        f"{other.value}s": [ref.id for ref in scope or () if ref.kind == other] for other in _MERGES
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, ids_of)
        for merged_id, into_kind, into_id, at in cursor.fetchall():
            yield Merge(RecordRef(kind, merged_id), RecordRef(RecordKind(into_kind), into_id), at)
