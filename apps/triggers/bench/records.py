"""Records to scan, made by the database itself: a company of any size with two years behind it.

Shares are those of a working CRM: four of ten leads and one of five deals are open, most of what is open was
touched lately, every fifth open record has an open task, one mail of twenty comes from a stranger, one of
twenty inbound mails is signed. Numbers are spread by multiplication with primes, so that the same size always
gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.triggers.bench.customers import CUSTOMERS, PEOPLE
from apps.triggers.bench.histories import HISTORIES
from apps.triggers.bench.pairs import PAIRS

_TABLES = (
    "triggers_signal", "triggers_reading", "duplicates_pair", "predictions_score", "crm_changelog",
    "crm_activity", "crm_task", "crm_opportunity", "crm_contact", "crm_contract", "crm_lead", "crm_account",
)  # fmt: skip

_STATEMENTS = (
    """
    INSERT INTO crm_account (id, source, external_id, attributes, name, website, sector, location, phone,
                             notes, currency)
    OVERRIDING SYSTEM VALUE
    SELECT i, '', '', '{}', 'Company ' || i, '', '', '', '', '', 'USD' FROM generate_series(1, %(accounts)s) i
    """,
    """
    INSERT INTO crm_contact (id, source, external_id, attributes, account_id, first_name, last_name,
                             title, email, email_status, phone, do_not_contact, notes, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT i, '', '', '{}', 1 + i %% %(accounts)s, 'Casey', 'Contact' || i, 'Buyer',
           'contact' || i || '@company' || (1 + i %% %(accounts)s) || '.example', 'unknown',
           '+1 555 ' || lpad(i::text, 7, '0'), i %% 50 = 0, '', %(now)s - interval '2 years'
    FROM generate_series(1, %(contacts)s) i
    """,
    """
    INSERT INTO crm_lead (id, source, external_id, attributes, first_name, last_name, company, title, email,
                          phone, status, lead_source, estimated_value, currency, do_not_contact, notes,
                          created_at)
    OVERRIDING SYSTEM VALUE
    SELECT i, '', '', '{}', 'Lee', 'Lead' || i, 'Lead Works ' || i %% 5000, '',
           'lead' || i || '@leads.example', '',
           (ARRAY['new', 'working', 'working', 'qualified', 'unqualified', 'unqualified', 'unqualified',
                      'converted', 'converted', 'converted'])[1 + i %% 10],
           'Web form', (i * 7919::bigint) %% 20000, 'USD', i %% 50 = 0, '',
           %(now)s - (i * 104729::bigint %% 730) * interval '1 day'
    FROM generate_series(1, %(leads)s) i
    """,
    """
    INSERT INTO crm_opportunity (id, source, external_id, attributes, name, account_id, contact_id, stage_id,
                                 stage_entered_at, amount, currency, expected_close_on, next_step,
                                 lost_reason, notes, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT i, '', '', '{}', 'Deal ' || i, 1 + i %% %(accounts)s, 1 + i %% %(contacts)s, s.id,
           %(now)s - (i * 7919::bigint %% CASE WHEN s.outcome = 'open' THEN 120 ELSE 730 END)
                     * interval '1 day',
           (i * 104729::bigint) %% 50000, 'USD',
           (%(now)s + (i * 7919::bigint %% 150 - 15) * interval '1 day')::date,
           '', '', '', %(now)s - interval '730 days'
    FROM generate_series(1, %(deals)s) i
    JOIN crm_stage s ON s.key = (ARRAY['engaging', 'proposal', 'won', 'won', 'won', 'won', 'lost', 'lost',
                                       'lost', 'lost'])[1 + i %% 10]
    """,
    # Half of all activities concern leads, a third deals, the rest contacts and strangers; what is open was
    # mostly touched in the last two months.
    """
    INSERT INTO crm_activity (source, external_id, attributes, activity_kind, direction, occurred_at, subject,
                              body, lead_id, opportunity_id, contact_id, counterpart_address,
                              counterpart_name, delivery, stated_details, created_at)
    SELECT '', '', '{}', kind, direction,
           at,
           'Message ' || i, '',
           CASE WHEN share < 50 THEN 1 + i * 104729::bigint %% %(leads)s END,
           CASE WHEN share BETWEEN 50 AND 81 THEN 1 + i * 104729::bigint %% %(deals)s END,
           CASE WHEN share BETWEEN 82 AND 94 THEN person END,
           CASE WHEN share BETWEEN 82 AND 94
                THEN 'contact' || person || '@company' || (1 + person %% %(accounts)s) || '.example'
                WHEN share >= 95 THEN 'stranger' || i %% 20000 || '@elsewhere.example' ELSE '' END,
           '',
           CASE WHEN kind = 'email' AND direction = 'outbound' AND i %% 97 = 0 THEN 'bounced'
                ELSE 'unknown' END,
           CASE WHEN share BETWEEN 82 AND 94 AND kind = 'email' AND direction = 'inbound' AND i %% 20 < 4
                THEN jsonb_build_object('phone',
                     '+1 555 ' || lpad((person + CASE WHEN i %% 7 = 0 THEN 1 ELSE 0 END)::text, 7, '0'))
                ELSE '{}' END,
           at
    FROM (
        SELECT i, i * 31 %% 100 AS share,
               %(now)s - (CASE WHEN i %% 3 = 0 THEN i * 7919::bigint %% 86400
                               ELSE i * 7919::bigint %% 1051200 END) * interval '1 minute' AS at,
               1 + i * 104729::bigint %% %(contacts)s AS person,
               (ARRAY['email', 'email', 'email', 'email', 'email', 'email', 'call', 'call', 'meeting',
                      'note'])[1 + i * 17 %% 10] AS kind,
               CASE WHEN i * 31 %% 100 >= 95 OR i %% 2 = 0 THEN 'inbound' ELSE 'outbound' END AS direction
        FROM generate_series(1, %(activities)s) i
    ) made
    """,
    # One contact of four hundred was called every third day for months, and then no more.
    """
    INSERT INTO crm_activity (source, external_id, attributes, activity_kind, direction, occurred_at, subject,
                              body, contact_id, counterpart_address, counterpart_name, delivery,
                              stated_details, created_at)
    SELECT '', '', '{}', 'call', 'outbound', at, 'Call', '', id, '', '', 'unknown', '{}', at
    FROM crm_contact, generate_series(%(now)s - interval '180 days', %(now)s - interval '42 days',
                                      interval '3 days') at
    WHERE id %% 400 = 1
    """,
    # Three of four talks about a deal are held with its own contact.
    """
    UPDATE crm_activity SET contact_id = 1 + (opportunity_id + (id %% 4 = 0)::int) %% %(contacts)s
    WHERE opportunity_id IS NOT NULL
    """,
    """
    INSERT INTO crm_task (source, external_id, attributes, title, description, due_on, status, priority,
                          lead_id, opportunity_id)
    SELECT '', '', '{}', 'Task ' || i, '',
           (%(now)s + (i * 7919::bigint %% 60 - 55) * interval '1 day')::date,
           CASE WHEN i %% 5 = 0 THEN 'open' ELSE 'done' END, 1 + i %% 4,
           CASE WHEN i %% 2 = 0 THEN 1 + i * 104729::bigint %% %(leads)s END,
           CASE WHEN i %% 2 = 1 THEN 1 + i * 104729::bigint %% %(deals)s END
    FROM generate_series(1, %(tasks)s) i
    """,
    *CUSTOMERS,
    """
    UPDATE crm_lead r SET last_activity_at = a.at
    FROM (SELECT lead_id AS id, max(occurred_at) AS at FROM crm_activity
          WHERE activity_kind <> 'note' GROUP BY lead_id) a
    WHERE a.id = r.id
    """,
    """
    UPDATE crm_opportunity r SET last_activity_at = a.at
    FROM (SELECT opportunity_id AS id, max(occurred_at) AS at FROM crm_activity
          WHERE activity_kind <> 'note' GROUP BY opportunity_id) a
    WHERE a.id = r.id
    """,
    """
    UPDATE crm_contact r SET last_activity_at = a.at
    FROM (SELECT contact_id AS id, max(occurred_at) AS at FROM crm_activity
          WHERE activity_kind <> 'note' GROUP BY contact_id) a
    WHERE a.id = r.id
    """,
    *HISTORIES,
    *PAIRS,
    # One activity of twenty says something: most often that it needs no answer, seldom that somebody wants to
    # buy, a note that a step was taken, and one of a hundred talks and mails promises a day within the next
    # weeks.
    """
    INSERT INTO triggers_reading (activity_id, tells_of_step, promised_on, asks_to_buy, means_to_leave,
                                  asks_to_wait, needs_no_answer)
    SELECT id, activity_kind = 'note',
           CASE WHEN id %% 100 = 0 THEN (occurred_at + (id / 100 %% 28) * interval '1 day')::date END,
           id %% 100 = 20, id %% 200 = 40, id %% 100 = 60, id %% 100 = 80
    FROM crm_activity WHERE id %% 20 = 0
    """,
)

_INDEXES = """
SELECT 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = %(schema)s::regnamespace AND t.relname = ANY(%(tables)s)
  AND NOT i.indisunique AND NOT i.indisexclusion
ORDER BY i.indexrelid
"""
_REFERENCES = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', t.oid::regclass, c.conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', t.oid::regclass, c.conname,
              pg_get_constraintdef(c.oid))
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
WHERE c.contype = 'f' AND t.relnamespace = %(schema)s::regnamespace AND t.relname = ANY(%(tables)s)
ORDER BY c.oid
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many records of each kind; what is not given follows from leads."""

    leads: int
    activities: int
    deals: int | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows by table."""
        return {
            "leads": self.leads,
            "activities": self.activities,
            "accounts": self.leads // 10,
            "contacts": self.leads // 2,
            "deals": self.deals or self.leads // 4,
            "tasks": self.leads // 2,
        }


def fill(cursor: Any, schema: str, size: Size, now: datetime) -> None:
    """Replace all records of ``schema``. The cursor belongs to its owner, who may truncate and analyse."""
    cursor.execute(f'SET search_path = "{schema}", public')
    cursor.execute(f"TRUNCATE {', '.join(_TABLES)} CASCADE")
    with _bare_tables(cursor, schema):
        for statement in _STATEMENTS:
            cursor.execute(statement, {**size.counts, "people": PEOPLE, "now": now})
    for table in _TABLES:
        cursor.execute(f"VACUUM (ANALYZE) {table}")


@contextmanager
def _bare_tables(cursor: Any, schema: str) -> Iterator[None]:
    """Without what takes most of the time of millions of rows: indexes that only find rows, and references.

    They are made again at the end, in one go each. What activities leave on other records is set at once.
    """
    taken: list[tuple[str, str]] = []
    for question in (_INDEXES, _REFERENCES):
        cursor.execute(question, {"schema": schema, "tables": [*_TABLES]})
        taken += cursor.fetchall()
    for drop, _ in taken:
        cursor.execute(drop)
    cursor.execute("ALTER TABLE crm_activity DISABLE TRIGGER USER")
    try:
        yield
    finally:
        cursor.execute("ALTER TABLE crm_activity ENABLE TRIGGER USER")
        cursor.execute("SET maintenance_work_mem = '256MB'")
        for _, make in taken:
            cursor.execute(make)
