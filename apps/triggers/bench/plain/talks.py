"""Triggers about next steps, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import (
    NO_LATER_WORD,
    note_of_step,
    note_or_thanks,
    statement,
)

# One branch for each subject, so that each is a short way through its own index.
FOLLOWUP_MISSING = statement(
    f"""
    WITH talk AS (
        SELECT id, occurred_at, opportunity_id, lead_id, contact_id, revision FROM crm_activity
        WHERE activity_kind IN ('meeting', 'call') AND NOT (activity_kind = 'call' AND direction = 'none')
          AND occurred_at <= %(working_days_ago_2)s AND occurred_at > %(now)s - interval '30 days'
    ), found AS (
        SELECT a.*, d.revision AS about_revision
        FROM talk a JOIN crm_opportunity d ON d.id = a.opportunity_id AND d.outcome = 'open'
        WHERE NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.opportunity_id = a.opportunity_id AND b.occurred_at >= a.occurred_at
                            AND (b.occurred_at > a.occurred_at OR b.id > a.id)
                            AND (NOT {note_or_thanks("b")} OR {note_of_step("b", "a")}))
          AND NOT EXISTS (SELECT 1 FROM crm_task t
                          WHERE t.opportunity_id = a.opportunity_id
                          AND (t.status = 'open' OR t.completed_at >= a.occurred_at
                               AND t.created_at >= a.occurred_at))
        UNION ALL
        SELECT a.*, l.revision
        FROM talk a JOIN crm_lead l ON l.id = a.lead_id AND NOT l.do_not_contact
                                   AND l.status IN ('new', 'working', 'qualified')
        WHERE a.opportunity_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.lead_id = a.lead_id AND b.occurred_at >= a.occurred_at
                            AND (b.occurred_at > a.occurred_at OR b.id > a.id)
                            AND (NOT {note_or_thanks("b")} OR {note_of_step("b", "a")}))
          AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.lead_id = a.lead_id
                          AND (t.status = 'open' OR t.completed_at >= a.occurred_at
                               AND t.created_at >= a.occurred_at))
        UNION ALL
        SELECT a.*, c.revision
        FROM talk a JOIN crm_contact c ON c.id = a.contact_id AND NOT c.do_not_contact
        WHERE a.opportunity_id IS NULL AND a.lead_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.contact_id = a.contact_id AND b.occurred_at >= a.occurred_at
                            AND (b.occurred_at > a.occurred_at OR b.id > a.id)
                            AND (NOT {note_or_thanks("b")} OR {note_of_step("b", "a")}))
          AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.contact_id = a.contact_id
                          AND (t.status = 'open' OR t.completed_at >= a.occurred_at
                               AND t.created_at >= a.occurred_at))
    )
    SELECT id, jsonb_build_object('occurred_at', occurred_at, 'opportunity_id', opportunity_id,
                                  'lead_id', lead_id, 'contact_id', contact_id, 'revision', revision,
                                  'about_revision', about_revision) AS facts
    FROM found f
    WHERE NOT EXISTS (SELECT 1 FROM triggers_reading h
                      WHERE h.activity_id = f.id AND h.promised_on >= %(today)s::date)
      AND {NO_LATER_WORD}
    """,  # noqa: S608 - names of our own
    trigger="followup_missing",
    goal="plan_next_step",
    kind="activity",
    severity=3,
    parameters='{"grace_working_days": 2, "window_days": 30}',
)

PROMISE_DUE = statement(
    f"""
    WITH promised AS (
        SELECT a.id, a.occurred_at, a.opportunity_id, a.lead_id, a.contact_id, a.revision, h.promised_on
        FROM triggers_reading h JOIN crm_activity a ON a.id = h.activity_id
        WHERE h.promised_on < %(today)s::date AND h.promised_on >= %(today)s::date - 45
          AND a.occurred_at <= %(now)s AND a.occurred_at > %(now)s - interval '165 days'
    ), related AS (
        SELECT p.id, coalesce(d.revision, l.revision, c.revision) AS about_revision
        FROM promised p
        LEFT JOIN crm_opportunity d ON d.id = p.opportunity_id
        LEFT JOIN crm_lead l ON l.id = p.lead_id
        LEFT JOIN crm_contact c ON c.id = p.contact_id
        WHERE d.outcome = 'open'
           OR p.opportunity_id IS NULL AND NOT l.do_not_contact
              AND l.status IN ('new', 'working', 'qualified')
           OR p.opportunity_id IS NULL AND p.lead_id IS NULL AND NOT c.do_not_contact
    )
    SELECT f.id, jsonb_build_object('occurred_at', occurred_at, 'opportunity_id', opportunity_id,
                                    'lead_id', lead_id, 'contact_id', contact_id, 'revision', revision,
                                    'about_revision', about_revision, 'promised_on', promised_on) AS facts
    FROM promised f JOIN related USING (id)
    WHERE NOT EXISTS (
        SELECT 1 FROM crm_activity b
        WHERE (b.opportunity_id = f.opportunity_id OR f.opportunity_id IS NULL AND b.lead_id = f.lead_id
               OR coalesce(f.opportunity_id, f.lead_id) IS NULL AND b.contact_id = f.contact_id)
          AND (b.occurred_at, b.id) > (f.occurred_at, f.id)
          AND (NOT {note_or_thanks("b")} OR {note_of_step("b", "f")}
               OR b.activity_kind = 'note' AND b.occurred_at > f.occurred_at
                  AND (b.occurred_at AT TIME ZONE 'UTC')::date >= f.promised_on))
      AND NOT EXISTS (
        SELECT 1 FROM crm_task t
        WHERE (t.opportunity_id = f.opportunity_id OR f.opportunity_id IS NULL AND t.lead_id = f.lead_id
               OR coalesce(f.opportunity_id, f.lead_id) IS NULL AND t.contact_id = f.contact_id)
          AND (t.status = 'open'
               OR t.completed_at >= f.occurred_at AND t.created_at >= f.occurred_at))
      AND {NO_LATER_WORD}
    """,  # noqa: S608 - names of our own
    trigger="promise_due",
    goal="plan_next_step",
    kind="activity",
    severity=3,
    parameters='{"grace_working_days": 0, "window_days": 45}',
)
