"""Triggers about accounts, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

RENEWAL_APPROACHING = statement(
    """
    SELECT DISTINCT ON (c.account_id) c.account_id AS id,
           jsonb_build_object('contract_id', c.id, 'renews_on', c.renews_on, 'revision', a.revision) AS facts
    FROM crm_contract c JOIN crm_account a ON a.id = c.account_id
    WHERE c.outcome = 'open' AND c.renews_on >= %(today)s::date AND c.renews_on <= %(today)s::date + 60
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.account_id = c.account_id AND t.status = 'open'
                      AND t.opportunity_id IS NULL AND t.lead_id IS NULL)
    ORDER BY c.account_id, c.renews_on, c.id
    """,
    trigger="renewal_approaching",
    goal="plan_renewal",
    kind="account",
    severity=2,
    parameters='{"ahead_days": 60}',
)

ACCOUNT_SILENT = statement(
    """
    SELECT r.id, jsonb_build_object('last_activity_at', r.last_activity_at, 'created_at', r.created_at,
                                    'revision', r.revision) AS facts
    FROM crm_account r
    WHERE (r.last_activity_at <= %(now)s - interval '60 days'
           OR r.last_activity_at IS NULL AND r.created_at <= %(now)s - interval '60 days')
      AND (EXISTS (SELECT 1 FROM crm_contract k WHERE k.account_id = r.id AND k.outcome = 'open')
           OR EXISTS (SELECT 1 FROM crm_opportunity d WHERE d.account_id = r.id AND d.outcome = 'won'
                      AND d.stage_entered_at > %(now)s - interval '730 days')
           OR r.last_activity_at > %(now)s - interval '730 days'
              AND EXISTS (SELECT 1 FROM crm_contract k WHERE k.account_id = r.id AND k.outcome = 'churned'
                          AND coalesce(k.outcome_on, k.renews_on)
                              <= ((r.last_activity_at - interval '90 days') AT TIME ZONE 'UTC')::date))
      AND NOT EXISTS (SELECT 1 FROM crm_activity a WHERE a.account_id = r.id AND a.activity_kind <> 'note'
                      AND a.occurred_at > %(now)s - interval '60 days')
      AND NOT EXISTS (SELECT 1 FROM crm_contact c JOIN crm_activity a ON a.contact_id = c.id
                      WHERE c.account_id = r.id AND a.activity_kind <> 'note'
                      AND a.occurred_at > %(now)s - interval '60 days')
      AND NOT EXISTS (SELECT 1 FROM crm_opportunity d JOIN crm_activity a ON a.opportunity_id = d.id
                      WHERE d.account_id = r.id AND a.activity_kind <> 'note'
                      AND a.occurred_at > %(now)s - interval '60 days')
      AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.account_id = r.id AND t.status = 'open')
      AND NOT EXISTS (SELECT 1 FROM crm_contact c JOIN crm_task t ON t.contact_id = c.id
                      WHERE c.account_id = r.id AND t.status = 'open')
      AND NOT EXISTS (SELECT 1 FROM crm_opportunity d JOIN crm_task t ON t.opportunity_id = d.id
                      WHERE d.account_id = r.id AND t.status = 'open')
    """,
    trigger="account_silent",
    goal="keep_account",
    kind="account",
    severity=2,
    parameters='{"silent_days": 60, "won_within_days": 730}',
)

ACCOUNT_AT_RISK = statement(
    """
    WITH renewing AS (
        SELECT DISTINCT ON (c.account_id) c.account_id, c.id, c.renews_on
        FROM crm_contract c
        WHERE c.outcome = 'open' AND c.renews_on >= %(today)s::date AND c.renews_on <= %(today)s::date + 90
          AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.account_id = c.account_id AND t.status = 'open'
                          AND t.opportunity_id IS NULL AND t.lead_id IS NULL)
        ORDER BY c.account_id, c.renews_on, c.id
    ), gathered AS (
        SELECT r.account_id, x.*,
               max(x.occurred_at) FILTER (
                   WHERE x.occurred_at <= %(now)s AND (x.direction = 'inbound' OR x.activity_kind = 'meeting')
               ) OVER (PARTITION BY r.account_id) AS heard_at
        FROM renewing r CROSS JOIN LATERAL (
            SELECT a.id, a.occurred_at, a.direction, a.activity_kind FROM crm_activity a
            WHERE a.account_id = r.account_id AND a.activity_kind <> 'note'
              AND a.occurred_at > %(now)s - interval '120 days'
            UNION
            SELECT a.id, a.occurred_at, a.direction, a.activity_kind
            FROM crm_contact c JOIN crm_activity a ON a.contact_id = c.id
            WHERE c.account_id = r.account_id AND a.activity_kind <> 'note'
              AND a.occurred_at > %(now)s - interval '120 days'
            UNION
            SELECT a.id, a.occurred_at, a.direction, a.activity_kind
            FROM crm_opportunity d JOIN crm_activity a ON a.opportunity_id = d.id
            WHERE d.account_id = r.account_id AND a.activity_kind <> 'note'
              AND a.occurred_at > %(now)s - interval '120 days'
        ) x
    ), counted AS (
        SELECT account_id,
               count(*) FILTER (WHERE occurred_at > %(now)s - interval '30 days'
                                  AND occurred_at <= %(now)s) AS recent,
               count(*) FILTER (WHERE occurred_at <= %(now)s - interval '30 days') AS former,
               count(*) FILTER (WHERE occurred_at > %(now)s - interval '30 days' AND occurred_at <= %(now)s
                                  AND (direction = 'inbound' OR activity_kind = 'meeting')) AS theirs,
               count(*) FILTER (WHERE occurred_at > %(now)s - interval '45 days') AS lately,
               max(occurred_at) FILTER (WHERE occurred_at <= %(now)s) AS last_at,
               count(DISTINCT (occurred_at AT TIME ZONE 'UTC')::date) FILTER (
                   WHERE activity_kind = 'email' AND direction = 'outbound'
                     AND occurred_at <= %(working_days_ago_5)s
                     AND (heard_at IS NULL OR occurred_at > heard_at + interval '1 day')) AS attempts
        FROM gathered GROUP BY account_id
    ), told AS (
        SELECT r.*, n.recent, n.former, n.attempts, n.last_at,
               coalesce(n.former >= 10 AND n.recent * 9000 < n.former * 990 AND n.theirs = 0, false)
                   AS is_thinning,
               coalesce(n.attempts >= 2, false) AS is_unheard,
               coalesce(n.last_at IS NOT NULL AND n.lately = 0, false) AS is_silent
        FROM renewing r LEFT JOIN counted n USING (account_id)
    ), found AS (
        SELECT k.*,
               m.id AS mail_id, m.occurred_at AS mail_at, l.leaving_at,
               s.score_0_1::numeric(3, 2) AS score_0_1, s.score_0_1 >= 0.9 AS is_sure
        FROM told k
        LEFT JOIN predictions_score s ON s.prediction = 'renewal_risk' AND s.record_id = k.account_id
                                     AND s.is_latest AND s.score_0_1 >= 0.6
        LEFT JOIN LATERAL (
            SELECT a.id, a.occurred_at FROM crm_contact c JOIN crm_activity a ON a.contact_id = c.id
            WHERE c.account_id = k.account_id AND a.activity_kind = 'email' AND a.direction = 'inbound'
              AND a.occurred_at <= %(working_days_ago_5)s AND a.occurred_at > %(now)s - interval '30 days'
              AND lower(a.counterpart_address) !~
            '^(no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter)([+.@-]|$)'
              AND NOT EXISTS (SELECT 1 FROM crm_activity b
                              WHERE b.contact_id = c.id AND b.occurred_at > a.occurred_at
                                AND (b.activity_kind IN ('meeting', 'call')
                                     OR b.direction = 'outbound' AND b.activity_kind <> 'note'))
              AND NOT EXISTS (SELECT 1 FROM triggers_reading g
                              WHERE g.activity_id = a.id AND (g.needs_no_answer OR g.asks_to_wait))
            ORDER BY a.occurred_at, a.id LIMIT 1
        ) m ON true
        CROSS JOIN LATERAL (
            SELECT max(a.occurred_at) AS leaving_at
            FROM crm_contact c JOIN crm_activity a ON a.contact_id = c.id
            JOIN triggers_reading g ON g.activity_id = a.id AND g.means_to_leave
            WHERE c.account_id = k.account_id AND a.direction = 'inbound'
              AND a.occurred_at > %(now)s - interval '120 days' AND a.occurred_at <= %(now)s
        ) l
    )
    SELECT f.account_id AS id,
           jsonb_build_object('contract_id', f.id, 'renews_on', f.renews_on,
                              'recent_count', CASE WHEN is_thinning THEN recent END,
                              'former_count', CASE WHEN is_thinning THEN former END,
                              'outbound_count', CASE WHEN is_unheard THEN attempts END,
                              'last_activity_at', CASE WHEN is_silent THEN last_at END,
                              'unanswered_id', mail_id, 'unanswered_at', mail_at,
                              'leaving_at', leaving_at, 'score_0_1', score_0_1,
                              'revision', a.revision) AS facts
    FROM found f JOIN crm_account a ON a.id = f.account_id
    WHERE is_silent OR is_thinning AND is_unheard OR leaving_at IS NOT NULL OR is_sure
       OR score_0_1 IS NOT NULL AND (is_thinning OR is_unheard OR mail_id IS NOT NULL)
    """,
    trigger="account_at_risk",
    goal="keep_account",
    kind="account",
    severity=3,
    parameters='{"ahead_days": 90, "recent_days": 30, "past_days": 90, "percent": 33, "past_count": 10,'
    ' "quiet_days": 45, "reply_working_days": 5, "score_percent": 60, "sure_percent": 90}',
)
