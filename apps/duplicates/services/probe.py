"""Records like one that is about to be written, found while somebody waits for the answer.

Looked up by the keys of the last look at everything, and besides among what changed since then, whose keys
may be of yesterday. The comparison is that of the batch.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from apps.crm.enums import RecordKind
from apps.crm.look_alikes import LookAlike, LookAlikes
from apps.crm.models import Record
from apps.crm.services import permission_name, visible_records
from apps.duplicates.enums import Subject
from apps.duplicates.matching.documents import MatcherDocument
from apps.duplicates.matching.explaining import Comparison, compare_comparable
from apps.duplicates.matching.fields import Comparable, Field, Row
from apps.duplicates.matching.keys import keys_of
from apps.duplicates.matching.values import comparable
from apps.duplicates.models import MatchCursor
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.holders import Holders, read_holders
from apps.duplicates.services.judging import in_force
from apps.duplicates.services.records import (
    read_rows_of,
    row_of_values,
    subject_of,
)
from apps.execution.schemas import RecordRef, ids_by_kind
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on
from apps.users.models import User

# A warning is worth while from here on, below the threshold of pairs: who types a record in sees at once
# whether it is the same.
LEAST_WARNED_0_1 = 0.15
MOST_NAMED = 5
# So many are compared, those that share the most telling keys; so many changed records, the newest.
MOST_COMPARED = 40
MOST_RECENT = 100

_RECENT = """
SELECT record_kind, record_id FROM (
    SELECT DISTINCT ON (record_kind, record_id) record_kind, record_id, id FROM (
        SELECT record_kind, record_id, id FROM crm_changelog
        WHERE transaction_id >= %s AND record_kind = ANY(%s) ORDER BY transaction_id DESC, id DESC LIMIT %s
    ) newest ORDER BY record_kind, record_id, id DESC
) once ORDER BY id DESC
"""


_NAMES = {
    Subject.PERSON: (Field.GIVEN_NAME, Field.SURNAME),
    Subject.COMPANY: (Field.COMPANY,),
}
_OF_ADDRESS = "SELECT id FROM {table} WHERE lower(email) = %s AND merged_at IS NULL LIMIT %s"
_SIMILAR = {
    Subject.PERSON: """
        SELECT id FROM {table}
        WHERE first_name %% %s AND last_name %% %s AND merged_at IS NULL LIMIT %s
    """,
    Subject.COMPANY: "SELECT id FROM {table} WHERE name %% %s AND merged_at IS NULL LIMIT %s",
}


def probe_values(user: User, kind: RecordKind, values: Mapping[str, Any]) -> LookAlikes:
    """What creating records asks (``apps.crm.look_alikes``); nothing where duplicates are switched off."""
    if kind not in RECORD_MODELS or not is_module_on(current_tenant(), Module.DUPLICATES):
        return LookAlikes()
    return look_alikes(row_of_values(kind, values), kind, user)


def look_alikes(row: Row, kind: RecordKind, viewer: User) -> LookAlikes:
    """The records that this one may be the same as; those that the person may not see are counted."""
    subject = subject_of(kind)
    document, most_per_key = in_force(subject)
    values = comparable(row, document.region)
    found = _candidates(values, subject, document, most_per_key)
    compared = {ref: compare_comparable(document, values, other) for ref, other in found.items()}
    least = least_warned(document)
    likely = {ref: item for ref, item in compared.items() if item.probability >= least}
    return _shown(likely, viewer)


def least_warned(document: MatcherDocument) -> float:
    """The probability from which on somebody is told."""
    return min(LEAST_WARNED_0_1, document.threshold)


def _candidates(
    values: Comparable, subject: Subject, document: MatcherDocument, most_per_key: int
) -> dict[RecordRef, Comparable]:
    keys = frozenset(keys_of(values))
    recent = comparables_of(read_recent(subject), document)
    near = {ref: other for ref, other in recent.items() if not keys.isdisjoint(keys_of(other))}
    holders = read_holders(keys, subject, most_per_key + 1)
    keyed = most_telling(holders, keys, most_per_key, MOST_COMPARED)
    same = _by_address(values, subject)
    others = [ref for ref in dict.fromkeys([*same, *keyed]) if ref not in recent]
    found = near | comparables_of(others, document)
    return found or comparables_of(_by_trigrams(values, subject), document)


def most_telling(
    holders: Holders, keys: Collection[int], most_per_key: int, count: int
) -> list[RecordRef]:
    """Who shares the most telling of these keys: a rare one tells more than a frequent one."""
    weights: defaultdict[RecordRef, float] = defaultdict(float)
    for key in keys:
        found = holders.get(key, ())
        if len(found) <= most_per_key:
            for ref in found:
                weights[ref] += 1 / len(found)
    return heapq.nlargest(count, weights, key=weights.__getitem__)


def _by_address(values: Comparable, subject: Subject) -> list[RecordRef]:
    """Who has the same e-mail address, by the index of the records themselves."""
    email = values.get(Field.EMAIL, "")
    if subject != Subject.PERSON or not email or email.startswith("@"):
        return []
    found = []
    with connection.cursor() as db:
        for kind in subject.kinds:
            db.execute(_OF_ADDRESS.format(table=f"crm_{kind.value}"), [email, MOST_NAMED])
            found += [RecordRef(kind, pk) for (pk,) in db.fetchall()]
    return found


def read_recent(subject: Subject) -> list[RecordRef]:
    """What changed since keys were written last, the newest first."""
    cursor = MatchCursor.objects.reached(subject)
    with connection.cursor() as db:
        db.execute(_RECENT, [cursor or 0, [kind.value for kind in subject.kinds], MOST_RECENT])
        return [RecordRef(RecordKind(kind), record_id) for kind, record_id in db.fetchall()]


def _by_trigrams(values: Comparable, subject: Subject) -> list[RecordRef]:
    """Whose name is spelled alike, where no key led to anybody."""
    names = [values.get(field, "") for field in _NAMES[subject]]
    if not all(names):
        return []
    found = []
    with connection.cursor() as db:
        for kind in subject.kinds:
            db.execute(_SIMILAR[subject].format(table=f"crm_{kind.value}"), [*names, MOST_COMPARED])
            found += [RecordRef(kind, pk) for (pk,) in db.fetchall()]
    return found


def comparables_of(
    refs: Iterable[RecordRef], document: MatcherDocument
) -> dict[RecordRef, Comparable]:
    """Some records as they are now, made comparable."""
    rows = read_rows_of(refs)
    return {ref: comparable(row, document.region) for ref, row in rows.items()}


def _shown(likely: Mapping[RecordRef, Comparison], viewer: User) -> LookAlikes:
    seen: dict[RecordRef, Record] = {}
    for kind, ids in ids_by_kind(likely).items():
        model = RECORD_MODELS[kind]
        if viewer.has_perm(permission_name("view", model)):
            records = visible_records(viewer, model).filter(pk__in=ids)
            seen |= {RecordRef(kind, record.pk): record for record in records}
    likest = sorted(seen, key=lambda ref: (-likely[ref].weight_bits, str(ref)))[:MOST_NAMED]
    named = [LookAlike(seen[ref], likely[ref].probability, _words(likely[ref])) for ref in likest]
    return LookAlikes(tuple(named), len(likely) - len(seen))


def _words(comparison: Comparison) -> str:
    """What speaks for it, the strongest first: "E-mail: the same"."""
    told = [item for item in comparison.strongest if item.bits > 0][:3]
    return ", ".join(f"{item.field.label.lower()} {item.level}" for item in told)
