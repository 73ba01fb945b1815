"""Sealing: every committed entry once, in whichever order transactions end, and no writer waits."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit import sealing
from apps.audit.chain import (
    ENTRY_COLUMNS,
    ENTRY_DIGEST,
    FORMATS,
    digest_entry,
    microseconds,
)
from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.schemas import Actor
from apps.audit.sealing import seal_log
from apps.audit.services import Entry, record_event, record_events
from apps.audit.tasks import seal_all_logs
from apps.audit.tests.chains import (
    WRITER,
    bring_from_elsewhere,
    connected_as,
    faults,
    remake_in_first_format,
    seal,
    tamper,
    verdict,
    write,
    write_sealed,
)
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.tenants.tests.threads import at_once


def sealed_ids() -> list[list[int]]:
    """The ids that each seal covers."""
    return [list(row.entry_ids) for row in AuditSeal.objects.order_by("number")]


def test_what_is_committed_is_sealed_once_and_nothing_makes_no_seal(
    committed_tenant: Tenant,
) -> None:
    assert (seal(), AuditSeal.objects.count()) == (0, 0)
    ids = write(3)
    assert (seal(), seal()) == (3, 0)
    assert sealed_ids() == [ids]
    more = write(2)[3:]
    seal()
    assert sealed_ids() == [ids, more]
    first, second = AuditSeal.objects.order_by("number")
    assert (first.number, first.previous_hash, second.number, second.previous_hash) == (
        1, "", 2, first.hash,
    )  # fmt: skip
    assert (verdict().seals, verdict().sealed, verdict().unsealed, faults()) == (2, 5, 0, [])


def test_a_slow_transaction_is_sealed_when_it_has_committed(committed_tenant: Tenant) -> None:
    with connected_as(settings.DATABASE_URL) as slow:
        slow.execute(
            "INSERT INTO audit_auditentry (event, actor_name, origin, request_id, record_kind, details)"
            " VALUES ('export.made', 'slow', 'person', '', '', '{}')"
        )
        # Later than the slow one, committed before it: it has to wait as well, so that the order is final.
        ids = write(2)
        assert seal() == 0
        assert (verdict().unsealed, faults()) == (2, [])
        slow.commit()
    assert seal() == 3
    assert sealed_ids() == [[ids[0] - 1, *ids]]
    assert faults() == []


def test_what_was_rolled_back_leaves_no_gap(committed_tenant: Tenant) -> None:
    with transaction.atomic():
        record_event(WRITER, Entry(Event.EXPORTED))
        transaction.set_rollback(True)
    ids = write_sealed(1)
    assert ids == [2]
    assert (sealed_ids(), faults()) == ([[2]], [])


def test_many_entries_are_several_seals(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "ENTRIES_PER_SEAL", 3)
    monkeypatch.setattr(sealing, "SEALS_PER_TRANSACTION", 2)
    # One transaction of eight: seals end within it.
    with transaction.atomic():
        ids = write(8)
    assert seal() == 8
    assert sealed_ids() == [ids[0:3], ids[3:6], ids[6:8]]
    more = write_sealed(6)[8:]
    assert sealed_ids()[3:] == [more[0:3], more[3:6]]
    assert (write_sealed(1)[14:], faults()) == (sealed_ids()[5], [])


def test_two_sealers_at_once_seal_everything_once(committed_tenant: Tenant) -> None:
    ids = write(50)
    results = at_once(committed_tenant, [partial(seal_log, now=timezone.now())] * 6)
    seal()
    assert [result for result in results if isinstance(result, Exception)] == []
    assert [entry_id for covered in sealed_ids() for entry_id in covered] == ids
    assert faults() == []


def test_entries_from_before_the_chain_are_in_the_first_seal(committed_tenant: Tenant) -> None:
    ids = write(3)
    tamper("UPDATE audit_auditentry SET transaction_id = 0")
    write_sealed(1)
    assert sealed_ids() == [[*ids, ids[-1] + 1]]
    assert faults() == []


@pytest.mark.parametrize(
    ("ahead", "is_other_cluster"), [(10**9, False), (10**9, True), (3, True), (-3, True), (0, True)]
)
def test_a_restored_log_goes_on_being_sealed(
    committed_tenant: Tenant, ahead: int, is_other_cluster: bool
) -> None:
    """The count begins anew, above or below the old one, amid entries that were not sealed."""
    write_sealed(2, 1)
    write(2)
    bring_from_elsewhere(ahead=ahead, is_other_cluster=is_other_cluster)
    # Somebody signs in before the first seal, and somebody checks.
    write(2)
    assert (verdict().unsealed, faults()) == (4, [])
    assert seal() == 4
    ids = write_sealed(1, 2)
    assert (verdict().sealed, verdict().unsealed, faults()) == (10, 0, [])
    assert sorted(entry_id for covered in sealed_ids() for entry_id in covered) == ids


def test_a_restored_log_stays_whole_when_the_count_comes_to_the_old_numbers(
    committed_tenant: Tenant,
) -> None:
    write_sealed(2)
    write(3)
    # Some hundred transactions ahead: the new count runs through the old numbers below.
    bring_from_elsewhere(ahead=100, is_other_cluster=True)
    write(1)
    seal()
    for _ in range(60):
        write(1)
        write_sealed(1)
    assert (verdict().sealed, verdict().unsealed, faults()) == (126, 0, [])


def test_a_log_that_was_restored_twice_stays_whole(committed_tenant: Tenant) -> None:
    write_sealed(2)
    bring_from_elsewhere(ahead=1000, is_other_cluster=True)
    write_sealed(2)
    bring_from_elsewhere(ahead=5000, is_other_cluster=True)
    write_sealed(2)
    assert (verdict().seals, verdict().sealed, faults()) == (3, 6, [])
    assert list(AuditSeal.objects.values_list("after_entry", flat=True)) == [0, 2, 4]


def test_many_unsealed_entries_are_brought_along_in_several_seals(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "ENTRIES_PER_SEAL", 2)
    monkeypatch.setattr(sealing, "SEALS_PER_TRANSACTION", 2)
    write_sealed(1)
    write(7)
    bring_from_elsewhere(ahead=10**9, is_other_cluster=True)
    write(6)
    assert (seal(), faults()) == (13, [])
    assert verdict().sealed == 14


def test_every_log_is_sealed_by_one_task(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(1)
    Tenant.objects.filter(pk=committed_tenant.pk).update(is_enabled=False)
    tenant_connection().set_schema_to_public()
    seal_all_logs()
    tenant_connection().set_tenant(committed_tenant)
    # Switched off or not: what was written before is to be safe.
    assert sealed_ids() == [[1]]


def test_a_log_that_cannot_be_sealed_stops_no_other(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(1)
    tenant_connection().set_schema_to_public()
    ghost = Tenant.objects.create(schema_name="a_ghost", name="No schema")
    try:
        seal_all_logs()
    finally:
        Tenant.objects.filter(pk=ghost.pk).delete()
    tenant_connection().set_tenant(committed_tenant)
    assert sealed_ids() == [[1]]


def test_every_column_of_an_entry_is_hashed(acme: Tenant) -> None:
    names = {str(field.column) for field in AuditEntry._meta.concrete_fields}
    assert {name for name in names if name in ENTRY_COLUMNS} == names
    assert len(ENTRY_COLUMNS.split(", ")) - 1 + ENTRY_COLUMNS.count("* 1000000") == len(names)


def test_the_database_makes_the_digest_that_the_check_makes(acme: Tenant) -> None:
    every_letter = "".join(map(chr, (*range(1, 0xD800), 0xFEFF, 0xFFFF, 0x1F600, 0x10FFFF)))
    record_events(
        Actor(7, every_letter[:200], Origin.PERSON, every_letter[2000:2064]),
        [
            Entry(Event.EXPORTED, details={"all": every_letter, 'a "key"\n': [1.0, 1, None, True]}),
            Entry(Event.EXPORTED, record_kind="lead", record_id=2**62, suggestion_id=0),
        ],
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ENTRY_DIGEST}, {ENTRY_COLUMNS} FROM audit_auditentry")
        rows = cursor.fetchall()
    assert [bytes(digest) for digest, *_ in rows] == [digest_entry(row[1:], 2) for row in rows]
    assert len(rows) == 2


def test_seals_of_the_first_format_are_still_checked(committed_tenant: Tenant) -> None:
    write_sealed(2)
    remake_in_first_format()
    write_sealed(1)
    assert list(AuditSeal.objects.values_list("format", flat=True).order_by("number")) == [1, 2]
    assert (verdict().sealed, faults()) == (3, [])
    tamper("UPDATE audit_auditentry SET actor_name = 'nobody' WHERE id = 2")
    assert faults() == ["entry 2 was changed after it was sealed (seal 1)"]


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_rows_that_differ_anywhere_have_different_digests(form: int) -> None:
    row = (1, 2, "3", "export.made", None, "a", "b", "", "", None, None, None, "{}")
    others = [(*row[:place], "x", *row[place + 1 :]) for place in range(len(row))]
    moved = (*row[:5], "ab", "", *row[7:])
    assert len({digest_entry(each, form) for each in [row, moved, *others]}) == len(row) + 2


def test_a_moment_is_told_as_the_database_tells_it(acme: Tenant) -> None:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT trunc(extract(epoch FROM %s::timestamptz) * 1000000)::text", [now])
        assert cursor.fetchone() == (microseconds(now),)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditseal SET hash = ''",
        "DELETE FROM audit_auditseal",
        "TRUNCATE audit_auditseal",
    ],
)
def test_seals_cannot_be_changed_even_by_the_owner(
    committed_tenant: Tenant, statement: str
) -> None:
    write_sealed(1)
    with (
        connected_as(settings.DATABASE_OWNER_URL) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="can only be added to"),
    ):
        owner.execute(statement.encode())


def test_the_ai_writes_entries_that_are_sealed_and_no_seals(committed_tenant: Tenant) -> None:
    with taking_role(Role.AI):
        record_event(WRITER, Entry(Event.BRAIN_CALLED))
    assert seal() == 1
    with pytest.raises(DatabaseError, match="permission denied"), taking_role(Role.AI):
        AuditSeal.objects.count()


def test_who_writes_an_entry_cannot_choose_its_moment_or_transaction(acme: Tenant) -> None:
    for column, value in (("occurred_at", "now()"), ("transaction_id", "0"), ("id", "5")):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                f"INSERT INTO audit_auditentry ({column}, event, actor_name, origin, request_id,"
                f" record_kind, details) VALUES ({value}, 'export.made', 'x', 'person', '', '', '{{}}')"
            )
