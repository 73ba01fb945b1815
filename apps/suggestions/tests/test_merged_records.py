"""Suggestions about records that were merged: they end with the next look."""

from __future__ import annotations

from datetime import timedelta

from apps.conftest import Cast, make_cast
from apps.crm.models import MergeableRecord
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    merge,
)
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import LONG_AGO, NOW, quiet_lead, scan
from apps.tenants.models import Tenant
from apps.triggers.enums import ScanKind
from apps.triggers.models import Signal
from apps.triggers.services import look_around, scan_now

# Of the day, too, in any zone.
TOMORROW = (NOW + timedelta(days=1)).date()


def states_of(record: MergeableRecord) -> list[str]:
    return list(
        Suggestion.objects.filter(record_kind=record.kind, record_id=record.pk).values_list(
            "state", flat=True
        )
    )


def test_the_next_scan_withdraws_what_was_suggested_about_a_merged_lead(cast: Cast) -> None:
    lead, survivor = quiet_lead(cast.rep), quiet_lead(cast.rep)
    scan()
    assert (states_of(lead), states_of(survivor)) == ([State.PENDING], [State.PENDING])
    merge(lead, survivor)
    scan()
    assert (states_of(lead), states_of(survivor)) == ([State.WITHDRAWN], [State.PENDING])
    assert list(Signal.objects.firing().values_list("record_id", flat=True)) == [survivor.pk]


def test_the_next_round_withdraws_it_too(committed_tenant: Tenant) -> None:
    cast = make_cast()
    lead, survivor = quiet_lead(cast.rep), quiet_lead(cast.rep)
    scan_now(kind=ScanKind.FULL, now=NOW)
    merge(lead, survivor)
    look_around(ScanKind.INCREMENTAL, now=NOW)
    assert (states_of(lead), states_of(survivor)) == ([State.WITHDRAWN], [State.PENDING])


def test_no_trigger_finds_a_merged_record(cast: Cast) -> None:
    """Of each kind one that a trigger finds, and that one alone."""
    account = AccountFactory(owner=cast.rep)
    ContractFactory(account=account, owner=cast.rep, renews_on=TOMORROW)
    contact = ContactFactory(owner=cast.rep, email="ann@isdom.com")
    ActivityFactory(
        contact=contact, owner=cast.rep, delivery="bounced", direction="outbound",
        counterpart_address="ann@isdom.com", occurred_at=LONG_AGO,
    )  # fmt: skip
    lead = quiet_lead(cast.rep)
    scan()
    found = set(Signal.objects.firing().values_list("record_kind", "record_id"))
    assert {("account", account.pk), ("contact", contact.pk), ("lead", lead.pk)} <= found
    for record in (account, contact, lead):
        merge(record, type(record).objects.create(owner=cast.rep))
    scan()
    still = set(Signal.objects.firing().values_list("record_kind", "record_id"))
    assert not still & {("account", account.pk), ("contact", contact.pk), ("lead", lead.pk)}
