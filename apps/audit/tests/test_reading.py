"""Reading the log by time: what was sealed well before is left out of the search."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.reading import entries_since, told_by
from apps.audit.services import Entry, record_event
from apps.audit.tests.chains import WRITER
from apps.tenants.models import Tenant


def seal_up_to(entry: AuditEntry, sealed_at: datetime) -> None:
    AuditSeal.objects.create(
        number=1, format=1, cluster=1, after_entry=0, from_transaction=0, from_entry=0,
        to_transaction=1, to_entry=entry.pk, highest_entry=entry.pk, entry_ids=[entry.pk],
        entry_digests=b"0" * 32, sealed_at=sealed_at, hash="0" * 64,
    )  # fmt: skip


def written() -> AuditEntry:
    record_event(WRITER, Entry(Event.SCAN_FINISHED))
    return AuditEntry.objects.latest("pk")


def test_entries_from_a_moment_on(acme: Tenant) -> None:
    entry = written()
    assert list(entries_since(entry.occurred_at)) == [entry]
    assert list(entries_since(entry.occurred_at + timedelta(microseconds=1))) == []


@pytest.mark.parametrize(("hours", "found"), [(1.5, True), (2.5, False)])
def test_a_seal_counts_when_it_was_made_well_before(
    acme: Tenant, hours: float, found: bool
) -> None:
    """An entry that says to be younger than its seal stands for one that nobody need look at."""
    entry, since = written(), timezone.now() - timedelta(hours=1)
    seal_up_to(entry, since - timedelta(hours=hours - 1))
    assert list(entries_since(since)) == ([entry] if found else [])


def test_entries_above_the_seal_are_found(acme: Tenant) -> None:
    sealed, since = written(), timezone.now() - timedelta(hours=1)
    seal_up_to(sealed, since - timedelta(hours=5))
    later = written()
    assert list(entries_since(since)) == [later]


ODD_DETAILS: list[dict[str, object]] = [
    {}, {"before": None}, {"before": 1}, {"before": [1]}, {"before": {"week": None}},
    {"before": {"week": "odd"}},
]  # fmt: skip


def test_what_cannot_be_told_is_left_out(acme: Tenant) -> None:
    for details in [*ODD_DETAILS, {"before": {"week": "5"}}]:
        record_event(WRITER, Entry(Event.SETTINGS_CHANGED, details=details))  # type: ignore[arg-type]
    told = told_by(AuditEntry.objects.all(), lambda entry: int(entry.details["before"]["week"]))
    assert told == [5]


def test_other_errors_are_not_hidden(acme: Tenant) -> None:
    def tell(entry: AuditEntry) -> int:
        raise RuntimeError

    entry = written()
    with pytest.raises(RuntimeError):
        told_by([entry], tell)
