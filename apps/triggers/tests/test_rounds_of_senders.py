"""Rounds and mail from strangers: whatever happens to one message concerns the others of its sender."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.crm.models import Activity
from apps.crm.tests.factories import AccountFactory, ActivityFactory, ContactFactory, LeadFactory
from apps.tenants.models import Tenant
from apps.triggers.models import Signal
from apps.triggers.tests.test_incremental_equals_full import what_a_full_scan_would_change
from apps.triggers.tests.test_rounds import NOW, around, full

KEY = "inbound_from_unknown_sender"


def messages(*ages_days: int, address: str = "ana@isdom.example") -> list[Activity]:
    return [
        ActivityFactory(
            counterpart_address=address,
            direction="inbound",
            activity_kind="email",
            occurred_at=NOW - timedelta(days=age),
        )
        for age in ages_days
    ]


def firing() -> list[int]:
    return list(
        Signal.objects.firing()
        .filter(trigger=KEY)
        .order_by("pk")
        .values_list("record_id", flat=True)
    )


def look(change: dict[str, object], message: Activity) -> None:
    """A change of one message, then a round, which must leave nothing to a full scan."""
    Activity.objects.filter(pk=message.pk).update(**change)
    around()
    assert what_a_full_scan_would_change(NOW) == {}


def test_the_first_message_is_attached_and_the_second_stands_for_the_sender(
    committed_tenant: Tenant,
) -> None:
    first, second = messages(5, 3)
    full()
    assert firing() == [first.pk]
    look({"account": AccountFactory()}, first)
    assert firing() == [second.pk]


def test_the_first_message_is_dated_after_the_second(committed_tenant: Tenant) -> None:
    first, second = messages(5, 3)
    full()
    look({"occurred_at": NOW - timedelta(days=1)}, first)
    assert firing() == [second.pk]


def test_the_second_message_is_dated_before_the_first(committed_tenant: Tenant) -> None:
    _, second = messages(5, 3)
    full()
    look({"occurred_at": NOW - timedelta(days=7)}, second)
    assert firing() == [second.pk]


def test_the_first_message_was_our_own(committed_tenant: Tenant) -> None:
    first, second = messages(5, 3)
    full()
    look({"direction": "outbound"}, first)
    assert firing() == [second.pk]


def test_a_message_is_detached_and_an_old_one_stands_for_it(committed_tenant: Tenant) -> None:
    old, new = messages(50, 3)
    Activity.objects.filter(pk=new.pk).update(account=AccountFactory())
    full()
    assert firing() == []
    look({"account": None}, new)
    assert firing() == [old.pk]


@pytest.mark.parametrize(
    "address",
    ["Ana@Isdom.example", "MÜLLER@firma.example", "İpek@firma.example", "ΣΑΣ@firma.example"],
)
@pytest.mark.parametrize("maker", [LeadFactory, ContactFactory])
def test_who_has_become_known_is_no_stranger_whatever_the_letters(
    committed_tenant: Tenant, maker: type[LeadFactory], address: str
) -> None:
    messages(3, address=address)
    full()
    assert len(firing()) == 1
    person = maker(email=address)
    around()
    assert what_a_full_scan_would_change(NOW) == {}
    assert firing() == []
    type(person)._default_manager.filter(pk=person.pk).update(email="other@isdom.example")
    around()
    assert what_a_full_scan_would_change(NOW) == {}
    assert len(firing()) == 1
