"""What hangs on records and what their addresses did, read for many at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection
from psycopg import sql

from apps.crm.enums import EmailStatus, RecordKind
from apps.duplicates.survivorship import Standing
from apps.execution.schemas import RecordRef, ids_by_kind
from apps.tenants.chunks import chunks

# Two addresses that both answered within this time belong to two people.
CONFLICT_WITHIN = timedelta(days=365)

_CHUNK = 5_000

# Tables whose rows hang on a record of the kind, by the column that names it.
_HANGING: dict[RecordKind, tuple[tuple[str, str], ...]] = {
    RecordKind.LEAD: (
        ("crm_activity", "lead_id"),
        ("crm_task", "lead_id"),
        ("crm_draft", "lead_id"),
    ),
    RecordKind.CONTACT: (
        ("crm_activity", "contact_id"),
        ("crm_task", "contact_id"),
        ("crm_draft", "contact_id"),
        ("crm_opportunity", "contact_id"),
    ),
    RecordKind.ACCOUNT: (
        ("crm_contact", "account_id"),
        ("crm_opportunity", "account_id"),
        ("crm_contract", "account_id"),
        ("crm_activity", "account_id"),
        ("crm_task", "account_id"),
        ("crm_draft", "account_id"),
    ),
}
_IS_CONVERTED = {RecordKind.LEAD: "r.status = 'converted'"}
_EMAIL = {RecordKind.LEAD: "lower(r.email)", RecordKind.CONTACT: "lower(r.email)"}
_STATUS = {RecordKind.CONTACT: "r.email_status"}
# Mail that came in from the record's own address, as far as the mail says from which.
_ANSWERED = """
    (SELECT max(a.occurred_at) FROM crm_activity a
     WHERE a.{column} = r.id AND a.direction = 'inbound' AND a.activity_kind = 'email'
       AND lower(a.counterpart_address) IN ('', lower(r.email)))
"""
_WORKS = {EmailStatus.VALID.value: True, EmailStatus.BOUNCED.value: False}


def read_standings(refs: Iterable[RecordRef]) -> dict[RecordRef, Standing]:
    """The standing of each record that is there."""
    found: dict[RecordRef, Standing] = {}
    with connection.cursor() as cursor:
        for kind, ids in ids_by_kind(refs).items():
            statement = _statement(kind)
            for chunk in chunks(sorted(ids), _CHUNK):
                cursor.execute(statement, [chunk])
                for pk, created_at, is_converted, hanging, email, answered_at, status in cursor:
                    ref = RecordRef(kind, pk)
                    found[ref] = Standing(
                        ref,
                        created_at,
                        is_converted,
                        hanging,
                        email,
                        answered_at,
                        _WORKS.get(status),
                    )
    return found


def _statement(kind: RecordKind) -> sql.Composed:
    counts = sql.SQL(" + ").join(
        sql.SQL("(SELECT count(*) FROM {table} h WHERE h.{column} = r.id)").format(
            table=sql.Identifier(table), column=sql.Identifier(column)
        )
        for table, column in _HANGING[kind]
    )
    answered = _ANSWERED.format(column=f"{kind.value}_id") if kind in _EMAIL else "NULL"
    return sql.SQL(
        "SELECT r.id, r.created_at, {is_converted}, {counts}, {email}, {answered}, {status}"
        " FROM {table} r WHERE r.id = ANY(%s)"
    ).format(
        is_converted=sql.SQL(_IS_CONVERTED.get(kind, "false")),
        counts=counts,
        email=sql.SQL(_EMAIL.get(kind, "''")),
        answered=sql.SQL(answered),
        status=sql.SQL(_STATUS.get(kind, "''")),
        table=sql.Identifier(f"crm_{kind.value}"),
    )
