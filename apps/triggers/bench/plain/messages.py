"""Triggers about messages that came in, by hand."""

from __future__ import annotations

from apps.triggers.bench.plain.writing import NO_LATER_WORD, note_of_step, statement

INBOUND_FROM_UNKNOWN_SENDER = statement(
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


def _without_answer(record: str, joined: str, unless: str) -> str:
    """Mails about one kind of record, which is a short way through its own index."""
    return f"""
        SELECT m.*, r.revision AS about_revision
        FROM mail m JOIN {joined}
        WHERE {unless} r.id = m.{record}
          AND NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.{record} = m.{record} AND b.occurred_at >= m.occurred_at
                            AND (b.occurred_at > m.occurred_at OR b.id > m.id)
                            AND (b.activity_kind <> 'note' OR {note_of_step("b", "m")}))
          AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.{record} = m.{record} AND t.status = 'open'
                          AND t.created_at >= m.occurred_at)
    """  # noqa: S608 - names of our own


EMAIL_UNANSWERED = statement(
    f"""
    WITH mail AS (
        SELECT id, occurred_at, opportunity_id, lead_id, contact_id, revision FROM crm_activity
        WHERE activity_kind = 'email' AND direction = 'inbound'
          AND occurred_at <= %(working_days_ago_2)s AND occurred_at > %(now)s - interval '30 days'
          AND lower(counterpart_address) !~
            '^(no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter)([+.@-]|$)'
    ), found AS (
        {_without_answer("opportunity_id", "crm_opportunity r ON r.outcome = 'open'", "")}
        UNION ALL
        {
        _without_answer(
            "lead_id",
            "crm_lead r ON NOT r.do_not_contact AND r.status IN ('new', 'working', 'qualified')",
            "m.opportunity_id IS NULL AND",
        )
    }
        UNION ALL
        {
        _without_answer(
            "contact_id",
            "crm_contact r ON NOT r.do_not_contact",
            "m.opportunity_id IS NULL AND m.lead_id IS NULL AND",
        )
    }
    )
    SELECT id, jsonb_build_object('occurred_at', occurred_at, 'opportunity_id', opportunity_id,
                                  'lead_id', lead_id, 'contact_id', contact_id, 'revision', revision,
                                  'about_revision', about_revision) AS facts
    FROM found f
    WHERE NOT EXISTS (SELECT 1 FROM triggers_reading h
                      WHERE h.activity_id = f.id AND (h.needs_no_answer OR h.asks_to_wait))
      AND {NO_LATER_WORD}
    """,  # noqa: S608 - names of our own
    trigger="email_unanswered",
    goal="answer_message",
    kind="activity",
    severity=2,
    parameters='{"reply_working_days": 2, "window_days": 30}',
)


def _after_silence(record: str, joined: str, unless: str) -> str:
    """Messages about one kind of record; the contact before is looked up backwards."""
    return f"""
        SELECT m.*, r.revision AS about_revision, f.occurred_at AS former_at
        FROM message m JOIN {joined} CROSS JOIN LATERAL (
            SELECT b.occurred_at FROM crm_activity b
            WHERE b.{record} = m.{record} AND b.occurred_at <= m.occurred_at
              AND (b.occurred_at < m.occurred_at OR b.id < m.id) AND b.activity_kind <> 'note'
            ORDER BY b.occurred_at DESC LIMIT 1
        ) f
        WHERE {unless} r.id = m.{record} AND f.occurred_at <= m.occurred_at - interval '60 days'
          AND NOT EXISTS (SELECT 1 FROM crm_activity b
                          WHERE b.{record} = m.{record} AND b.occurred_at >= m.occurred_at
                            AND (b.occurred_at > m.occurred_at OR b.id > m.id)
                            AND (b.activity_kind IN ('meeting', 'call')
                                 OR b.activity_kind <> 'note' AND b.direction = 'outbound'
                                 OR {note_of_step("b", "m")}))
          AND NOT EXISTS (SELECT 1 FROM crm_task t WHERE t.{record} = m.{record} AND t.status = 'open'
                          AND t.created_at >= m.occurred_at)
    """  # noqa: S608 - names of our own


NEW_ACTIVITY = statement(
    f"""
    WITH message AS (
        SELECT id, occurred_at, opportunity_id, lead_id, contact_id, revision FROM crm_activity
        WHERE direction = 'inbound' AND activity_kind <> 'note'
          AND occurred_at <= %(now)s AND occurred_at > %(now)s - interval '7 days'
          AND lower(counterpart_address) !~
            '^(no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter)([+.@-]|$)'
    ), found AS (
        {_after_silence("opportunity_id", "crm_opportunity r ON true", "")}
        UNION ALL
        {
        _after_silence(
            "lead_id", "crm_lead r ON NOT r.do_not_contact", "m.opportunity_id IS NULL AND"
        )
    }
        UNION ALL
        {
        _after_silence(
            "contact_id",
            "crm_contact r ON NOT r.do_not_contact",
            "m.opportunity_id IS NULL AND m.lead_id IS NULL AND",
        )
    }
    )
    SELECT id, jsonb_build_object('occurred_at', occurred_at, 'opportunity_id', opportunity_id,
                                  'lead_id', lead_id, 'contact_id', contact_id, 'revision', revision,
                                  'about_revision', about_revision, 'former_activity_at', former_at) AS facts
    FROM found
    """,  # noqa: S608 - names of our own
    trigger="new_activity",
    goal="answer_message",
    kind="activity",
    severity=3,
    parameters='{"window_days": 7, "dormant_days": 60}',
)
