"""Triggers about contacts, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

CONTACT_DETAIL_CONFLICT = statement(
    r"""
    WITH candidate AS (
        SELECT DISTINCT contact_id FROM crm_activity
        WHERE (stated_details <> '{}' OR delivery = 'bounced') AND contact_id IS NOT NULL
          AND occurred_at <= %(now)s AND occurred_at > %(now)s - interval '60 days'
    ), seen AS (
        SELECT c.id, c.phone, c.title, c.email, c.email_status, c.revision, m.id AS stating_id, m.occurred_at,
               coalesce(m.stated_details ->> 'phone', '') AS new_phone,
               coalesce(m.stated_details ->> 'title', '') AS new_title,
               coalesce(m.stated_details ->> 'email', '') AS new_email
        FROM candidate k JOIN crm_contact c ON c.id = k.contact_id
        LEFT JOIN LATERAL (
            SELECT a.id, a.occurred_at, a.stated_details FROM crm_activity a
            WHERE a.contact_id = c.id AND a.direction = 'inbound' AND a.stated_details <> '{}'
              AND a.occurred_at <= %(now)s AND a.occurred_at > %(now)s - interval '60 days'
            ORDER BY a.occurred_at DESC, a.id DESC LIMIT 1
        ) m ON true
    ), newer AS (
        SELECT s.*, b.id AS bounce_id,
               right(regexp_replace(new_phone, '\D', '', 'g'), 9)
                   NOT IN ('', right(regexp_replace(s.phone, '\D', '', 'g'), 9))
               AND NOT coalesce(h.phone, false) AS is_phone,
               lower(btrim(new_title)) NOT IN ('', lower(btrim(s.title)))
               AND NOT coalesce(h.title, false) AS is_title,
               lower(btrim(new_email)) NOT IN ('', lower(btrim(s.email)))
               AND NOT coalesce(h.email, false) AS is_email
        FROM seen s
        LEFT JOIN LATERAL (
            SELECT bool_or(changes ? 'phone') AS phone, bool_or(changes ? 'title') AS title,
                   bool_or(changes ? 'email') AS email
            FROM crm_changelog
            WHERE record_kind = 'contact' AND record_id = s.id AND operation = 'changed'
              AND changed_at > s.occurred_at
        ) h ON true
        LEFT JOIN LATERAL (
            SELECT a.id FROM crm_activity a
            WHERE a.contact_id = s.id AND a.activity_kind = 'email' AND a.delivery = 'bounced'
              AND s.email_status <> 'bounced' AND a.counterpart_address <> ''
              AND upper(a.counterpart_address) = upper(s.email)
              AND a.occurred_at <= %(now)s AND a.occurred_at > %(now)s - interval '60 days'
              AND NOT EXISTS (SELECT 1 FROM crm_activity r
                              WHERE r.contact_id = s.id AND r.direction = 'inbound'
                                AND upper(r.counterpart_address) = upper(a.counterpart_address)
                                AND r.occurred_at > a.occurred_at)
            ORDER BY a.occurred_at DESC, a.id DESC LIMIT 1
        ) b ON true
    )
    SELECT id, jsonb_build_object('phone', CASE WHEN is_phone THEN new_phone END,
                                  'title', CASE WHEN is_title THEN new_title END,
                                  'email', CASE WHEN is_email THEN new_email END,
                                  'stating_id', stating_id, 'bounce_id', bounce_id,
                                  'revision', revision) AS facts
    FROM newer WHERE is_phone OR is_title OR is_email OR bounce_id IS NOT NULL
    """,
    trigger="contact_detail_conflict",
    goal="correct_contact",
    kind="contact",
    severity=1,
    parameters='{"window_days": 60}',
)
