"""Triggers about deals, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

DEAL_STALLED = statement(
    """
    SELECT d.id, jsonb_build_object('stage_entered_at', d.stage_entered_at, 'last_activity_at',
                                    d.last_activity_at, 'own_limit_days', NULL,
                                    'revision', d.revision) AS facts
    FROM crm_opportunity d
    WHERE d.outcome = 'open' AND d.stage_entered_at <= %(now)s - interval '45 days'
      AND (d.last_activity_at <= %(now)s - interval '14 days' OR d.last_activity_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.opportunity_id = d.id AND t.status = 'open')
    """,
    trigger="deal_stalled",
    goal="move_deal",
    kind="opportunity",
    severity=3,
    parameters='{"use_own_data": 1, "percentile": 80, "in_stage_days": 45, "quiet_days": 14}',
)

DEAL_REGRESSED = statement(
    """
    WITH step AS (
        SELECT DISTINCT ON (record_id) record_id, changed_at,
               (changes -> 'stage_id' ->> 0)::bigint AS former_id
        FROM crm_changelog
        WHERE record_kind = 'opportunity' AND operation = 'changed' AND changes ? 'stage_id'
          AND changed_at <= %(now)s AND changed_at > %(now)s - interval '21 days'
        ORDER BY record_id, changed_at DESC, id DESC
    )
    SELECT d.id, jsonb_build_object('moved_at', s.changed_at, 'former_stage_id', s.former_id,
                                    'stage_id', d.stage_id, 'revision', d.revision) AS facts
    FROM step s
    JOIN crm_opportunity d ON d.id = s.record_id AND d.outcome = 'open'
    JOIN crm_stage former ON former.id = s.former_id AND former.outcome = 'open'
    JOIN crm_stage present ON present.id = d.stage_id AND present.position < former.position
    WHERE NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.opportunity_id = d.id AND t.status = 'open')
    """,
    trigger="deal_regressed",
    goal="move_deal",
    kind="opportunity",
    severity=2,
    parameters='{"window_days": 21}',
)

DEAL_CLOSE_DATE_PAST = statement(
    """
    SELECT id, jsonb_build_object('expected_close_on', expected_close_on, 'revision', revision) AS facts
    FROM crm_opportunity WHERE outcome = 'open' AND expected_close_on <= %(today)s::date - 4
    """,
    trigger="deal_close_date_past",
    goal="settle_close_date",
    kind="opportunity",
    severity=3,
    parameters='{"grace_days": 3}',
)

DEAL_CLOSE_DATE_PUSHED = statement(
    """
    WITH move AS (
        SELECT id, record_id, changed_at, (changes -> 'expected_close_on' ->> 0)::date AS before,
               (changes -> 'expected_close_on' ->> 1)::date AS after
        FROM crm_changelog
        WHERE record_kind = 'opportunity' AND operation = 'changed' AND changes ? 'expected_close_on'
          AND changed_at <= %(now)s AND changed_at > %(now)s - interval '180 days'
    ), pushed AS (
        SELECT record_id, count(*) AS push_count, max(changed_at) AS pushed_at,
               (array_agg(before ORDER BY changed_at, id))[1] AS former_close_on
        FROM move WHERE after > before GROUP BY record_id HAVING count(*) >= 2
    )
    SELECT d.id, jsonb_build_object('expected_close_on', d.expected_close_on,
                                    'former_close_on', p.former_close_on, 'push_count', p.push_count,
                                    'pushed_at', p.pushed_at, 'revision', d.revision) AS facts
    FROM pushed p
    JOIN crm_opportunity d ON d.id = p.record_id AND d.outcome = 'open' AND d.expected_close_on IS NOT NULL
    """,
    trigger="deal_close_date_pushed",
    goal="settle_close_date",
    kind="opportunity",
    severity=2,
    parameters='{"times": 2, "window_days": 180}',
)

DEAL_DECAYING = statement(
    """
    SELECT d.id, jsonb_build_object('recent_count', a.recent_count, 'former_count', a.former_count,
                                    'last_activity_at', d.last_activity_at, 'revision', d.revision) AS facts
    FROM (
        SELECT opportunity_id,
               count(*) FILTER (WHERE occurred_at > %(now)s - interval '14 days') AS recent_count,
               count(*) FILTER (WHERE occurred_at <= %(now)s - interval '14 days') AS former_count,
               count(*) FILTER (WHERE occurred_at > %(now)s - interval '10 days') AS loud_count
        FROM crm_activity
        WHERE opportunity_id IS NOT NULL AND activity_kind IN ('email', 'call', 'meeting')
          AND occurred_at <= %(now)s AND occurred_at > %(now)s - interval '70 days'
        GROUP BY opportunity_id
    ) a
    JOIN crm_opportunity d ON d.id = a.opportunity_id AND d.outcome = 'open'
    WHERE a.former_count >= 2 AND a.loud_count = 0
      AND NOT EXISTS (SELECT 1 FROM triggers_reading h JOIN crm_activity w ON w.id = h.activity_id
                      WHERE h.asks_to_wait AND w.opportunity_id = d.id AND w.direction = 'inbound'
                        AND w.occurred_at > %(now)s - interval '60 days')
      AND a.recent_count * 5600 < a.former_count * 560
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.opportunity_id = d.id AND t.status = 'open')
    """,
    trigger="deal_decaying",
    goal="move_deal",
    kind="opportunity",
    severity=2,
    parameters='{"recent_days": 14, "past_days": 56, "past_count": 2, "quiet_days": 10,'
    ' "rate_percent": 40}',
)

DEAL_SINGLE_THREADED = statement(
    """
    SELECT d.id, jsonb_build_object('activity_count', a.activity_count,
                                    'only_contact_id', least(a.first_id, d.contact_id),
                                    'created_at', d.created_at, 'revision', d.revision) AS facts
    FROM (
        SELECT opportunity_id, count(*) AS activity_count, min(contact_id) AS first_id,
               max(contact_id) AS last_id
        FROM crm_activity
        WHERE opportunity_id IS NOT NULL AND activity_kind IN ('email', 'call', 'meeting')
          AND occurred_at <= %(now)s AND occurred_at > %(now)s - interval '90 days'
        GROUP BY opportunity_id
    ) a
    JOIN crm_opportunity d ON d.id = a.opportunity_id AND d.outcome = 'open'
                          AND d.created_at <= %(now)s - interval '30 days'
    WHERE a.activity_count >= 5
      AND least(a.first_id, d.contact_id) IS NOT DISTINCT FROM greatest(a.last_id, d.contact_id)
    """,
    trigger="deal_single_threaded",
    goal="widen_deal",
    kind="opportunity",
    severity=1,
    parameters='{"min_age_days": 30, "min_activities": 5, "window_days": 90}',
)
