"""Triggers about calls and meetings, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import statement

# One branch for each subject, so that each is a short way through its own index.
FOLLOWUP_MISSING = statement(
    """
    WITH talk AS (
        SELECT id, occurred_at, opportunity_id, lead_id, contact_id, revision FROM crm_activity
        WHERE activity_kind IN ('meeting', 'call') AND NOT (activity_kind = 'call' AND direction = 'none')
          AND occurred_at <= %(working_days_ago_2)s AND occurred_at > %(now)s - interval '14 days'
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
    parameters='{"grace_working_days": 2, "window_days": 14}',
)
