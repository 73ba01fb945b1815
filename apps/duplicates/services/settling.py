"""Pairs as they were found just now, settled with those that are stored: new, refreshed, gone, merged."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.duplicates.enums import FoundBy, Subject
from apps.duplicates.models import Matcher
from apps.duplicates.models.pairs import key_of
from apps.duplicates.services.clustering import cluster_all, cluster_around, neighbours_of
from apps.duplicates.services.inheriting import carry_decisions_over
from apps.duplicates.services.merges import Merge, read_merges
from apps.duplicates.services.standing import CONFLICT_WITHIN, read_standings
from apps.duplicates.survivorship import Standing, are_in_conflict, survivor_of
from apps.execution.schemas import RecordRef

# Pairs below this are not kept: nobody looks at them, and there are very many.
LEAST_KEPT_0_1 = 0.1


@dataclass(frozen=True, slots=True)
class Judged:
    """Two records that may be the same: how probable that is, and what each field says in bits."""

    one: RecordRef
    other: RecordRef
    probability: float
    weights: dict[str, float]


@dataclass(frozen=True, slots=True)
class Settled:
    """How many pairs were new (or are back), and how many are gone."""

    found: int
    gone: int


_STAGE = """
CREATE TEMPORARY TABLE judged (
    key varchar(80) PRIMARY KEY, survivor_kind varchar(20), survivor_id bigint, duplicate_kind varchar(20),
    duplicate_id bigint, probability float8, has_conflict boolean, weights jsonb
) ON COMMIT DROP
"""
_COPY = """
COPY judged (key, survivor_kind, survivor_id, duplicate_kind, duplicate_id, probability, has_conflict,
             weights)
FROM STDIN
"""
# A pair that is gone, or was merged and is there again because that was undone, is open again. What a person
# decided stays. Readers look again at what tells them something new.
_WRITE = """
INSERT INTO duplicates_pair AS held
    (subject, key, survivor_kind, survivor_id, duplicate_kind, duplicate_id, probability, has_conflict,
     is_likely, weights, matcher_id, state, found_by, found_at, compared_at)
SELECT %(subject)s, key, survivor_kind, survivor_id, duplicate_kind, duplicate_id, probability, has_conflict,
       false, weights, %(matcher)s, 'open', %(found_by)s, %(now)s, %(now)s
FROM judged ORDER BY key
ON CONFLICT (key) DO UPDATE SET
    survivor_kind = excluded.survivor_kind, survivor_id = excluded.survivor_id,
    duplicate_kind = excluded.duplicate_kind, duplicate_id = excluded.duplicate_id,
    probability = excluded.probability, has_conflict = excluded.has_conflict, weights = excluded.weights,
    matcher_id = excluded.matcher_id, compared_at = excluded.compared_at,
    state = CASE WHEN held.state IN ('gone', 'merged') THEN 'open' ELSE held.state END,
    decided_at = CASE WHEN held.state = 'merged' THEN NULL ELSE held.decided_at END,
    transaction_id = CASE
        WHEN held.state IN ('gone', 'merged') OR held.survivor_kind <> excluded.survivor_kind
             OR held.survivor_id <> excluded.survivor_id OR held.has_conflict <> excluded.has_conflict
             OR abs(held.probability - excluded.probability) >= 0.005
        THEN pg_current_xact_id()::text::bigint ELSE held.transaction_id END
"""
_COUNT_NEW = """
SELECT count(*) FROM judged j
WHERE NOT EXISTS (
    SELECT FROM duplicates_pair p WHERE p.key = j.key AND p.state IN ('open', 'not_duplicate')
)
"""
# What was decided is remembered even where the two are no longer alike.
_GONE = """
UPDATE duplicates_pair p
SET state = 'gone', is_likely = false, cluster = NULL, compared_at = %(now)s,
    transaction_id = pg_current_xact_id()::text::bigint
WHERE p.subject = %(subject)s AND p.state IN ('open', 'merged')
  AND NOT EXISTS (SELECT FROM judged j WHERE j.key = p.key) AND NOT p.key = ANY(%(merged)s)
