"""What the tests of the chain share: sealing, checking, and tampering as the owner of the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.utils import timezone
from psycopg import sql

from apps.audit.chain import ENTRY_COLUMNS, Link, Position, digest_entry, microseconds
from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.schemas import Actor
from apps.audit.sealing import seal_log
from apps.audit.services import Entry, record_events
from apps.audit.verifying import Verdict, verify_log
from apps.tenants.connections import tenant_connection

WRITER = Actor(None, "tests", Origin.TRIGGER, "")


def write(count: int = 1) -> list[int]:
    """Write and commit entries; return the ids of all that are there."""
    record_events(WRITER, [Entry(Event.EXPORTED, details={"n": n}) for n in range(count)])
    return list(AuditEntry.objects.order_by("id").values_list("id", flat=True))


def seal() -> int:
    """Seal now; return how many entries were sealed."""
    return seal_log(now=timezone.now())


def write_sealed(*counts: int) -> list[int]:
    """Write so many entries for each seal; return their ids."""
    ids: list[int] = []
    for count in counts:
        ids = write(count)
        seal()
    return ids


def faults() -> list[str]:
    """What the check finds, in words."""
    return [str(found) for found in verify_log().faults]


def verdict() -> Verdict:
    """What the check finds."""
    return verify_log()


def connected_as(url: str) -> psycopg.Connection:
    """A connection of its own to the tenant's schema, with the account of ``url``."""
    schema = tenant_connection().schema_name
    found = psycopg.connect(url, dbname=connection.settings_dict["NAME"], autocommit=True)
    found.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
    found.execute("SET lock_timeout = '10s'")
    found.autocommit = False
    return found


def tamper(*statements: str, parameters: Sequence[object] = ()) -> None:
    """Run statements as the owner, in the tenant's schema, with the triggers of the log switched off."""
    with connected_as(settings.DATABASE_OWNER_URL) as owner:
        for table in ("audit_auditentry", "audit_auditseal"):
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        for statement in statements:
            owner.execute(statement.encode(), parameters or None)
        for table in ("audit_auditentry", "audit_auditseal"):
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


def remake_chain() -> None:
    """Make the chain anew over the entries as they stand, as somebody would who knows how it is made."""
    tamper("TRUNCATE audit_auditseal")
    seal()


def bring_from_elsewhere(*, ahead: int, is_other_cluster: bool) -> None:
    """Dress the log as one that another cluster wrote and sealed, its transactions ``ahead`` of ours."""
    seals = _seal_rows()
    for row in seals:
        row["from_transaction"] += ahead if row["from_transaction"] else 0
        row["to_transaction"] += ahead
        row["cluster"] -= int(is_other_cluster)
    tamper(f"UPDATE audit_auditentry SET transaction_id = transaction_id + {ahead}")
    _remake_seals(seals)


def remake_in_first_format() -> None:
    """Make the seals as they were made at first."""
    _remake_seals([{**row, "format": 1} for row in _seal_rows()])


def _seal_rows() -> list[dict[str, Any]]:
    columns = [field.name for field in AuditSeal._meta.concrete_fields]
    return list(AuditSeal.objects.order_by("number").values(*columns))


def _remake_seals(rows: list[dict[str, Any]]) -> None:
    """Put these seals in the place of those that are there, with the digests and hashes that follow."""
    tamper("TRUNCATE audit_auditseal")
    previous_hash = ""
    for row in rows:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {ENTRY_COLUMNS} FROM audit_auditentry WHERE id = ANY(%s)"
                " ORDER BY transaction_id, id",
                [row["entry_ids"]],
            )
            row["entry_digests"] = b"".join(
                digest_entry(entry, row["format"]) for entry in cursor.fetchall()
            )
        row["previous_hash"] = previous_hash
        row["hash"] = previous_hash = link_of(row).hash()
        AuditSeal.objects.create(**row)


def link_of(row: dict[str, Any]) -> Link:
    """What a seal with these columns says."""
    return Link(
        number=row["number"],
        format=row["format"],
        cluster=row["cluster"],
        after_entry=row["after_entry"],
        begin=Position(row["from_transaction"], row["from_entry"]),
        end=Position(row["to_transaction"], row["to_entry"]),
        highest_entry=row["highest_entry"],
        entry_ids=row["entry_ids"],
        entry_digests=bytes(row["entry_digests"]),
        sealed_at_us=microseconds(row["sealed_at"]),
        previous_hash=row["previous_hash"],
    )
