"""Triggers about deals, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

DEAL_STALLED = statement(
    """
    SELECT d.id, jsonb_build_object('stage_entered_at', d.stage_entered_at, 'last_activity_at',
                                    d.last_activity_at, 'revision', d.revision) AS facts
    FROM crm_opportunity d
    WHERE d.outcome = 'open' AND d.stage_entered_at <= %(now)s - interval '45 days'
      AND (d.last_activity_at <= %(now)s - interval '14 days' OR d.last_activity_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.opportunity_id = d.id AND t.status = 'open')
    """,
    trigger="deal_stalled",
    goal="move_deal",
    kind="opportunity",
    severity=3,
    parameters='{"in_stage_days": 45, "quiet_days": 14}',
)
