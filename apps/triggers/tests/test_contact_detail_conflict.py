"""contact_detail_conflict: a newer signature disagrees with the contact, or its address bounced."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.crm.enums import ActivityKind, Delivery, Direction, EmailStatus
from apps.crm.models import Activity, ChangeLog, Contact
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "contact_detail_conflict"
SECOND = timedelta(seconds=1)


def contact(**fields: object) -> Contact:
    given = {"phone": "+1 555 0100", "title": "Buyer", "email": "ana@isdom.com", **fields}
    made: Contact = ContactFactory(**given)
    # The row of its creation is older than any message.
    return made


def signed(by: Contact, details: dict[str, Any], **fields: object) -> Activity:
    given = {"contact": by, "occurred_at": ago(days=2), "stated_details": details, **fields}
    mail: Activity = ActivityFactory(**given)
    return mail


def bounced(of: Contact, **fields: object) -> Activity:
    given = {
        "contact": of,
        "direction": Direction.OUTBOUND,
        "delivery": Delivery.BOUNCED,
        "counterpart_address": of.email,
        "occurred_at": ago(days=2),
        **fields,
    }
    mail: Activity = ActivityFactory(**given)
    return mail


@pytest.mark.parametrize(
    ("details", "fires"),
    [
        ({"phone": "+1 555 0123"}, True),
        ({"phone": "+1 (555) 01-00"}, False),
        ({"phone": "555 0100"}, True),
        ({"phone": "+1 555 0100 ext"}, False),
        ({"phone": "n/a"}, False),
        ({"phone": ""}, False),
        ({"phone": None}, False),
        ({"title": "Head of buying"}, True),
        ({"title": " BUYER "}, False),
        ({"email": "ana.lopez@isdom.com"}, True),
        ({"email": "Ana@Isdom.com"}, False),
        ({"company": "Isdom"}, False),
        ({}, False),
    ],
)
def test_what_is_a_difference(acme: Tenant, details: dict[str, Any], fires: bool) -> None:
    ana = contact()
    signed(ana, details)
    assert matching(KEY) == ([ana.pk] if fires else [])


def test_a_detail_that_is_missing_on_file_is_one(acme: Tenant) -> None:
    ana = contact(phone="")
    signed(ana, {"phone": "+1 555 0123"})
    assert matching(KEY) == [ana.pk]


@pytest.mark.parametrize(
    ("at", "fires"),
    [(NOW, True), (NOW + SECOND, False), (ago(days=60) + SECOND, True), (ago(days=60), False)],
)
def test_the_window(acme: Tenant, at: datetime, fires: bool) -> None:
    ana = contact()
    signed(ana, {"phone": "+1 555 0123"}, occurred_at=at)
    assert matching(KEY) == ([ana.pk] if fires else [])


def test_the_window_is_a_parameter(acme: Tenant) -> None:
    ana = contact()
    signed(ana, {"phone": "+1 555 0123"}, occurred_at=ago(days=10))
    assert matching(KEY, {"window_days": 10}) == []
    assert matching(KEY, {"window_days": 11}) == [ana.pk]


def test_the_newest_signature_counts(acme: Tenant) -> None:
    ana = contact()
    signed(ana, {"phone": "+1 555 0123"}, occurred_at=ago(days=5))
    signed(ana, {"phone": "+1 555 0100"}, occurred_at=ago(days=1))
    assert matching(KEY) == []


def test_a_newer_mail_without_a_signature_changes_nothing(acme: Tenant) -> None:
    ana = contact()
    signed(ana, {"phone": "+1 555 0123"}, occurred_at=ago(days=5))
    signed(ana, {}, occurred_at=ago(days=1))
    assert matching(KEY) == [ana.pk]


def test_our_own_signature_is_not_theirs(acme: Tenant) -> None:
    signed(contact(), {"phone": "+1 555 0123"}, direction=Direction.OUTBOUND)
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("changed", "fires"), [({"phone": "+1 555 0177"}, False), ({"title": "Chief buyer"}, True)]
)
def test_a_person_who_changed_the_detail_since_knew_better(
    acme: Tenant, changed: dict[str, str], fires: bool
) -> None:
    ana = contact()
    signed(ana, {"phone": "+1 555 0123"})
    with acting(Actor.for_system("tests")):
        Contact.objects.filter(pk=ana.pk).update(**changed)
    # The change is dated now, after the message of two days before ``NOW``.
    assert ChangeLog.objects.of_record("contact", ana.pk).filter(operation="changed").count() == 1
    assert matching(KEY) == ([ana.pk] if fires else [])


def test_a_bounce_of_the_address_on_file(acme: Tenant) -> None:
    ana = contact()
    mail = bounced(ana, counterpart_address="ANA@isdom.com")
    assert facts_of(KEY, ana.pk) == {
        "phone": None,
        "title": None,
        "email": None,
        "stating_id": None,
        "bounce_id": mail.pk,
        "revision": 1,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"counterpart_address": "old@isdom.com"},
        {"counterpart_address": ""},
        {"delivery": Delivery.DELIVERED},
        {"activity_kind": ActivityKind.NOTE},
        {"occurred_at": ago(days=60)},
    ],
    ids=["another address", "no address", "delivered", "not a mail", "too long ago"],
)
def test_what_is_no_bounce_of_it(acme: Tenant, fields: dict[str, object]) -> None:
    bounced(contact(), **fields)
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("later", "fires"),
    [
        ({"occurred_at": ago(days=1), "counterpart_address": "Ana@isdom.com"}, False),
        ({"occurred_at": ago(days=1), "counterpart_address": "other@isdom.com"}, True),
        ({"occurred_at": ago(days=3), "counterpart_address": "ana@isdom.com"}, True),
    ],
    ids=["it wrote since", "another address wrote since", "it wrote before"],
)
def test_an_address_that_writes_works(acme: Tenant, later: dict[str, object], fires: bool) -> None:
    ana = contact()
    bounced(ana)
    ActivityFactory(contact=ana, direction=Direction.INBOUND, **later)
    assert matching(KEY) == ([ana.pk] if fires else [])


def test_a_known_bounce_is_not_news(acme: Tenant) -> None:
    bounced(contact(email_status=EmailStatus.BOUNCED))
    assert matching(KEY) == []


def test_facts_name_the_message(acme: Tenant) -> None:
    ana = contact()
    mail = signed(
        ana, {"phone": " +1 555 0123 ", "title": "Head of buying", "email": "ana@isdom.com"}
    )
    assert facts_of(KEY, ana.pk) == {
        "phone": " +1 555 0123 ",
        "title": "Head of buying",
        "email": None,
        "stating_id": mail.pk,
        "bounce_id": None,
        "revision": 1,
    }


@pytest.mark.parametrize("stated", ["+1 602 555 0189", "602.555.0189", "0602 5550189"])
def test_one_number_spelled_with_or_without_its_country_code_is_no_conflict(
    acme: Tenant, stated: str
) -> None:
    ana = contact(phone="(602) 555-0189")
    signed(ana, {"phone": stated})
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("stated", "fires"),
    [("030 12345678", False), ("0049 30 1234 5678", False), ("+49 30 12345679", True)],
)
def test_country_code_and_trunk_zero_make_no_difference(
    acme: Tenant, stated: str, fires: bool
) -> None:
    ana = contact(phone="+49 (30) 12345678")
    signed(ana, {"phone": stated})
    assert matching(KEY) == ([ana.pk] if fires else [])
