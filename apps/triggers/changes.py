"""What changed since the last look, read from the change log, scores and pairs.

The log is followed by transactions, not by ids or times: a slow transaction commits rows that are older than
some already read. Before reading, the oldest transaction that is still open is noted; next time everything
of it and of later ones is read (again). Reading twice costs a look, missing a row would cost a signal.

Rows of transactions that this database has not come to yet were restored from another's past, where more had
happened. They are no changes: otherwise all of them would be read again and again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.triggers.watches import ADDRESS_COLUMNS, PARENT_COLUMNS, WRITTEN_COLUMNS, Changes

# Past so many changed rows it is cheaper to look at everything.
MOST_CHANGES = 20_000

_HORIZON = """
SELECT pg_snapshot_xmin(seen)::text::bigint, n.following, c.cursor,
       (SELECT count(*) FROM (SELECT FROM crm_changelog
                              WHERE transaction_id >= c.cursor AND transaction_id < n.following
                              LIMIT %(most)s) AS changed)
     + (SELECT count(*) FROM (SELECT FROM predictions_score
                              WHERE transaction_id >= c.cursor AND transaction_id < n.following
                              LIMIT %(most)s) AS scored)
     + (SELECT count(*) FROM (SELECT FROM duplicates_pair
                              WHERE transaction_id >= c.cursor AND transaction_id < n.following
                              LIMIT %(most)s) AS paired)
     + (SELECT count(*) FROM (SELECT FROM triggers_reading
                              WHERE transaction_id >= c.cursor AND transaction_id < n.following
                              LIMIT %(most)s) AS heard)
FROM pg_current_snapshot() AS seen
CROSS JOIN LATERAL (
    SELECT greatest(pg_snapshot_xmax(seen)::text::bigint,
                    pg_current_xact_id_if_assigned()::text::bigint + 1) AS following
) AS n
LEFT JOIN unnest(%(cursors)s::bigint[]) AS c(cursor) ON true
"""

# Changed rows by kind, activities that are read otherwise than before among them; what the columns that lead
# to other records said before; new rows and those in which a column says something else (a plus before the
# column).
_CHANGES = """
WITH recent AS MATERIALIZED (
    SELECT record_kind, record_id, operation, changes FROM crm_changelog
    WHERE transaction_id >= %(cursor)s AND transaction_id < %(following)s
    UNION ALL
    SELECT 'activity', activity_id, 'read', '{}' FROM triggers_reading
    WHERE transaction_id >= %(cursor)s AND transaction_id < %(following)s
)
SELECT record_kind, '', array_agg(DISTINCT record_id::text) FROM recent GROUP BY record_kind
UNION ALL
SELECT r.record_kind, c.name, array_agg(DISTINCT f.former)
FROM recent r
CROSS JOIN unnest(%(columns)s::text[]) AS c(name)
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.operation = 'deleted' THEN r.changes ->> c.name
                ELSE r.changes -> c.name ->> 0 END AS former
) f
WHERE r.operation <> 'created' AND f.former <> ''
GROUP BY r.record_kind, c.name
UNION ALL
SELECT r.record_kind, '+' || c.name, array_agg(DISTINCT r.record_id::text)
FROM recent r CROSS JOIN unnest(%(written)s::text[]) AS c(name)
WHERE r.operation = 'created' OR r.changes ? c.name
GROUP BY r.record_kind, c.name
"""
_SCORED = """
SELECT prediction, array_agg(DISTINCT record_id) FROM predictions_score
WHERE transaction_id >= %(cursor)s AND transaction_id < %(following)s GROUP BY prediction
"""
# Both records of a pair: one that survived before may be the duplicate now.
_PAIRED = """
SELECT side.kind, array_agg(DISTINCT side.id) FROM duplicates_pair p
CROSS JOIN LATERAL (
    VALUES (p.survivor_kind, p.survivor_id), (p.duplicate_kind, p.duplicate_id)
) AS side(kind, id)
WHERE p.transaction_id >= %(cursor)s AND p.transaction_id < %(following)s GROUP BY side.kind
"""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the present look sees, and how much has changed since each cursor, counted to the limit.

    ``oldest_open`` becomes the next cursor; ``next_transaction`` lies above all that can be seen. A cursor
    above it comes from another database's past: it was restored from a backup.
    """

    oldest_open: int
    next_transaction: int
    changed: Mapping[int, int]


def read_horizon(cursors: Collection[int] = ()) -> Horizon:
    """Look how far one can see now, and how many rows changed since each of the cursors."""
    with connection.cursor() as db:
        db.execute(_HORIZON, {"cursors": sorted(cursors), "most": MOST_CHANGES + 1})
        rows = db.fetchall()
    oldest_open, next_transaction = rows[0][:2]
    changed = {cursor: count for _, _, cursor, count in rows if cursor is not None}
    return Horizon(oldest_open, next_transaction, changed)


def read_changes(cursor: int, *, following: int) -> Changes:
    """Return what changed in transactions from ``cursor`` on, before ``following``."""
    span = {"cursor": cursor, "following": following}
    columns = [*PARENT_COLUMNS, *ADDRESS_COLUMNS]
    ids: dict[RecordKind, frozenset[int]] = {}
    former: dict[tuple[RecordKind, str], frozenset[str]] = {}
    written: dict[tuple[RecordKind, str], frozenset[int]] = {}
    scored: dict[Prediction, frozenset[int]] = defaultdict(frozenset)
    with connection.cursor() as db:
        db.execute(_CHANGES, {**span, "columns": columns, "written": [*WRITTEN_COLUMNS]})
        for kind, column, values in db.fetchall():
            if column.startswith("+"):
                written[RecordKind(kind), column[1:]] = frozenset(map(int, values))
            elif column:
                former[RecordKind(kind), column] = frozenset(values)
            else:
                ids[RecordKind(kind)] = frozenset(map(int, values))
        db.execute(_SCORED, span)
        for prediction, record_ids in db.fetchall():
            scored[Prediction(prediction)] = frozenset(record_ids)
        db.execute(_PAIRED, span)
        paired = {RecordKind(kind): frozenset(record_ids) for kind, record_ids in db.fetchall()}
    return Changes(ids, former, scored, paired, written)
