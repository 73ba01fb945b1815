"""A superuser who changes, removes, reorders or slips in rows is found out, and the row is named."""

from __future__ import annotations

import pytest
from django_tenants.utils import schema_context

from apps.audit.enums import Fault
from apps.audit.heads import export_heads, head_of
from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.tests.chains import (
    faults,
    link_of,
    remake_chain,
    seal,
    tamper,
    verdict,
    write,
    write_sealed,
)
from apps.audit.verifying import verify_log
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant


@pytest.mark.parametrize(
    "change",
    [
        "occurred_at = occurred_at - interval '1 microsecond'", "occurred_at = 'infinity'",
        "event = 'person.signed_in'", "actor_id = 1", "actor_name = 'Tests'", "origin = 'api'",
        "request_id = 'x'", "record_kind = 'lead'", "record_id = 1", "suggestion_id = 1",
        "execution_id = 1", "details = '{}'", "details = '{\"n\": 1.0}'",
        "transaction_id = transaction_id + 1",
    ],
)  # fmt: skip
def test_a_change_of_any_column_is_named(committed_tenant: Tenant, change: str) -> None:
    write_sealed(2, 3)
    tamper(f"UPDATE audit_auditentry SET {change} WHERE id = 4")
    assert faults() == ["entry 4 was changed after it was sealed (seal 2)"]


def test_a_removed_entry_is_named(committed_tenant: Tenant) -> None:
    write_sealed(2, 3)
    tamper("DELETE FROM audit_auditentry WHERE id = 2")
    assert faults() == ["entry 2 was removed after it was sealed (seal 1)"]


def test_swapped_entries_are_named(committed_tenant: Tenant) -> None:
    write_sealed(3)
    tamper(
        "UPDATE audit_auditentry SET id = -1 WHERE id = 1",
        "UPDATE audit_auditentry SET id = 1 WHERE id = 3",
        "UPDATE audit_auditentry SET id = 3 WHERE id = -1",
    )
    assert faults() == [
        "entry 1 was changed after it was sealed (seal 1)",
        "entry 3 was changed after it was sealed (seal 1)",
    ]


def test_the_first_broken_row_is_told_first(committed_tenant: Tenant) -> None:
    """Whatever comes after it in the chain: of twenty broken seals the list would be full."""
    write_sealed(*[1] * 22)
    tamper(
        "UPDATE audit_auditentry SET request_id = 'x' WHERE id = 1",
        "UPDATE audit_auditseal SET sealed_at = sealed_at - interval '1 second' WHERE number > 1",
    )
    assert verdict().fault_count == 22
    assert faults()[:2] == [
        "entry 1 was changed after it was sealed (seal 1)",
        "seal 2 was changed",
    ]


COPY = (
    "INSERT INTO audit_auditentry OVERRIDING SYSTEM VALUE SELECT {id}, occurred_at, event, actor_id,"
    " actor_name, origin, request_id, record_kind, record_id, suggestion_id, execution_id, details,"
    " {transaction} FROM audit_auditentry WHERE id = 1"
)


@pytest.mark.parametrize("entry_id", [-5, 0, 100, 2**62])
def test_an_entry_that_was_slipped_in_is_named(committed_tenant: Tenant, entry_id: int) -> None:
    write_sealed(2, 2)
    tamper(COPY.format(id=entry_id, transaction="transaction_id"))
    assert faults() == [
        f"entry {entry_id} was slipped in: it is in no seal, and the log is sealed beyond its place"
    ]


def test_an_entry_slipped_in_before_the_first_id_is_named_whatever_its_transaction(
    committed_tenant: Tenant,
) -> None:
    write_sealed(2, 2)
    tamper(COPY.format(id=-1, transaction=2**60))
    assert verdict().faults[0].entry == -1


def test_an_entry_that_the_sealing_would_never_come_to_is_named(committed_tenant: Tenant) -> None:
    write_sealed(2)
    tamper(COPY.format(id=100, transaction=2**62))
    assert faults() == ["entry 100 was slipped in: its transaction is one that has not begun yet"]


