"""Triggers about leads, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

LEAD_INACTIVE = statement(
    """
    SELECT l.id, jsonb_build_object('last_activity_at', l.last_activity_at, 'created_at', l.created_at,
                                    'revision', l.revision) AS facts
    FROM crm_lead l
    WHERE l.status IN ('new', 'working', 'qualified') AND NOT l.do_not_contact
      AND (l.last_activity_at <= %(now)s - interval '14 days'
           AND l.last_activity_at > %(now)s - interval '120 days'
           OR l.last_activity_at IS NULL AND l.created_at <= %(now)s - interval '14 days'
              AND l.created_at > %(now)s - interval '120 days')
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.lead_id = l.id AND t.status = 'open')
    """,
    trigger="lead_inactive",
    goal="revive_lead",
    kind="lead",
    severity=2,
    parameters='{"silent_days": 14, "past_reviving_days": 120}',
)
