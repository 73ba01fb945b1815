"""Leads and deals that show interest, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

LEAD_HOT = statement(
    """
    WITH words AS (
        SELECT a.id, a.lead_id, a.occurred_at, coalesce(h.asks_to_buy, false) AS asks_to_buy
        FROM crm_activity a LEFT JOIN triggers_reading h ON h.activity_id = a.id
        WHERE a.direction = 'inbound' AND a.lead_id IS NOT NULL AND a.activity_kind <> 'note'
          AND a.occurred_at <= %(now)s AND a.occurred_at > %(now)s - interval '14 days'
          AND NOT coalesce(h.needs_no_answer, false)
    ), waiting AS (
        SELECT lead_id AS id, count(*) AS inbound_count, max(occurred_at) AS last_inbound_at,
               max(occurred_at) FILTER (WHERE asks_to_buy) AS asked_at
        FROM words w
        WHERE NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.lead_id = w.lead_id AND b.occurred_at >= w.occurred_at
                            AND b.direction <> 'inbound' AND b.activity_kind <> 'note')
        GROUP BY 1
    ), lowest AS (
        SELECT record_id, model_version, min(score_0_1) AS score_0_1 FROM predictions_score
        WHERE prediction = 'lead_conversion' AND scored_at > %(now)s - interval '14 days'
        GROUP BY record_id, model_version
    ), scored AS (
        SELECT s.record_id AS id, s.score_0_1::numeric(3, 2) AS score_0_1,
               f.score_0_1::numeric(3, 2) AS former_score_0_1
        FROM predictions_score s
        LEFT JOIN lowest f ON f.record_id = s.record_id AND f.model_version = s.model_version
                          AND f.score_0_1 <= s.score_0_1 - (0.2 - 1e-9)
        WHERE s.prediction = 'lead_conversion' AND s.is_latest
          AND (s.score_0_1 >= 0.7 OR f.record_id IS NOT NULL)
    )
    SELECT r.id, jsonb_build_object('score_0_1', s.score_0_1, 'former_score_0_1', s.former_score_0_1,
                                    'asked_at', w.asked_at, 'inbound_count', w.inbound_count,
                                    'last_inbound_at', w.last_inbound_at, 'revision', r.revision) AS facts
    FROM waiting w
    JOIN crm_lead r ON r.id = w.id AND r.status IN ('new', 'working', 'qualified') AND NOT r.do_not_contact
    LEFT JOIN scored s ON s.id = r.id
    WHERE (w.inbound_count >= 3 OR w.asked_at IS NOT NULL OR s.id IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.lead_id = r.id AND t.status = 'open')
    """,
    trigger="lead_hot",
    goal="act_on_interest",
    kind="lead",
    severity=3,
    parameters='{"score_percent": 70, "rise_points": 20, "rise_days": 14, "inbound_count": 3,'
    ' "window_days": 14}',
)

# Both reasons are gathered on their own, and only what is left is looked at more closely.
DEAL_HOT = statement(
    """
    WITH heard AS (
        SELECT opportunity_id AS id, count(*) AS inbound_count, max(occurred_at) AS last_inbound_at
        FROM crm_activity
        WHERE direction = 'inbound' AND opportunity_id IS NOT NULL AND occurred_at <= %(now)s
          AND occurred_at > %(now)s - interval '7 days'
        GROUP BY 1
    ), scored AS (
        SELECT record_id AS id, score_0_1::numeric(3, 2) AS score_0_1 FROM predictions_score
        WHERE prediction = 'deal_close' AND is_latest AND score_0_1 >= 0.7
    )
    SELECT r.id, jsonb_build_object('score_0_1', s.score_0_1, 'inbound_count', coalesce(h.inbound_count, 0),
                                    'last_inbound_at', h.last_inbound_at, 'revision', r.revision) AS facts
    FROM (SELECT id FROM heard WHERE inbound_count >= 2 UNION SELECT id FROM scored) c
    JOIN crm_opportunity r ON r.id = c.id AND r.outcome = 'open'
    LEFT JOIN heard h ON h.id = r.id LEFT JOIN scored s ON s.id = r.id
    WHERE NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.opportunity_id = r.id AND t.status = 'open')
      AND (s.id IS NOT NULL
           OR NOT EXISTS (SELECT 1 FROM crm_activity a
                          WHERE a.opportunity_id = r.id AND a.occurred_at >= h.last_inbound_at
                            AND a.direction <> 'inbound' AND a.activity_kind <> 'note'))
    """,
    trigger="deal_hot",
    goal="act_on_interest",
    kind="opportunity",
    severity=3,
    parameters='{"score_percent": 70, "inbound_count": 2, "window_days": 7}',
)
