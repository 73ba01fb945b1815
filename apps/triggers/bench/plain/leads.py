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

LEAD_NEW = statement(
    """
    SELECT l.id, jsonb_build_object('created_at', l.created_at, 'revision', l.revision) AS facts
    FROM crm_lead l
    WHERE l.status = 'new' AND NOT l.do_not_contact AND l.created_at <= %(now)s
      AND l.created_at > %(now)s - interval '14 days'
      AND NOT EXISTS (SELECT 1 FROM crm_activity a
                      WHERE a.lead_id = l.id
                        AND (a.direction = 'outbound' OR a.activity_kind IN ('meeting', 'call')))
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.lead_id = l.id AND t.status = 'open')
    """,
    trigger="lead_new",
    goal="meet_lead",
    kind="lead",
    severity=3,
    parameters='{"window_days": 14}',
)

LEAD_SCORE_DROP = statement(
    """
    WITH highest AS (
        SELECT record_id, model_version, max(score_0_1) AS score_0_1 FROM predictions_score
        WHERE prediction = 'lead_conversion' AND scored_at > %(now)s - interval '14 days'
        GROUP BY record_id, model_version
    )
    SELECT l.id, jsonb_build_object('score_0_1', s.score_0_1::numeric(3, 2),
                                    'former_score_0_1', h.score_0_1::numeric(3, 2),
                                    'revision', l.revision) AS facts
    FROM highest h
    JOIN predictions_score s ON s.prediction = 'lead_conversion' AND s.record_id = h.record_id
                            AND s.model_version = h.model_version
                            AND s.is_latest AND h.score_0_1 >= s.score_0_1 + 0.2 - 1e-9
    JOIN crm_lead l ON l.id = h.record_id AND NOT l.do_not_contact
                   AND l.status IN ('new', 'working', 'qualified')
    """,
    trigger="lead_score_drop",
    goal="revive_lead",
    kind="lead",
    severity=2,
    parameters='{"drop_points": 20, "window_days": 14}',
)
