"""What changed since the last look, compared with everything: the same answer as a look at all records.

The change log is read by transactions, as predictions and triggers read it, so that a slow one is read late
and never missed; what was not settled at a look is read again at the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from apps.duplicates.enums import FoundBy, Subject
from apps.duplicates.matching.documents import MatcherDocument
from apps.duplicates.matching.fields import Row, Table
from apps.duplicates.matching.values import comparable
from apps.duplicates.models import MatchCursor, Matcher, Pair
from apps.duplicates.services.holders import Holders, read_all, read_holders
from apps.duplicates.services.judging import judge, least_kept
from apps.duplicates.services.keying import Rekeyed, is_small, read_keys, rekey
from apps.duplicates.services.records import read_rows_of
from apps.duplicates.services.settling import Settled, settle
from apps.execution.schemas import RecordRef
from apps.tenants.transactions import read_snapshot

# Past so many changed records, or where more than a part of all changed, a look at all of them is quicker and
# learns from them.
MOST_CHANGES = 20_000
CHANGED_PART = 8
FEW_CHANGES = 50

# Records that changed; of those on which something hangs that changed, the ones that are in a pair: which of
# the two survives may be another now, or both have answered. A contact says its account's name.
_CHANGED = """
WITH recent AS MATERIALIZED (
    SELECT record_kind, record_id, operation, changes FROM crm_changelog
    WHERE transaction_id >= %(cursor)s
      AND record_kind IN ('lead', 'contact', 'account', 'activity', 'task', 'draft', 'opportunity',
                          'contract')
),
hung AS (
    SELECT p.kind, p.id FROM recent r
    JOIN crm_activity a ON a.id = r.record_id AND r.record_kind = 'activity'
    CROSS JOIN LATERAL (VALUES ('lead', a.lead_id), ('contact', a.contact_id), ('account', a.account_id))
        AS p(kind, id)
    UNION
    SELECT p.kind, p.id FROM recent r
    JOIN crm_task t ON t.id = r.record_id AND r.record_kind = 'task'
    CROSS JOIN LATERAL (VALUES ('lead', t.lead_id), ('contact', t.contact_id), ('account', t.account_id))
        AS p(kind, id)
    UNION
    SELECT p.kind, p.id FROM recent r
    JOIN crm_draft d ON d.id = r.record_id AND r.record_kind = 'draft'
    CROSS JOIN LATERAL (VALUES ('lead', d.lead_id), ('contact', d.contact_id), ('account', d.account_id))
        AS p(kind, id)
    UNION
    SELECT p.kind, p.id FROM recent r
    JOIN crm_opportunity o ON o.id = r.record_id AND r.record_kind = 'opportunity'
    CROSS JOIN LATERAL (VALUES ('contact', o.contact_id), ('account', o.account_id)) AS p(kind, id)
    UNION
    SELECT 'account', c.account_id FROM recent r
    JOIN crm_contract c ON c.id = r.record_id AND r.record_kind = 'contract'
    UNION
    SELECT 'account', c.account_id FROM recent r
    JOIN crm_contact c ON c.id = r.record_id AND r.record_kind = 'contact'
    UNION
    SELECT p.kind, CASE WHEN r.operation = 'deleted' THEN r.changes ->> (p.kind || '_id')
                        ELSE r.changes -> (p.kind || '_id') ->> 0 END::bigint
    FROM recent r CROSS JOIN (VALUES ('lead'), ('contact'), ('account')) AS p(kind)
    WHERE r.operation <> 'created'
)
SELECT record_kind, record_id FROM recent WHERE record_kind = ANY(%(kinds)s)
UNION
SELECT 'contact', c.id FROM recent r JOIN crm_contact c ON c.account_id = r.record_id
WHERE r.record_kind = 'account' AND 'contact' = ANY(%(kinds)s)
  AND (r.changes ? 'name' OR r.changes ? 'website' OR r.operation = 'deleted')
