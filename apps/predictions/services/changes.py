"""Which records to score anew, read from the change log.

Read like the rounds of triggers do (``apps.triggers.changes``): by transactions, so that a slow one is read
late and never missed; what was not settled at a look is read again at the next. What a change reaches over
more than one record (an account's sector, say, for its deals) is scored at night.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.features.reading import SUBJECTS
from apps.predictions.models import ScoringCursor
from apps.tenants.transactions import read_snapshot

# Past so many changed rows all records are scored, which reads them in order.
MOST_CHANGES = 20_000

PREDICTION_OF = {subject.record_kind: subject.prediction for subject in SUBJECTS.values()}

_COUNT = """
SELECT count(*) FROM (
    SELECT FROM crm_changelog WHERE transaction_id >= %(cursor)s LIMIT %(most)s
) AS changed
"""
# Changed records; those on which changed activities, tasks and contracts hang, now and before; and the
# accounts of changed deals and contacts.
_TOUCHED = """
WITH recent AS MATERIALIZED (
    SELECT record_kind, record_id, operation, changes FROM crm_changelog
    WHERE transaction_id >= %(cursor)s
),
hung AS (
    SELECT a.lead_id, a.opportunity_id, a.contact_id, a.account_id
    FROM recent r JOIN crm_activity a ON a.id = r.record_id WHERE r.record_kind = 'activity'
    UNION ALL
    SELECT t.lead_id, t.opportunity_id, t.contact_id, t.account_id
    FROM recent r JOIN crm_task t ON t.id = r.record_id WHERE r.record_kind = 'task'
    UNION ALL
    SELECT NULL, NULL, NULL, c.account_id
    FROM recent r JOIN crm_contract c ON c.id = r.record_id WHERE r.record_kind = 'contract'
),
touched AS (
    SELECT record_kind AS kind, record_id AS id FROM recent
    UNION
    SELECT p.kind, p.id FROM hung CROSS JOIN LATERAL (VALUES
        ('lead', lead_id), ('opportunity', opportunity_id), ('contact', contact_id),
        ('account', account_id)) AS p(kind, id)
    UNION
    SELECT p.kind, CASE WHEN r.operation = 'deleted' THEN r.changes ->> (p.kind || '_id')
                        ELSE r.changes -> (p.kind || '_id') ->> 0 END::bigint
    FROM recent r CROSS JOIN (VALUES ('lead'), ('opportunity'), ('contact'), ('account')) AS p(kind)
    WHERE r.record_kind IN ('activity', 'task', 'contract') AND r.operation <> 'created'
)
SELECT kind, id FROM touched
WHERE kind IN ('lead', 'opportunity', 'contact', 'account') AND id IS NOT NULL
UNION
SELECT 'account', d.account_id FROM touched JOIN crm_opportunity d ON d.id = touched.id
WHERE kind = 'opportunity' AND d.account_id IS NOT NULL
UNION
SELECT 'account', c.account_id FROM touched JOIN crm_contact c ON c.id = touched.id
WHERE kind = 'contact' AND c.account_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class ChangedRecords:
    """The records to score anew, by prediction; ``is_too_much``: rather all of them.

    ``next_cursor`` is where the next look begins.
    """

    by_prediction: Mapping[Prediction, tuple[int, ...]]
    is_too_much: bool
    next_cursor: int

    @property
    def is_any(self) -> bool:
        """Whether there is anything to score."""
        return self.is_too_much or bool(self.by_prediction)


def read_changed() -> ChangedRecords:
    """Look what has changed since the last look; at the first one nothing has."""
    oldest_open = read_snapshot().oldest_open
    cursor = ScoringCursor.objects.values_list("transaction_id", flat=True).first()
    if cursor is None or cursor > oldest_open:
        # The first look, or a database that was restored from a backup: the nightly scoring has it all.
        return ChangedRecords({}, False, oldest_open)
    with connection.cursor() as db:
        db.execute(_COUNT, {"cursor": cursor, "most": MOST_CHANGES + 1})
        if db.fetchone()[0] > MOST_CHANGES:
            return ChangedRecords({}, True, oldest_open)
        db.execute(_TOUCHED, {"cursor": cursor})
        found: dict[Prediction, list[int]] = defaultdict(list)
        for kind, record_id in db.fetchall():
            found[PREDICTION_OF[RecordKind(kind)]].append(record_id)
    by_prediction = {prediction: tuple(sorted(ids)) for prediction, ids in found.items()}
    return ChangedRecords(by_prediction, False, oldest_open)


def keep_cursor(transaction_id: int) -> None:
    """Let the next look begin there."""
    ScoringCursor.objects.update_or_create(pk=1, defaults={"transaction_id": transaction_id})
