"""What came of decisions: whether the customer answered, the deal moved, the task was done.

Looked at once, when 7, 30 and 90 days are over, and kept; for rejected suggestions too, as what happens
without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q

from apps.suggestions.enums import State
from apps.suggestions.learning.enums import FollowedDays
from apps.suggestions.learning.models import FollowedOutcome
from apps.users.models import User

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; ``of`` is 0 where there is nothing of the kind."""

    count: int
    of: int

    @property
    def share_0_1(self) -> float | None:
        """The share, or None."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What was to be seen after so many days, of the applied or of the rejected suggestions of a trigger."""

    trigger: str
    days: FollowedDays
    is_applied: bool
    followed: int
    answered: Share
    moved: Share
    done: Share


# A suggestion's customer is whom its record hangs on. Everything is asked of the past: what has happened by
# the end of the days, whenever that is looked at. A record that is gone has nothing to tell.
_FOLLOW = """
WITH decided AS (
    SELECT id, record_kind, record_id, execution_id, state = 'applied' AS is_applied,
           CASE WHEN state = 'applied' THEN applied_at ELSE reviewed_at END AS decided_at
    FROM suggestions_suggestion WHERE state IN ('applied', 'rejected')
), due AS (
    SELECT d.*, s.days, d.decided_at + make_interval(days => s.days) AS until
    FROM decided d CROSS JOIN unnest(%(days)s::int[]) AS s (days)
    WHERE d.decided_at + make_interval(days => s.days) <= %(now)s
      AND NOT EXISTS (SELECT 1 FROM suggestions_followedoutcome f
                      WHERE f.suggestion_id = d.id AND f.days = s.days AND f.decided_at = d.decided_at)
    ORDER BY d.id, s.days LIMIT %(most)s
), about AS (
    SELECT d.id, d.days, d.decided_at, d.until, d.is_applied,
           CASE WHEN d.record_kind = 'lead' THEN d.record_id
                ELSE coalesce(t.lead_id, a.lead_id) END AS lead_id,
           CASE WHEN d.record_kind = 'opportunity' THEN d.record_id
                ELSE coalesce(t.opportunity_id, a.opportunity_id) END AS opportunity_id,
           CASE WHEN d.record_kind = 'contact' THEN d.record_id
                ELSE coalesce(o.contact_id, t.contact_id, a.contact_id) END AS contact_id,
           CASE WHEN d.record_kind = 'account' THEN d.record_id
                ELSE coalesce(c.account_id, t.account_id, a.account_id) END AS account_id,
           CASE WHEN d.record_kind = 'task' THEN d.record_id
                WHEN e.record_kind = 'task' THEN e.record_id END AS task_id
    FROM due d
    LEFT JOIN execution_execution e ON e.id = d.execution_id
    LEFT JOIN crm_task t ON d.record_kind = 'task' AND t.id = d.record_id
    LEFT JOIN crm_activity a ON d.record_kind = 'activity' AND a.id = d.record_id
    LEFT JOIN crm_contract c ON d.record_kind = 'contract' AND c.id = d.record_id
    LEFT JOIN crm_opportunity o ON d.record_kind = 'opportunity' AND o.id = d.record_id
)
INSERT INTO suggestions_followedoutcome
    (suggestion_id, days, decided_at, is_applied, answered, moved, done, looked_at)
SELECT b.id, b.days, b.decided_at, b.is_applied,
       CASE WHEN coalesce(b.lead_id, b.opportunity_id, b.contact_id, b.account_id) IS NOT NULL THEN
           EXISTS (SELECT 1 FROM crm_activity i
                   WHERE i.lead_id = b.lead_id AND i.direction = 'inbound'
                     AND i.occurred_at > b.decided_at AND i.occurred_at <= b.until)
           OR EXISTS (SELECT 1 FROM crm_activity i
                      WHERE i.opportunity_id = b.opportunity_id AND i.direction = 'inbound'
                        AND i.occurred_at > b.decided_at AND i.occurred_at <= b.until)
           OR EXISTS (SELECT 1 FROM crm_activity i
                      WHERE i.contact_id = b.contact_id AND i.direction = 'inbound'
                        AND i.occurred_at > b.decided_at AND i.occurred_at <= b.until)
           OR EXISTS (SELECT 1 FROM crm_activity i
                      WHERE i.account_id = b.account_id AND i.direction = 'inbound'
                        AND i.occurred_at > b.decided_at AND i.occurred_at <= b.until)
       END,
       CASE WHEN b.opportunity_id IS NOT NULL THEN
           EXISTS (SELECT 1 FROM crm_changelog h
                   LEFT JOIN crm_stage s ON s.id = (h.changes->'stage_id'->>0)::bigint
                   JOIN crm_stage n ON n.id = (h.changes->'stage_id'->>1)::bigint
                   WHERE h.record_kind = 'opportunity' AND h.record_id = b.opportunity_id
                     AND h.changes ? 'stage_id' AND h.changed_at > b.decided_at AND h.changed_at <= b.until
                     AND n.outcome <> 'lost' AND (n.outcome = 'won' OR n.position > s.position))
            WHEN b.lead_id IS NOT NULL THEN
           EXISTS (SELECT 1 FROM crm_changelog h
                   WHERE h.record_kind = 'lead' AND h.record_id = b.lead_id AND h.changes ? 'status'
                     AND h.changes->'status'->>1 IN ('qualified', 'converted')
                     AND h.changed_at > b.decided_at AND h.changed_at <= b.until)
       END,
       CASE WHEN b.task_id IS NOT NULL THEN
           EXISTS (SELECT 1 FROM crm_task k WHERE k.id = b.task_id AND k.status = 'done'
                     AND k.completed_at <= b.until)
       END,
       %(now)s
FROM about b
ON CONFLICT DO NOTHING
"""


def follow_outcomes(now: datetime) -> int:
    """Look at what has come of every decision whose days are over by ``now``; return how many were written.

    Safe to run twice and at once; in statements of some thousands, each in a transaction of its own.
    """
    parameters: dict[str, Any] = {"now": now, "days": FollowedDays.values, "most": _AT_ONCE}
    written = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_FOLLOW, parameters)
            count = int(cursor.rowcount)
        written += count
        if count < _AT_ONCE:
            return written


def read_outcomes(viewer: User) -> list[OutcomeRow]:
    """Return what is known of the person's own decisions (a manager's: all), by trigger and days.

    One query. What was undone or reopened since is left out.
    """
    still = Q(is_applied=True, suggestion__state=State.APPLIED) | Q(
        is_applied=False, suggestion__state=State.REJECTED
    )
    followed = FollowedOutcome.objects.filter(still)
    if not viewer.sees_all:
        followed = followed.filter(suggestion__reviewed_by=viewer)
    rows = (
        followed.order_by("suggestion__trigger", "days", "-is_applied")
        .values_list("suggestion__trigger", "days", "is_applied")
        .annotate(
            Count("pk"),
            answered_count=Count("pk", filter=Q(answered=True)),
            answered_of=Count("answered"),
            moved_count=Count("pk", filter=Q(moved=True)),
            moved_of=Count("moved"),
            done_count=Count("pk", filter=Q(done=True)),
            done_of=Count("done"),
        )
    )
    return [
        OutcomeRow(
            trigger=trigger,
            days=FollowedDays(days),
            is_applied=is_applied,
            followed=count,
            answered=Share(counts[0], counts[1]),
            moved=Share(counts[2], counts[3]),
            done=Share(counts[4], counts[5]),
        )
        for trigger, days, is_applied, count, *counts in rows
    ]