UNION
SELECT h.kind, h.id FROM hung h
WHERE h.id IS NOT NULL AND h.kind = ANY(%(kinds)s) AND EXISTS (
    SELECT FROM duplicates_pair p
    WHERE p.state IN ('open', 'not_duplicate')
      AND ((p.survivor_kind = h.kind AND p.survivor_id = h.id)
           OR (p.duplicate_kind = h.kind AND p.duplicate_id = h.id))
)
LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """The records to compare; ``next_cursor`` is where the next look begins.

    ``are_pairs`` says whether pairs changed, too: what was said of one may hold for others.
    """

    refs: frozenset[RecordRef]
    next_cursor: int
    are_pairs: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether all is as it was at the last look."""
        return not self.refs and not self.are_pairs

    def is_too_much(self, matcher: Matcher) -> bool:
        """Whether rather all records are to be looked at, and weights to be learned anew."""
        few = max(matcher.record_count // CHANGED_PART, FEW_CHANGES)
        return len(self.refs) > min(few, MOST_CHANGES)


def read_changed(subject: Subject) -> Changed | None:
    """What changed since the last look; None where nobody has looked at everything yet.

    Nobody has, either, where the database was restored from a backup.
    """
    oldest_open = read_snapshot().oldest_open
    cursor = MatchCursor.objects.reached(subject)
    if cursor is None or cursor > oldest_open:
        return None
    kinds = {kind.value: kind for kind in subject.kinds}
    with connection.cursor() as db:
        db.execute(_CHANGED, {"cursor": cursor, "kinds": list(kinds), "most": MOST_CHANGES + 1})
        refs = frozenset(RecordRef(kinds[kind], record_id) for kind, record_id in db.fetchall())
    pairs = Pair.objects.of_subject(subject).filter(transaction_id__gte=cursor)
    return Changed(refs, oldest_open, pairs.exists())


def match_records(
    subject: Subject,
    changed: Changed,
    matcher: Matcher,
    document: MatcherDocument,
    *,
    now: datetime,
) -> tuple[Settled, int]:
    """Compare changed records with all others; returns what came of it and how many were compared.

    ``document`` is the matcher's. The caller holds the subject's lock. Keys, pairs and cursor are written in
    one transaction.
    """
    with transaction.atomic():
        settled, compared = Settled(0, 0), 0
        if not changed.is_nothing:
            settled, compared = _match(subject, changed.refs, matcher, document, now)
        MatchCursor.objects.filter(subject=subject).update(transaction_id=changed.next_cursor)
    return settled, compared


def _match(
    subject: Subject,
    refs: Collection[RecordRef],
    matcher: Matcher,
    document: MatcherDocument,
    now: datetime,
) -> tuple[Settled, int]:
    rows = read_rows_of(refs)
    rekeyed = rekey(refs, {ref: comparable(row, document.region) for ref, row in rows.items()})
    if is_small(subject):
        # So few are compared each with each, whatever their keys.
        every = read_all(subject)
        compared = {*refs}
        candidates = {frozenset((one, other)) for one in rows for other in every}
    else:
        most, moved = matcher.most_per_key, _moved(rekeyed)
        holders = read_holders(moved, subject, _enough(moved, most))
        compared = {*refs, *_crossing(holders, moved, most)}
        if joined := compared - {*refs}:
            holders = {**holders, **_holders_of(joined, subject, most)}
        candidates = set(_candidates(compared, holders, most))
    rows |= read_rows_of({ref for pair in candidates for ref in pair if ref not in rows})
    likely = _likely(candidates, rows, document)
    judged = judge(
        likely,
        {ref: comparable(rows[ref], document.region) for pair in likely for ref in pair},
        document,
    )
    settled = settle(
        subject,
        list(judged),
        scope=compared,
        matcher=matcher,
        threshold=document.threshold,
        found_by=FoundBy.CHANGE,
        now=now,
    )
    return settled, len(compared)


def _likely(
    candidates: Collection[frozenset[RecordRef]],
    rows: Mapping[RecordRef, Row],
    document: MatcherDocument,
) -> list[tuple[RecordRef, RecordRef]]:
    """The pairs that are kept; all are compared at once, because there may be a great many."""
    import numpy as np

    from apps.duplicates.matching.candidates import Candidates
    from apps.duplicates.matching.finding import weigh_pairs

    refs = sorted(rows, key=str)
    place = {ref: number for number, ref in enumerate(refs)}
    pairs = [sorted(place[ref] for ref in pair if ref in place) for pair in candidates]
    sides = np.array([pair for pair in pairs if len(pair) == 2], dtype=np.int64).reshape(-1, 2)
    probabilities = weigh_pairs(
        Table.of_rows([rows[ref] for ref in refs]),
        Candidates(sides[:, 0], sides[:, 1], 0),
        document,
    )
    kept = (probabilities >= least_kept(document)).nonzero()[0].tolist()
    return [(refs[one], refs[other]) for one, other in sides[kept].tolist()]


def _moved(rekeyed: Rekeyed) -> Counter[int]:
    """By how many records more than before a key is held, of every key before and after."""
    moved = Counter(key for keys in rekeyed.after.values() for key in keys)
    moved.subtract(key for keys in rekeyed.before.values() for key in keys)
    return moved


def _enough(moved: Mapping[int, int], most: int) -> int:
    """So many holders of a key tell whether it is too common now, and whether it was before."""
    return most + max(moved.values(), default=0) + 1


def _crossing(holders: Holders, moved: Mapping[int, int], most: int) -> set[RecordRef]:
    """Who holds a key that has just become too common, or is so no longer: their pairs may be others now."""
    return {
        ref
        for key, found in holders.items()
        if (len(found) > most) != (len(found) - moved[key] > most)
        for ref in found
    }


def _holders_of(refs: Collection[RecordRef], subject: Subject, most: int) -> Holders:
    keys = {key for held in read_keys(refs).values() for key in held}
    return read_holders(keys, subject, most + 1)


def _candidates(
    compared: set[RecordRef], holders: Holders, most: int
) -> Iterator[frozenset[RecordRef]]:
    """The pairs of compared records and those with whom they share a key that is not too common."""
    for found in holders.values():
        if 2 <= len(found) <= most:
            for one in compared.intersection(found):
                for other in found:
                    yield frozenset((one, other))
