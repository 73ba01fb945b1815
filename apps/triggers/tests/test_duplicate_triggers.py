"""The triggers about duplicates: who survives an open, likely pair of records that are both there."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from apps.crm.enums import LeadStatus
from apps.crm.models import Lead
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory
from apps.duplicates.enums import PairState
from apps.duplicates.models import Pair
from apps.duplicates.tasks import begin_night_of_current_tenant
from apps.duplicates.tests.pairs import make_pair
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.triggers.enums import ScanKind
from apps.triggers.models import Scan, Signal
from apps.triggers.replay.exceptions import ReplayPastError
from apps.triggers.replay.services import request_replay
from apps.triggers.services import look_around, scan_now
from apps.triggers.tests.asking import facts_of, matching
from apps.users.models import User
from apps.users.tests.factories import UserFactory

NOW = timezone.now()
KEYS = ("account_duplicate", "contact_duplicate", "lead_duplicate")


def everywhere() -> dict[str, list[int]]:
    """What each of the three finds, where it finds something."""
    found = {key: matching(key) for key in KEYS}
    return {key: ids for key, ids in found.items() if ids}


def test_the_survivor_of_each_kind_matches_and_nobody_else(acme: Tenant) -> None:
    leads, contacts, accounts = (
        factory.create_batch(3) for factory in (LeadFactory, ContactFactory, AccountFactory)
    )
    make_pair(leads[0], leads[1])
    make_pair(contacts[0], contacts[1])
    make_pair(contacts[2], leads[2])
    make_pair(accounts[0], accounts[1])
    assert everywhere() == {
        "account_duplicate": [accounts[0].pk],
        "contact_duplicate": [contacts[0].pk, contacts[2].pk],
        "lead_duplicate": [leads[0].pk],
    }


@pytest.mark.parametrize(
    "values",
    [
        {"is_likely": False},
        {"state": PairState.NOT_DUPLICATE},
        {"state": PairState.MERGED},
        {"state": PairState.GONE},
        {"probability": 0.794},
    ],
)
def test_a_pair_that_is_decided_or_hardly_likely_calls_for_nothing(
    acme: Tenant, values: dict[str, object]
) -> None:
    make_pair(LeadFactory(), LeadFactory(), **values)  # type: ignore[arg-type]
    assert everywhere() == {}


def test_the_probability_counts_as_it_is_told(acme: Tenant) -> None:
    lead = LeadFactory()
    make_pair(lead, LeadFactory(), 0.796)
    assert facts_of("lead_duplicate", lead.pk)["probability_0_1"] == 0.80
    assert matching("lead_duplicate", {"probability_percent": 80}) == [lead.pk]
    assert matching("lead_duplicate", {"probability_percent": 81}) == []


def test_it_tells_of_the_strongest_pair_and_how_many_more_there_are(acme: Tenant) -> None:
    contact, lead, other = ContactFactory(), LeadFactory(), ContactFactory()
    make_pair(contact, other, 0.9)
    strongest = make_pair(contact, lead, 0.973)
    make_pair(contact, ContactFactory(), 0.5, is_likely=False)
    assert facts_of("contact_duplicate", contact.pk) == {
        "pair_id": strongest.pk,
        "duplicate_kind": "lead",
        "duplicate_id": lead.pk,
        "probability_0_1": 0.97,
        "more_count": 1,
        "duplicate_revision": 1,
        "revision": 1,
    }
    Pair.objects.filter(pk=strongest.pk).update(state=PairState.NOT_DUPLICATE)
    left = facts_of("contact_duplicate", contact.pk)
    assert (left["duplicate_kind"], left["duplicate_id"]) == ("contact", other.pk)
    assert (left["probability_0_1"], left["more_count"]) == (0.9, None)


def test_of_pairs_that_are_told_alike_the_first_counts_whatever_lies_behind(acme: Tenant) -> None:
    lead = LeadFactory()
    first = make_pair(lead, LeadFactory(), 0.796)
    make_pair(lead, LeadFactory(), 0.804)
    assert facts_of("lead_duplicate", lead.pk)["pair_id"] == first.pk


def test_a_record_that_is_gone_or_was_merged_elsewhere_is_no_duplicate(acme: Tenant) -> None:
    kept, merged, other = LeadFactory.create_batch(3)
    make_pair(kept, merged)
    Lead.objects.filter(pk=merged.pk).update(merged_into=other, merged_at=NOW)
    assert everywhere() == {}
    make_pair(kept, other)
    assert everywhere() == {"lead_duplicate": [kept.pk]}
    other.delete()
    assert everywhere() == {}


def test_a_lead_that_was_converted_is_no_duplicate_and_survives_none(acme: Tenant) -> None:
    contact, lead, other = ContactFactory(), LeadFactory(), LeadFactory()
    make_pair(contact, lead)
    make_pair(lead, other)
    assert everywhere() == {"contact_duplicate": [contact.pk], "lead_duplicate": [lead.pk]}
    Lead.objects.filter(pk=other.pk).update(status=LeadStatus.CONVERTED)
    assert everywhere() == {"contact_duplicate": [contact.pk]}
    Lead.objects.filter(pk=other.pk).update(status=LeadStatus.WORKING)
    Lead.objects.filter(pk=lead.pk).update(status=LeadStatus.CONVERTED)
    assert everywhere() == {}


def test_pairs_go_in_the_night_after_duplicates_were_switched_off(acme: Tenant) -> None:
    lead, settled = LeadFactory(), LeadFactory()
    make_pair(lead, LeadFactory())
    make_pair(settled, LeadFactory(), state=PairState.NOT_DUPLICATE)
    ModuleGate.objects.filter(tenant=acme, module=Module.DUPLICATES).update(is_on=False)
    begin_night_of_current_tenant()
    assert everywhere() == {}
    states = Pair.objects.order_by("pk").values_list("state", flat=True)
    assert [*states] == [PairState.GONE, PairState.NOT_DUPLICATE]


@pytest.mark.parametrize("key", KEYS)
def test_the_past_is_not_on_file(acme: Tenant, key: str) -> None:
    manager: User = UserFactory(is_superuser=True)
    with pytest.raises(ReplayPastError):
        request_replay(user=manager, key=key, parameters={}, days=30, now=NOW)


# -- rounds --


def around() -> dict[str, tuple[int, int, int]]:
    """What the three fired, refreshed and cleared in a round."""
    scan: Scan | None = look_around(ScanKind.INCREMENTAL, now=NOW)
    return {
        row.trigger: (row.fired, row.refreshed, row.cleared)
        for row in (scan.results.all() if scan else ())
        if row.trigger in KEYS and (row.fired or row.refreshed or row.cleared)
    }


def firing() -> list[tuple[str, int]]:
    signals = Signal.objects.firing().filter(trigger__in=KEYS)
    return sorted(signals.values_list("trigger", "record_id"))


def test_a_round_sees_pairs_that_come_change_and_go(committed_tenant: Tenant) -> None:
    contact, lead, other = ContactFactory(), LeadFactory(), LeadFactory()
    scan_now(kind=ScanKind.FULL, now=NOW)
    pair = make_pair(lead, other, 0.85)
    assert (around(), firing()) == ({"lead_duplicate": (1, 0, 0)}, [("lead_duplicate", lead.pk)])
    assert around() == {}

    Pair.objects.filter(pk=pair.pk).update(probability=0.8512, compared_at=NOW)
    assert around() == {}
    Pair.objects.filter(pk=pair.pk).update(probability=0.86)
    assert around() == {"lead_duplicate": (0, 1, 0)}

    # The other one survives now.
    Pair.objects.filter(pk=pair.pk).update(survivor_id=other.pk, duplicate_id=lead.pk)
    assert around() == {"lead_duplicate": (1, 0, 1)}
    assert firing() == [("lead_duplicate", other.pk)]

    make_pair(contact, other)
    assert around() == {"contact_duplicate": (1, 0, 0)}
    Pair.objects.filter(pk=pair.pk).update(state=PairState.NOT_DUPLICATE)
    assert around() == {"lead_duplicate": (0, 0, 1)}
    Lead.objects.filter(pk=other.pk).update(title="Head of purchasing")
    assert around() == {"contact_duplicate": (0, 1, 0)}
    Lead.objects.filter(pk=other.pk).update(merged_into_contact=contact, merged_at=NOW)
    assert (around(), firing()) == ({"contact_duplicate": (0, 0, 1)}, [])


def test_a_pair_wakes_who_listens_when_it_says_something_new(committed_tenant: Tenant) -> None:
    """Told at the commit, under the name of the tenant's schema."""
    connection.ensure_connection()
    session = connection.connection
    session.execute("LISTEN aisha_changes")

    def heard() -> int:
        return len(list(session.notifies(timeout=0.05)))

    lead, other = LeadFactory(), LeadFactory()
    heard()
    pair = make_pair(lead, other)
    assert heard() == 1
    Pair.objects.filter(pk=pair.pk).update(compared_at=NOW)
    assert heard() == 0
    Pair.objects.filter(pk=pair.pk).update(state=PairState.GONE)
    assert heard() == 1
    session.execute("UNLISTEN *")
