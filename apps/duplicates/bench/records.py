"""Persons as leads and contacts of a tenant, as many as one wants, written by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings

from apps.duplicates.bench.generated.persons import Person
from apps.duplicates.bench.generated.words import TITLES, coined_surname
from apps.tenants.connections import tenant_connection

ACCOUNTS = 20_000
_TABLES = ("crm_lead", "crm_contact", "crm_account", "crm_changelog")
_DUPLICATES = (
    "duplicates_pair",
    "duplicates_matcher",
    "duplicates_recordkeys",
    "duplicates_matchcursor",
)
_GIN_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = current_schema() AND tablename = ANY(%s) AND indexdef LIKE '%%USING gin%%'
"""
_STAGE = """
CREATE TEMP TABLE person (number bigint, first_name text, last_name text, email text, phone text,
                          title text, account bigint, is_lead boolean)
"""
_COPY = "COPY person FROM STDIN"
_ACCOUNTS = """
INSERT INTO crm_account (id, source, external_id, attributes, name, website, sector, location, phone, notes,
                         currency)
OVERRIDING SYSTEM VALUE
SELECT id, '', '', '{}', name, '', '', '', '', '', 'USD' FROM unnest(%s::bigint[], %s::text[]) AS a(id, name)
"""
_LEADS = """
INSERT INTO crm_lead (id, source, external_id, attributes, first_name, last_name, company, title, email,
                      phone, status, lead_source, currency, do_not_contact, notes)
OVERRIDING SYSTEM VALUE
SELECT p.number, '', '', '{}', p.first_name, p.last_name, a.name, p.title, p.email, p.phone, 'new', '', '',
       false, ''
FROM person p JOIN crm_account a ON a.id = p.account WHERE p.is_lead
"""
_CONTACTS = """
INSERT INTO crm_contact (id, source, external_id, attributes, first_name, last_name, account_id, title, email,
                         email_status, phone, do_not_contact, notes)
OVERRIDING SYSTEM VALUE
SELECT p.number, '', '', '{}', p.first_name, p.last_name, p.account, p.title, p.email, 'unknown', p.phone,
       false, ''
FROM person p WHERE NOT p.is_lead
"""


def phone_of(person: Person, number: int) -> str:
    """The person's mobile, which every other record knows."""
    return f"+4179{person.cluster * 7_919 % 8_999_999 + 1_000_000}" if number % 2 else ""


def account_of(person: Person) -> int:
    """The id of the company that the person works for."""
    return 1 + person.cluster * 7_919 % ACCOUNTS


def account_name(number: int) -> str:
    """The name of the company with this id."""
    return f"{coined_surname(number)} AG"


def fill(persons: Iterable[Person]) -> None:
    """Replace the leads, contacts and accounts of the tenant; ids count the persons, from 1 on.

    Two of five persons are leads. Nothing is written to the change log, and nobody has looked for duplicates.
    """
    with owner() as session:
        session.execute(f"TRUNCATE {', '.join((*_TABLES, *_DUPLICATES))} CASCADE")
        indexes = session.execute(_GIN_INDEXES, [["crm_lead", "crm_contact"]]).fetchall()
        for name, _ in indexes:
            session.execute(f'DROP INDEX "{name}"')
        for table in _TABLES[:3]:
            session.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        _write(session, persons)
        for table in _TABLES[:3]:
            session.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        session.execute("SET maintenance_work_mem = '256MB'")
        for _, definition in indexes:
            session.execute(definition)
        for table in _TABLES[:3]:
            session.execute(f"VACUUM (ANALYZE) {table}")


def _write(session: psycopg.Connection, persons: Iterable[Person]) -> None:
    numbers = list(range(1, ACCOUNTS + 1))
    session.execute(_ACCOUNTS, [numbers, [account_name(number) for number in numbers]])
    session.execute(_STAGE)
    number = 0
    with session.cursor().copy(_COPY) as copy:
        for number, person in enumerate(persons, start=1):
            copy.write_row(_cells(number, person))
    session.execute(_LEADS)
    session.execute(_CONTACTS)
    for table in ("crm_lead", "crm_contact"):
        session.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {number + 1}")
    session.execute("DROP TABLE person")


def _cells(number: int, person: Person) -> tuple[object, ...]:
    return (
        number, person.given_name, person.surname, person.email, phone_of(person, number),
        TITLES[person.cluster % len(TITLES)], account_of(person), number % 5 < 2,
    )  # fmt: skip


@contextmanager
def owner() -> Iterator[psycopg.Connection]:
    """The account that may truncate and analyse, in the schema that the connection stands in."""
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as session:
        session.execute(f'SET search_path = "{tenant_connection().schema_name}", public')
        yield session
