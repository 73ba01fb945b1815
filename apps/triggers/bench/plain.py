"""The six triggers as one would write them by hand: the baseline of the scan's measure.

Each statement reads, fires, refreshes and clears in one go, with the same indexes and the same rows in the
end. ``%(now)s`` is the moment, ``%(today)s`` the day in the tenant's zone; the numbers are the default
parameters.
"""

from __future__ import annotations

_WRITE = """,
written AS (
    INSERT INTO triggers_signal AS s
        (trigger, goal, record_kind, record_id, severity, facts, parameters, fired_at, refreshed_at)
    SELECT {signal}, m.id, {severity}, m.facts, '{parameters}', %(now)s, %(now)s FROM m
    ON CONFLICT (trigger, record_id) WHERE cleared_at IS NULL
    DO UPDATE SET facts = excluded.facts, refreshed_at = excluded.refreshed_at
        WHERE s.facts <> excluded.facts
    RETURNING 1
), cleared AS (
    UPDATE triggers_signal s SET cleared_at = %(now)s
    WHERE s.trigger = '{trigger}' AND s.cleared_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM m WHERE m.id = s.record_id)
    RETURNING 1
)
SELECT (SELECT count(*) FROM m), (SELECT count(*) FROM written), (SELECT count(*) FROM cleared)
"""


def _statement(
    matching: str, *, trigger: str, goal: str, kind: str, severity: int, parameters: str
) -> str:
    signal = f"'{trigger}', '{goal}', '{kind}'"
    write = _WRITE.format(signal=signal, severity=severity, parameters=parameters, trigger=trigger)
    return f"WITH m AS MATERIALIZED ({matching}){write}"


LEAD_INACTIVE = _statement(
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

DEAL_STALLED = _statement(
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

TASK_OVERDUE = _statement(
    """
    SELECT id, jsonb_build_object('due_on', due_on, 'revision', revision) AS facts
    FROM crm_task WHERE status = 'open' AND due_on <= %(today)s::date - 3
    """,
    trigger="task_overdue",
    goal="clear_task",
    kind="task",
    severity=2,
    parameters='{"grace_days": 2}',
)

# One branch for each subject, so that each is a short way through its own index.
FOLLOWUP_MISSING = _statement(
    """
    WITH talk AS (
        SELECT id, occurred_at, opportunity_id, lead_id, contact_id, revision FROM crm_activity
        WHERE activity_kind IN ('meeting', 'call') AND NOT (activity_kind = 'call' AND direction = 'none')
          AND occurred_at <= %(now)s - interval '3 days' AND occurred_at > %(now)s - interval '14 days'
    ), found AS (
        SELECT a.*, d.revision AS about_revision
        FROM talk a JOIN crm_opportunity d ON d.id = a.opportunity_id AND d.outcome = 'open'
        WHERE NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.opportunity_id = a.opportunity_id AND b.occurred_at >= a.occurred_at
                            AND (b.occurred_at > a.occurred_at OR b.id > a.id) AND b.activity_kind <> 'note')
          AND NOT EXISTS (SELECT 1 FROM crm_task t
                          WHERE t.opportunity_id = a.opportunity_id AND t.status = 'open')
        UNION ALL
        SELECT a.*, l.revision
        FROM talk a JOIN crm_lead l ON l.id = a.lead_id AND NOT l.do_not_contact
                                   AND l.status IN ('new', 'working', 'qualified')
        WHERE a.opportunity_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.lead_id = a.lead_id AND b.occurred_at >= a.occurred_at
                            AND (b.occurred_at > a.occurred_at OR b.id > a.id) AND b.activity_kind <> 'note')
          AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.lead_id = a.lead_id AND t.status = 'open')
        UNION ALL
        SELECT a.*, c.revision
        FROM talk a JOIN crm_contact c ON c.id = a.contact_id AND NOT c.do_not_contact
        WHERE a.opportunity_id IS NULL AND a.lead_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.contact_id = a.contact_id AND b.occurred_at >= a.occurred_at
                            AND (b.occurred_at > a.occurred_at OR b.id > a.id) AND b.activity_kind <> 'note')
          AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.contact_id = a.contact_id AND t.status = 'open')
    )
    SELECT id, jsonb_build_object('occurred_at', occurred_at, 'opportunity_id', opportunity_id,
                                  'lead_id', lead_id, 'contact_id', contact_id, 'revision', revision,
                                  'about_revision', about_revision) AS facts
    FROM found
    """,
    trigger="followup_missing",
    goal="plan_next_step",
    kind="activity",
    severity=3,
    parameters='{"grace_days": 3, "window_days": 14}',
)

INBOUND_FROM_UNKNOWN_SENDER = _statement(
    """
    WITH sender AS (
        SELECT DISTINCT lower(counterpart_address) AS address FROM crm_activity
        WHERE direction = 'inbound' AND lead_id IS NULL AND contact_id IS NULL AND account_id IS NULL
          AND opportunity_id IS NULL AND occurred_at <= %(now)s
          AND occurred_at > %(now)s - interval '30 days'
    )
    SELECT a.id, jsonb_build_object('address', a.counterpart_address, 'occurred_at', a.occurred_at,
                                    'revision', a.revision) AS facts
    FROM sender s CROSS JOIN LATERAL (
        SELECT id, counterpart_address, occurred_at, revision FROM crm_activity
        WHERE lower(counterpart_address) = s.address AND direction = 'inbound' AND lead_id IS NULL
          AND contact_id IS NULL AND account_id IS NULL AND opportunity_id IS NULL
          AND occurred_at <= %(now)s
        ORDER BY occurred_at, id LIMIT 1
    ) a
    WHERE s.address LIKE '%%@%%'
      AND s.address !~
          '^(no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter)([+.@-]|$)'
      AND NOT EXISTS (SELECT 1 FROM crm_lead l WHERE lower(l.email) = s.address)
      AND NOT EXISTS (SELECT 1 FROM crm_contact c WHERE lower(c.email) = s.address)
    """,
    trigger="inbound_from_unknown_sender",
    goal="identify_sender",
    kind="activity",
    severity=3,
    parameters='{"window_days": 30}',
)

CONTACT_DETAIL_CONFLICT = _statement(
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

STATEMENTS: dict[str, str] = {
    "contact_detail_conflict": CONTACT_DETAIL_CONFLICT,
    "deal_stalled": DEAL_STALLED,
    "followup_missing": FOLLOWUP_MISSING,
    "inbound_from_unknown_sender": INBOUND_FROM_UNKNOWN_SENDER,
    "lead_inactive": LEAD_INACTIVE,
    "task_overdue": TASK_OVERDUE,
}