"""
_OF_SCOPE = """
  AND p.id IN (
      SELECT q.id FROM unnest(%(kinds)s::text[], %(ids)s::bigint[]) AS s(kind, id)
      JOIN duplicates_pair q ON q.survivor_kind = s.kind AND q.survivor_id = s.id
      UNION ALL
      SELECT q.id FROM unnest(%(kinds)s::text[], %(ids)s::bigint[]) AS s(kind, id)
      JOIN duplicates_pair q ON q.duplicate_kind = s.kind AND q.duplicate_id = s.id
  )
"""
_MERGED = """
UPDATE duplicates_pair p
SET state = 'merged', is_likely = false, cluster = NULL, decided_at = m.at,
    survivor_kind = m.into_kind, survivor_id = m.into_id, duplicate_kind = m.kind, duplicate_id = m.id,
    transaction_id = pg_current_xact_id()::text::bigint
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[])
     AS m(key, kind, id, into_kind, into_id, at)
WHERE p.key = m.key AND p.state IN ('open', 'gone')
"""


def settle(
    subject: Subject,
    judged: Sequence[Judged],
    *,
    scope: Collection[RecordRef] | None,
    matcher: Matcher,
    threshold: float,
    found_by: FoundBy,
    now: datetime,
) -> Settled:
    """Store the pairs that were found among the records of ``scope`` and all others; None: among all.

    Pairs of these records that were not found are gone, unless a person has decided on them. A pair one of
    whose records was merged into the other is merged; the others of that record are gone.
    """
    with transaction.atomic():
        touched = None if scope is None else neighbours_of(scope)
        merges = read_merges(subject, scope)
        found = _write(subject, judged, matcher, found_by, now)
        carried = carry_decisions_over(subject)
        gone = _let_go(subject, scope, merges, now)
        _mark_merged(merges)
        if touched is None:
            cluster_all(subject, threshold)
        else:
            cluster_around(subject, touched | {*(scope or ())} | carried, threshold)
    return Settled(found, gone)


def _write(
    subject: Subject, judged: Sequence[Judged], matcher: Matcher, found_by: FoundBy, now: datetime
) -> int:
    standings = read_standings(ref for pair in judged for ref in (pair.one, pair.other))
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            for pair in judged:
                if pair.one in standings and pair.other in standings:
                    copy.write_row(_row(pair, standings[pair.one], standings[pair.other], now))
        cursor.execute(_COUNT_NEW)
        found = int(cursor.fetchone()[0])
        params: dict[str, Any] = {
            "subject": subject.value,
            "matcher": matcher.pk,
            "found_by": found_by.value,
            "now": now,
        }
        cursor.execute(_WRITE, params)
    return found


def _row(pair: Judged, one: Standing, other: Standing, now: datetime) -> tuple[object, ...]:
    survivor, _ = survivor_of(one, other)
    duplicate = other if survivor is one else one
    return (
        key_of(pair.one, pair.other),
        survivor.ref.kind.value,
        survivor.ref.id,
        duplicate.ref.kind.value,
        duplicate.ref.id,
        pair.probability,
        are_in_conflict(one, other, now - CONFLICT_WITHIN),
        json.dumps(pair.weights),
    )


def _let_go(
    subject: Subject, scope: Collection[RecordRef] | None, merges: Sequence[Merge], now: datetime
) -> int:
    params: dict[str, Any] = {
        "subject": subject.value,
        "now": now,
        "merged": [merge.key for merge in merges],
        "kinds": [ref.kind.value for ref in scope or ()],
        "ids": [ref.id for ref in scope or ()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_GONE if scope is None else _GONE + _OF_SCOPE, params)
        gone = int(cursor.rowcount)
        cursor.execute("DROP TABLE judged")
    return gone


def _mark_merged(merges: Sequence[Merge]) -> None:
    columns: list[Any] = [
        [merge.key for merge in merges],
        [merge.merged.kind.value for merge in merges],
        [merge.merged.id for merge in merges],
        [merge.into.kind.value for merge in merges],
        [merge.into.id for merge in merges],
        [merge.at for merge in merges],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_MERGED, columns)
