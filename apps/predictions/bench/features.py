"""A company of many leads to read features of, and what the reading costs beside its SQL alone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from apps.predictions.enums import Prediction
from apps.predictions.features import Chunk, FeatureSet, feature_set, read_rows
from apps.predictions.features.reading import CHUNK_ROWS, SUBJECTS
from apps.predictions.features.subjects import Asking
from apps.tenants.connections import tenant_connection

PAGE_ROWS = CHUNK_ROWS
PEOPLE = 40

_TABLES = (
    "crm_lead", "crm_activity", "crm_task", "crm_changelog", "crm_customfield", "predictions_score",
)  # fmt: skip
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s AND indexdef LIKE %s"

# Numbers are spread by multiplication with primes, so that the same size always gives the same rows.
_STATEMENTS = (
    """
    INSERT INTO users_user (username, password, is_superuser, first_name, last_name, email, is_staff,
                            is_active, date_joined, time_zone)
    SELECT 'reader-' || i, '', false, 'Rep', 'Number ' || i, '', false, true, %(now)s, ''
    FROM generate_series(1, %(people)s) i
    ON CONFLICT (username) DO NOTHING
    """,
    """
    INSERT INTO crm_customfield (record_kind, key, label, field_type, choices, position, is_active)
    VALUES ('lead', 'seats', 'Seats', 'number', '[]', 1, true),
           ('lead', 'tier', 'Tier', 'choice', '["gold", "silver"]', 2, true),
           ('lead', 'is_partner', 'Partner', 'boolean', '[]', 3, true)
    """,
    """
    INSERT INTO crm_lead (id, source, external_id, attributes, first_name, last_name, company, title, email,
                          phone, status, lead_source, estimated_value, currency, do_not_contact, notes,
                          created_at, owner_id)
    OVERRIDING SYSTEM VALUE
    SELECT i, '', '',
           jsonb_build_object('seats', i %% 90, 'tier', (ARRAY['gold', 'silver'])[1 + i %% 2],
                              'is_partner', i %% 7 = 0),
           'Lee', 'Lead' || i, 'Lead Works ' || i %% 5000, (ARRAY['', 'CFO', 'Buyer'])[1 + i %% 3],
           'lead' || i || '@leads.example', (ARRAY['', '+1 555'])[1 + i %% 2],
           (ARRAY['new', 'working', 'qualified'])[1 + i %% 3],
           (ARRAY['Web form', 'Event', 'Referral', ''])[1 + i * 31 %% 4],
           (i * 7919::bigint) %% 20000, 'USD', i %% 50 = 0, '',
           %(now)s - (i * 104729::bigint %% 400) * interval '1 day',
           p.ids[1 + i %% %(people)s]
    FROM generate_series(1, %(leads)s) i
    CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM users_user WHERE username LIKE 'reader-%%') p
    """,
    # None to six of each lead, most of them of the last months; written in the order in which they happened.
    """
    INSERT INTO crm_activity (source, external_id, attributes, activity_kind, direction, occurred_at, subject,
                              body, lead_id, counterpart_address, counterpart_name, delivery, stated_details)
    SELECT '', '', '{}',
           (ARRAY['email', 'email', 'email', 'email', 'call', 'meeting', 'note'])[1 + (lead * 13 + n) %% 7],
           (ARRAY['inbound', 'outbound', 'outbound'])[1 + (lead * 7 + n) %% 3],
           at, 'Message ' || n, '', lead, '', '', 'unknown', '{}'
    FROM (
        SELECT lead, n, %(now)s - ((lead * 7919::bigint + n * 50021::bigint) %% 172800)
                                  * interval '1 minute' AS at
        FROM generate_series(1, %(leads)s) lead CROSS JOIN LATERAL generate_series(1, lead %% 7) n
    ) made ORDER BY at
    """,
    """
    INSERT INTO crm_task (source, external_id, attributes, title, description, status, priority, lead_id)
    SELECT '', '', '{}', 'Task ' || i, '', CASE WHEN i %% 3 = 0 THEN 'open' ELSE 'done' END, 2,
           1 + i * 104729::bigint %% %(leads)s
    FROM generate_series(1, %(leads)s / 2) i
    """,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How long it took to read a number of records, page by page."""

    rows: int
    seconds: float


def fill(leads: int, now: datetime) -> None:
    """Replace the records of the tenant's schema by so many open leads, three activities each on average."""
    with _owner() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(_TABLES)} CASCADE")
        cursor.execute(_INDEXES, [tenant_connection().schema_name, "%USING gin%"])
        search_indexes = cursor.fetchall()
        for name, _ in search_indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for table in ("crm_lead", "crm_activity", "crm_task"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in _STATEMENTS:
            cursor.execute(statement, {"leads": leads, "people": PEOPLE, "now": now})
        for table in ("crm_lead", "crm_activity", "crm_task"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for _, definition in search_indexes:
            cursor.execute(definition)
        for table in _TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")


def pages(prediction: Prediction, now: datetime) -> Iterator[Chunk]:
    """Everybody who is asked about, page by page, as a scoring of all reads them."""
    features, after_id = feature_set(prediction), 0
    while True:
        page = read_rows(prediction, now, after_id=after_id, limit=PAGE_ROWS, features=features)
        if not page.ids:
            return
        yield page
        after_id = page.ids[-1]


def read_all(prediction: Prediction, now: datetime) -> Reading:
    """Read everybody and let go of each page."""
    began = time.perf_counter()
    rows = sum(len(page.ids) for page in pages(prediction, now))
    return Reading(rows, time.perf_counter() - began)


def run_bare(prediction: Prediction, now: datetime, rows: int) -> Reading:
    """The same statements with nothing sent: what the database itself takes."""
    features, seconds = feature_set(prediction), 0.0
    statement = SUBJECTS[prediction].statement(Asking.PRESENT, features.features)
    for after_id in range(0, rows, PAGE_ROWS):
        seconds += _executed_s(statement, {"moment": now, "after_id": after_id, "limit": PAGE_ROWS})
    return Reading(rows, seconds)


def plan_of(
    prediction: Prediction, asking: Asking, params: dict[str, Any], features: FeatureSet
) -> str:
    """How the database goes about a page."""
    statement = SUBJECTS[prediction].statement(asking, features.features)
    with connection.cursor() as cursor:
        cursor.execute(_explained("ANALYZE, BUFFERS", statement), params)
        return "\n".join(line for (line,) in cursor.fetchall())


def _executed_s(statement: psycopg.sql.Composed, params: dict[str, Any]) -> float:
    with connection.cursor() as cursor:
        cursor.execute(_explained("ANALYZE, TIMING OFF, SUMMARY ON", statement), params)
        plan = [line for (line,) in cursor.fetchall()]
    times_ms = re.findall(r"(?:Planning|Execution) Time: ([0-9.]+) ms", "\n".join(plan))
    return sum(map(float, times_ms)) / 1000


def _explained(options: str, statement: psycopg.sql.Composed) -> psycopg.sql.Composed:
    return psycopg.sql.SQL("EXPLAIN ({}) {}").format(psycopg.sql.SQL(options), statement)


@contextmanager
def _owner() -> Iterator[Any]:
    """The account that may truncate and analyse, in the schema that the connection stands in."""
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as session:
        session.execute(f'SET search_path = "{tenant_connection().schema_name}", public')
        with session.cursor() as cursor:
            yield cursor