def test_a_second_row_of_a_sealed_id_is_named(committed_tenant: Tenant) -> None:
    """It lies before the true one, so that who reads by id finds the true one last."""
    write_sealed(2, 2)
    tamper(
        "CREATE TEMPORARY TABLE kept AS SELECT * FROM audit_auditentry WHERE id = 3",
        "DELETE FROM audit_auditentry WHERE id = 3",
        "ALTER TABLE audit_auditentry DROP CONSTRAINT audit_auditentry_pkey",
        COPY.format(id=3, transaction=1),
        "INSERT INTO audit_auditentry OVERRIDING SYSTEM VALUE SELECT * FROM kept",
    )
    found = faults()
    # The schema is used again.
    tamper(
        "DELETE FROM audit_auditentry WHERE transaction_id = 1",
        "ALTER TABLE audit_auditentry ADD PRIMARY KEY (id)",
    )
    assert found == ["entry 3 is there twice: one of the two was slipped in"]


def test_the_first_of_many_is_told_and_all_are_counted(committed_tenant: Tenant) -> None:
    write_sealed(40)
    tamper("UPDATE audit_auditentry SET actor_name = 'x' WHERE id > 10")
    found = verdict()
    assert (found.fault_count, len(found.faults), found.faults[0].entry) == (30, 20, 11)


@pytest.mark.parametrize(
    "change",
    [
        "sealed_at = sealed_at - interval '1 hour'", "sealed_at = 'infinity'",
        "entry_ids = entry_ids[1:1]", "entry_ids = '{NULL,NULL}'", "entry_digests = ''",
        "from_entry = 7", "to_transaction = to_transaction + 1", "after_entry = 1",
        "highest_entry = 9", "cluster = 1", "previous_hash = ''", "hash = repeat('0', 64)",
    ],
)  # fmt: skip
def test_a_changed_seal_is_named(committed_tenant: Tenant, change: str) -> None:
    write_sealed(2, 2, 2)
    tamper(f"UPDATE audit_auditseal SET {change} WHERE number = 2")
    assert faults()[0] == "seal 2 was changed"


def test_a_seal_in_an_unknown_format_is_not_taken_for_whole(committed_tenant: Tenant) -> None:
    write_sealed(1)
    tamper("UPDATE audit_auditseal SET format = 3")
    assert faults() == ["seal 1 has a format that this version does not know"]


