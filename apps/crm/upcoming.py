"""Activities that were dated ahead: they count from the moment at which they take place.

The database's own triggers see an activity when it is written; an appointment that lies ahead then is no
contact yet. Somebody has to come back to it: ``take_place`` in rounds, ``let_count`` in scans of everything.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

_COLUMNS = {
    "lead": "a.lead_id",
    "contact": "a.contact_id",
    "opportunity": "a.opportunity_id",
    "account": "unnest(ARRAY[a.account_id, c.account_id, d.account_id])",
}

# The activities of a span, and the kinds of record that hang on one and do not know of it yet: mostly none.
_FIND = """
SELECT a.id, a.occurred_at AS at, CASE WHEN a.activity_kind <> 'note' THEN array_remove(ARRAY[
           CASE WHEN l.id IS NOT NULL AND (l.last_activity_at >= a.occurred_at) IS NOT TRUE
                THEN 'lead' END,
           CASE WHEN c.id IS NOT NULL AND (c.last_activity_at >= a.occurred_at) IS NOT TRUE
                THEN 'contact' END,
           CASE WHEN d.id IS NOT NULL AND (d.last_activity_at >= a.occurred_at) IS NOT TRUE
                THEN 'opportunity' END,
           CASE WHEN EXISTS (
                    SELECT FROM crm_account k WHERE k.id IN (a.account_id, c.account_id, d.account_id)
                    AND (k.last_activity_at >= a.occurred_at) IS NOT TRUE) THEN 'account' END
       ], NULL) END AS kinds
FROM crm_activity a
LEFT JOIN crm_lead l ON l.id = a.lead_id
LEFT JOIN crm_contact c ON c.id = a.contact_id
LEFT JOIN crm_opportunity d ON d.id = a.opportunity_id
WHERE a.occurred_at >= %(since)s AND a.occurred_at <= %(until)s
"""
_FIND_KINDS = f"SELECT DISTINCT unnest(kinds) FROM ({_FIND}) AS found"  # noqa: S608 - words of our own

# Rows are locked in id order, as the database's triggers do it.
_FOLLOW = """
WITH hung AS (
    SELECT {column} AS id, a.occurred_at AS at
    FROM crm_activity a
    LEFT JOIN crm_contact c ON c.id = a.contact_id
    LEFT JOIN crm_opportunity d ON d.id = a.opportunity_id
    WHERE a.occurred_at >= %(since)s AND a.occurred_at <= %(until)s AND a.activity_kind <> 'note'
), latest AS (
    SELECT id, max(at) AS at FROM hung WHERE id IS NOT NULL GROUP BY id
), locked AS MATERIALIZED (
    SELECT r.id, latest.at FROM crm_{kind} r JOIN latest USING (id)
    WHERE r.last_activity_at IS NULL OR r.last_activity_at < latest.at
    ORDER BY r.id FOR UPDATE OF r
)
UPDATE crm_{kind} r SET last_activity_at = locked.at FROM locked WHERE r.id = locked.id
"""


def take_place(since: datetime, until: datetime) -> dict[int, datetime]:
    """Let the activities of a span of time count, and return their ids with their moments."""
    span = _span(since, until)
    with connection.cursor() as cursor:
        cursor.execute(_FIND, span)
        rows = cursor.fetchall()
    _follow({kind for *_, kinds in rows for kind in kinds or ()}, span)
    return {activity_id: at for activity_id, at, _ in rows}


def let_count(since: datetime, until: datetime) -> None:
    """The same of a long span, without reading which ones: a month of a large company has a million."""
    span = _span(since, until)
    with connection.cursor() as cursor:
        cursor.execute(_FIND_KINDS, span)
        behind = {kind for (kind,) in cursor.fetchall()}
    _follow(behind, span)


def _span(since: datetime, until: datetime) -> dict[str, datetime]:
    return {"since": min(since, until), "until": max(since, until)}


def _follow(behind: Collection[str], span: dict[str, datetime]) -> None:
    if behind:
        with transaction.atomic(), connection.cursor() as cursor:
            for kind, column in _COLUMNS.items():
                if kind in behind:
                    cursor.execute(_FOLLOW.format(kind=kind, column=column), span)
