"""What happens with customers in the measured company: contracts, people who own tasks, odd contacts.

Every account has a contract, half of them running. One account of eight has heard nothing for ten weeks.
Every hundredth contact is one of four sorts: written to without an answer, in touch more than before, less
than before, or all along.
"""

from __future__ import annotations

PEOPLE = 40

CUSTOMERS = (
    """
    INSERT INTO users_user (username, password, is_superuser, first_name, last_name, email, is_staff,
                            is_active, date_joined, time_zone)
    SELECT 'bench-' || i, '', false, 'Rep', 'Number ' || i, '', false, true, %(now)s, ''
    FROM generate_series(1, %(people)s) i
    ON CONFLICT (username) DO NOTHING
    """,
    # One task of eleven is about an account.
    """
    UPDATE crm_task t SET owner_id = p.ids[1 + t.id %% %(people)s],
           lead_id = CASE WHEN t.id %% 11 > 0 THEN lead_id END,
           opportunity_id = CASE WHEN t.id %% 11 > 0 THEN opportunity_id END,
           account_id = CASE WHEN t.id %% 11 = 0 THEN 1 + t.id * 7919::bigint %% %(accounts)s END
    FROM (SELECT array_agg(id ORDER BY id) AS ids FROM users_user WHERE username LIKE 'bench-%%') p
    """,
    """
    INSERT INTO crm_contract (source, external_id, attributes, account_id, name, value, currency, starts_on,
                              renews_on, outcome)
    SELECT '', '', '{}', account, 'Contract ' || i, 1000 + i %% 9000, 'USD', renews_on - 365, renews_on,
           CASE WHEN is_running THEN 'open' WHEN i %% 3 = 0 THEN 'churned' ELSE 'renewed' END
    FROM (
        SELECT i, 1 + i * 104729::bigint %% %(accounts)s AS account, i / 2 %% 2 = 0 AS is_running,
               (%(now)s + (i * 7919::bigint %% 365 - CASE WHEN i / 2 %% 2 = 0 THEN 0 ELSE 400 END)
                          * interval '1 day')::date AS renews_on
        FROM generate_series(1, %(accounts)s) i
    ) made
    """,
    """
    UPDATE crm_activity a SET occurred_at = a.occurred_at - interval '70 days'
    FROM crm_opportunity d WHERE d.id = a.opportunity_id AND d.account_id %% 8 = 0
    """,
    """
    UPDATE crm_activity a SET occurred_at = a.occurred_at - interval '70 days'
    FROM crm_contact c WHERE c.id = a.contact_id AND c.account_id %% 8 = 0 AND a.opportunity_id IS NULL
    """,
    # Written to in the last weeks; in touch since a fortnight; in touch until a fortnight ago; all along.
    """
    INSERT INTO crm_activity (source, external_id, attributes, activity_kind, direction, occurred_at, subject,
                              body, contact_id, counterpart_address, counterpart_name, delivery,
                              stated_details)
    SELECT '', '', '{}', 'email', CASE WHEN sort > 0 AND n %% 2 = 0 THEN 'inbound' ELSE 'outbound' END,
           %(now)s - (CASE sort WHEN 0 THEN 4 + n * 3
                                WHEN 1 THEN n + CASE WHEN n > 10 THEN 20 ELSE 0 END
                                WHEN 2 THEN 15 + n * 3 ELSE n * 4 END
                      + contact %% 24 / 24.0) * interval '1 day',
           'Message', '', contact, '', '', 'unknown', '{}'
    FROM (SELECT i * 100 - 7 AS contact, i %% 4 AS sort FROM generate_series(1, %(contacts)s / 100) i) odd
    CROSS JOIN generate_series(1, 14) n
    """,
    """
    UPDATE crm_account r SET last_activity_at = a.at
    FROM (SELECT coalesce(a.account_id, c.account_id, d.account_id) AS id, max(a.occurred_at) AS at
          FROM crm_activity a
          LEFT JOIN crm_contact c ON c.id = a.contact_id
          LEFT JOIN crm_opportunity d ON d.id = a.opportunity_id
          WHERE a.activity_kind <> 'note' GROUP BY 1) a
    WHERE a.id = r.id
    """,
)