def test_a_seal_that_was_changed_with_its_hash_breaks_the_next(committed_tenant: Tenant) -> None:
    """The entry is removed, and the seal rewritten as if it had never covered it."""
    write_sealed(2, 2, 2)
    columns = [field.name for field in AuditSeal._meta.concrete_fields]
    row = AuditSeal.objects.values(*columns).get(number=2)
    row |= {"entry_ids": row["entry_ids"][:1], "entry_digests": bytes(row["entry_digests"])[:32]}
    tamper(
        "DELETE FROM audit_auditentry WHERE id = 4",
        "UPDATE audit_auditseal SET entry_ids = '{3}',"
        " entry_digests = substring(entry_digests FOR 32) WHERE number = 2",
        f"UPDATE audit_auditseal SET hash = '{link_of(row).hash()}' WHERE number = 2",
    )
    assert faults() == ["seal 2 was changed"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_removed_seal_is_named(committed_tenant: Tenant, number: int) -> None:
    write_sealed(1, 1, 1)
    tamper(f"DELETE FROM audit_auditseal WHERE number = {number}")
    assert faults() == [
        f"seal {number} was removed",
        f"entry {number} was slipped in: it is in no seal, and the log is sealed beyond its place",
    ]


@pytest.mark.parametrize("number", [0, 4])
def test_a_seal_that_was_slipped_in_is_named(committed_tenant: Tenant, number: int) -> None:
    write_sealed(1, 1, 1)
    columns = [field.name for field in AuditSeal._meta.concrete_fields]
    row = AuditSeal.objects.values(*columns).get(number=2)
    row |= {"number": number, "previous_hash": AuditSeal.objects.order_by("-number")[0].hash}
    row["hash"] = link_of(row).hash()
    AuditSeal.objects.create(**row)
    assert str(verdict().faults[0]) == f"seal {number} was slipped in"


def test_a_cut_tail_is_found_by_an_exported_head(committed_tenant: Tenant) -> None:
    write_sealed(2, 2)
    head = head_of(tenant_connection().schema_name)
    assert head is not None
    assert head.number == 2
    tamper(
        "DELETE FROM audit_auditentry WHERE id > 2", "DELETE FROM audit_auditseal WHERE number = 2"
    )
    assert faults() == []
    found = verify_log(heads={head.number: head.hash})
    assert [str(fault) for fault in found.faults] == [
        "seal 2, exported as a head, is gone: the end of the chain was cut off"
    ]
    # Sealing goes on, and the number comes again with another hash.
    write_sealed(1)
    found = verify_log(heads={head.number: head.hash})
    assert [fault.fault for fault in found.faults] == [Fault.REWRITTEN]


def test_a_chain_that_was_made_anew_is_found_by_an_exported_head(committed_tenant: Tenant) -> None:
    write_sealed(2, 2)
    (head,) = export_heads([tenant_connection().schema_name]).heads
    tamper("UPDATE audit_auditentry SET actor_name = 'x' WHERE id = 1")
    remake_chain()
    write_sealed(1)
    assert faults() == []
    found = verify_log(heads={head.number: head.hash})
    assert [str(fault) for fault in found.faults] == [
        "seal 2 is not the one exported as a head: the chain was made anew"
    ]


def test_a_log_that_has_grown_since_fits_its_exported_head(committed_tenant: Tenant) -> None:
    write_sealed(2, 2)
    (head,) = export_heads([tenant_connection().schema_name]).heads
    write_sealed(1, 1)
    assert verify_log(heads={head.number: head.hash}).is_whole


def test_what_is_not_sealed_yet_is_counted_with_its_age(committed_tenant: Tenant) -> None:
    write_sealed(1)
    write(2)
    tamper("UPDATE audit_auditentry SET occurred_at = now() - interval '10 minutes' WHERE id = 2")
    found = verdict()
    assert (found.is_whole, found.sealed, found.unsealed) == (True, 1, 2)
    assert found.oldest_unsealed_s is not None
    assert 600 <= found.oldest_unsealed_s < 660
    assert seal() == 2
    assert verdict().oldest_unsealed_s is None


def test_a_log_without_entries_is_whole(committed_tenant: Tenant) -> None:
    found = verdict()
    assert (found.seals, found.sealed, found.unsealed, found.is_whole) == (0, 0, 0, True)


def test_many_seals_are_checked_in_batches(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.audit.verifying.ENTRIES_AT_ONCE", 3)
    write_sealed(*[1] * 8)
    told: list[tuple[int, int]] = []
    found = verify_log(tell=lambda done, total: told.append((done, total)))
    assert (found.seals, found.sealed, found.is_whole) == (8, 8, True)
    assert told == [(3, 8), (6, 8), (8, 8)]
    tamper("UPDATE audit_auditentry SET actor_name = 'x' WHERE id IN (4, 8)")
    assert [fault.entry for fault in verdict().faults] == [4, 8]


def test_another_tenants_log_is_neither_read_nor_touched(committed_tenant: Tenant) -> None:
    write_sealed(2)
    tamper("UPDATE audit_auditentry SET actor_name = 'x' WHERE id = 1")
    assert verdict().fault_count == 1
    with schema_context("globex"):
        before = AuditEntry.objects.count()
        assert (verdict().fault_count, AuditEntry.objects.count()) == (0, before)
