"""contact_unresponsive: somebody with an open deal to whom we wrote again and again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, Direction, TaskStatus
from apps.crm.models import Contact
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.triggers.exceptions import InvalidParametersError
from apps.triggers.rules import registry
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "contact_unresponsive"
SECOND = timedelta(seconds=1)
ATTEMPTS = (ago(days=40), ago(days=30), ago(days=20), ago(days=10))


def unresponsive(*attempts: datetime, **fields: object) -> Contact:
    """A contact with an open deal of their own and our mails, four unless others are given."""
    contact: Contact = ContactFactory(**fields)
    OpportunityFactory(contact=contact, account=None)
    for at in attempts or ATTEMPTS:
        write_to(contact, at)
    return contact


def write_to(contact: Contact, at: datetime, **fields: object) -> None:
    ActivityFactory(
        **{"contact": contact, "direction": Direction.OUTBOUND, "occurred_at": at, **fields}
    )


def test_four_messages_without_an_answer(acme: Tenant) -> None:
    contact = unresponsive()
    assert matching(KEY) == [contact.pk]


def test_three_are_not_enough(acme: Tenant) -> None:
    unresponsive(*ATTEMPTS[1:])
    assert matching(KEY) == []


@pytest.mark.parametrize(("first", "fires"), [(ago(days=45) + SECOND, True), (ago(days=45), False)])
def test_an_attempt_that_leaves_the_window_no_longer_counts(
    acme: Tenant, first: datetime, fires: bool
) -> None:
    contact = unresponsive(first, *ATTEMPTS[1:])
    assert matching(KEY) == ([contact.pk] if fires else [])


@pytest.mark.parametrize(
    ("last", "fires"),
    [
        (ago(days=3), True),
        (ago(days=3) + SECOND, False),
        (NOW + timedelta(days=2), False),
    ],
    ids=["waited three days", "may still be answered", "a call lies ahead"],
)
def test_the_last_attempt_is_given_three_days(acme: Tenant, last: datetime, fires: bool) -> None:
    contact = unresponsive(*ATTEMPTS, last)
    assert matching(KEY) == ([contact.pk] if fires else [])


@pytest.mark.parametrize(
    ("kind", "direction", "fires"),
    [
        (ActivityKind.EMAIL, Direction.INBOUND, False),
        (ActivityKind.CALL, Direction.INBOUND, False),
        (ActivityKind.MEETING, Direction.NONE, False),
        (ActivityKind.MEETING, Direction.OUTBOUND, False),
        (ActivityKind.NOTE, Direction.INBOUND, True),
        (ActivityKind.CALL, Direction.NONE, True),
    ],
)
@pytest.mark.parametrize("at", [ago(days=44), ago(days=5), NOW + timedelta(days=3)], ids=str)
def test_a_response_in_the_window_clears_it(
    acme: Tenant, kind: ActivityKind, direction: Direction, at: datetime, fires: bool
) -> None:
    contact = unresponsive()
    write_to(contact, at, activity_kind=kind, direction=direction)
    assert matching(KEY) == ([contact.pk] if fires else [])


@pytest.mark.parametrize(("at", "fires"), [(ago(days=45), True), (ago(days=45) + SECOND, False)])
def test_a_response_before_the_window_does_not(acme: Tenant, at: datetime, fires: bool) -> None:
    contact = unresponsive()
    write_to(contact, at, direction=Direction.INBOUND)
    assert matching(KEY) == ([contact.pk] if fires else [])


def test_calls_count_as_messages_and_notes_do_not(acme: Tenant) -> None:
    contact = unresponsive(*ATTEMPTS[1:])
    write_to(contact, ago(days=15), activity_kind=ActivityKind.NOTE)
    assert matching(KEY) == []
    write_to(contact, ago(days=15), activity_kind=ActivityKind.CALL)
    assert matching(KEY) == [contact.pk]


def test_an_open_task_on_the_contact_is_a_plan(acme: Tenant) -> None:
    contact = unresponsive()
    task = TaskFactory(contact=contact)
    assert matching(KEY) == []
    task.status = TaskStatus.DONE
    task.save()
    assert matching(KEY) == [contact.pk]


@pytest.mark.parametrize(("stage", "fires"), [("engaging", True), ("lost", False), ("won", False)])
@pytest.mark.parametrize("is_at_account", [True, False])
def test_only_where_a_deal_is_open(
    acme: Tenant, stage: str, is_at_account: bool, fires: bool
) -> None:
    contact = ContactFactory(account=AccountFactory())
    where = {"account": contact.account} if is_at_account else {"contact": contact, "account": None}
    OpportunityFactory(stage=StageFactory(key=stage), **where)
    OpportunityFactory(account=AccountFactory())
    for at in ATTEMPTS:
        write_to(contact, at)
    assert matching(KEY) == ([contact.pk] if fires else [])


def test_a_contact_without_account_shares_no_deal_of_nobody(acme: Tenant) -> None:
    contact = ContactFactory(account=None)
    OpportunityFactory(account=None)
    for at in ATTEMPTS:
        write_to(contact, at)
    assert matching(KEY) == []


def test_who_is_not_to_be_contacted_is_left_alone(acme: Tenant) -> None:
    unresponsive(do_not_contact=True)
    assert matching(KEY) == []


def test_what_was_written_to_others_does_not_count(acme: Tenant) -> None:
    unresponsive(*ATTEMPTS[1:])
    lead = LeadFactory()
    ActivityFactory(lead=lead, direction=Direction.OUTBOUND, occurred_at=ago(days=12))
    assert matching(KEY) == []


def test_it_clears_by_time(acme: Tenant) -> None:
    contact = unresponsive()
    assert matching(KEY, now=NOW + timedelta(days=5) - SECOND) == [contact.pk]
    assert matching(KEY, now=NOW + timedelta(days=5)) == []


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"outbound_count": 5}, False),
        ({"window_days": 40}, False),
        ({"window_days": 41}, True),
        ({"wait_days": 10}, True),
        ({"wait_days": 11}, False),
    ],
)
def test_parameters_move_the_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    contact = unresponsive()
    assert matching(KEY, parameters) == ([contact.pk] if fires else [])


def test_a_window_that_can_hold_nothing_is_refused() -> None:
    with pytest.raises(InvalidParametersError, match="window_days must be greater than wait_days"):
        registry.get(KEY).parse({"window_days": 10, "wait_days": 10})


def test_facts(acme: Tenant) -> None:
    contact = unresponsive(owner=None)
    write_to(contact, ago(days=50), direction=Direction.INBOUND)
    write_to(contact, ago(days=90), direction=Direction.INBOUND)
    assert facts_of(KEY, contact.pk) == {
        "outbound_count": 4,
        "last_outbound_at": ago(days=10).isoformat(),
        "last_inbound_at": ago(days=50).isoformat(),
        "revision": 1,
    }


def test_facts_of_somebody_who_never_wrote(acme: Tenant) -> None:
    contact = unresponsive()
    assert facts_of(KEY, contact.pk)["last_inbound_at"] is None
