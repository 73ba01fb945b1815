"""Triggers about how people respond, by hand: all activities of the window are counted at once."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

CONTACT_UNRESPONSIVE = statement(
    """
    WITH tried AS (
        SELECT contact_id,
               count(*) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting') AS attempts,
               max(occurred_at) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting')
                   AS last_at
        FROM crm_activity
        WHERE contact_id IS NOT NULL AND activity_kind <> 'note'
          AND occurred_at > %(now)s - interval '45 days'
        GROUP BY contact_id
        HAVING count(*) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting') >= 4
           AND count(*) FILTER (WHERE direction = 'inbound' OR activity_kind = 'meeting') = 0
           AND max(occurred_at) FILTER (WHERE direction = 'outbound' AND activity_kind <> 'meeting')
               <= %(now)s - interval '3 days'
    )
    SELECT c.id, jsonb_build_object(
        'outbound_count', t.attempts, 'last_outbound_at', t.last_at,
        'last_inbound_at', (SELECT max(a.occurred_at) FROM crm_activity a
                            WHERE a.contact_id = c.id AND a.direction = 'inbound'
                              AND a.activity_kind <> 'note'),
        'revision', c.revision) AS facts
    FROM tried t JOIN crm_contact c ON c.id = t.contact_id AND NOT c.do_not_contact
    WHERE NOT EXISTS (SELECT 1 FROM crm_task k WHERE k.contact_id = c.id AND k.status = 'open')
      AND (EXISTS (SELECT 1 FROM crm_opportunity d WHERE d.contact_id = c.id AND d.outcome = 'open')
           OR EXISTS (SELECT 1 FROM crm_opportunity d
                      WHERE d.account_id = c.account_id AND d.outcome = 'open'))
    """,
    trigger="contact_unresponsive",
    goal="reach_contact",
    kind="contact",
    severity=2,
    parameters='{"outbound_count": 4, "window_days": 45, "wait_days": 3}',
)

ENGAGEMENT_SHIFT = statement(
    """
    WITH counted AS (
        SELECT contact_id, count(*) FILTER (WHERE occurred_at > %(now)s - interval '14 days') AS recent,
               count(*) FILTER (WHERE occurred_at <= %(now)s - interval '14 days') AS former,
               min(occurred_at) <= %(now)s - interval '42 days' AS is_known
        FROM crm_activity
        WHERE contact_id IS NOT NULL AND activity_kind <> 'note'
          AND occurred_at > %(now)s - interval '70 days' AND occurred_at <= %(now)s
        GROUP BY contact_id
    ), shifted AS (
        SELECT *, recent >= 4 AND is_known AND recent * 5600 >= former * 5600 AS is_rise
        FROM counted
        WHERE recent >= 4 AND is_known AND recent * 5600 >= former * 5600
           OR former >= 12 AND recent * 5600 <= former * 280
    )
    SELECT c.id, jsonb_build_object('direction', CASE WHEN is_rise THEN 'rise' ELSE 'fall' END,
                                    'recent_count', recent, 'former_count', former,
                                    'revision', c.revision) AS facts
    FROM shifted s JOIN crm_contact c ON c.id = s.contact_id AND NOT c.do_not_contact
    """,
    trigger="engagement_shift",
    goal="look_into_change",
    kind="contact",
    severity=1,
    parameters='{"recent_days": 14, "past_days": 56, "rise_percent": 400, "min_count": 4, "fall_percent": 20,'
    ' "past_count": 12}',
)
