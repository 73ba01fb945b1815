"""renewal_approaching: a contract renews soon, and nothing is planned with the account."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.crm.enums import ContractOutcome, TaskStatus
from apps.crm.models import Account, Contract
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import facts_of, matching

KEY = "renewal_approaching"
TODAY = date(2026, 3, 2)
NEXT_MONTH = date(2026, 4, 1)


def renewing(on: date | None = NEXT_MONTH, **fields: object) -> Account:
    """An account with a running contract that renews on a day."""
    contract: Contract = ContractFactory(renews_on=on, **fields)
    return contract.account


@pytest.mark.parametrize(
    ("on", "fires"),
    [
        (TODAY - timedelta(days=1), False),
        (TODAY, True),
        (TODAY + timedelta(days=60), True),
        (TODAY + timedelta(days=61), False),
        (None, False),
    ],
    ids=["passed", "today", "in sixty days", "later", "without a day"],
)
def test_the_day_of_the_renewal(acme: Tenant, on: date | None, fires: bool) -> None:
    account = renewing(on)
    assert matching(KEY) == ([account.pk] if fires else [])


@pytest.mark.parametrize("outcome", [ContractOutcome.RENEWED, ContractOutcome.CHURNED])
def test_a_contract_that_is_settled_does_not_renew(acme: Tenant, outcome: ContractOutcome) -> None:
    renewing(outcome=outcome)
    assert matching(KEY) == []


def test_days_are_those_of_the_tenant_s_zone(acme: Tenant) -> None:
    account = renewing(TODAY + timedelta(days=61))
    midnight_in_berlin = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert matching(KEY, now=midnight_in_berlin - timedelta(seconds=1)) == []
    assert matching(KEY, now=midnight_in_berlin) == [account.pk]
    assert matching(KEY, now=midnight_in_berlin, zone=ZoneInfo("America/New_York")) == []


def test_it_clears_when_the_day_has_passed(acme: Tenant) -> None:
    account = renewing(NEXT_MONTH)
    # Summer time has begun: the day ends at 22:00 UTC.
    end_of_day = datetime(2026, 4, 1, 22, 0, tzinfo=UTC)
    assert matching(KEY, now=end_of_day - timedelta(seconds=1)) == [account.pk]
    assert matching(KEY, now=end_of_day) == []


def test_an_open_task_on_the_account_is_a_plan(acme: Tenant) -> None:
    account = renewing()
    task = TaskFactory(account=account)
    assert matching(KEY) == []
    task.status = TaskStatus.CANCELLED
    task.save()
    assert matching(KEY) == [account.pk]


def test_a_task_with_somebody_at_the_account_is_one_too(acme: Tenant) -> None:
    account = renewing()
    TaskFactory(account=account, contact=ContactFactory(account=account))
    assert matching(KEY) == []


def test_what_is_planned_about_a_deal_or_elsewhere_is_no_plan_for_the_renewal(
    acme: Tenant,
) -> None:
    account = renewing()
    TaskFactory(account=account, opportunity=OpportunityFactory(account=account))
    TaskFactory(account=account, lead=LeadFactory())
    TaskFactory(contact=ContactFactory(account=account))
    TaskFactory(account=AccountFactory())
    TaskFactory()
    assert matching(KEY) == [account.pk]


def test_an_account_is_named_once_however_many_contracts_renew(acme: Tenant) -> None:
    account = renewing(NEXT_MONTH)
    renewing(TODAY + timedelta(days=10), account=account)
    other = renewing()
    assert matching(KEY) == [account.pk, other.pk]


def test_accounts_without_contract_or_owner(acme: Tenant) -> None:
    AccountFactory()
    nobody_s = renewing(account=AccountFactory(owner=None), owner=None)
    assert matching(KEY) == [nobody_s.pk]


@pytest.mark.parametrize(("ahead_days", "fires"), [(29, False), (30, True), (365, True)])
def test_how_far_ahead_is_a_parameter(acme: Tenant, ahead_days: int, fires: bool) -> None:
    account = renewing(NEXT_MONTH)
    assert matching(KEY, {"ahead_days": ahead_days}) == ([account.pk] if fires else [])


def test_facts_name_the_contract_that_renews_first(acme: Tenant) -> None:
    account = renewing(NEXT_MONTH)
    first = ContractFactory(account=account, renews_on=TODAY + timedelta(days=10))
    ContractFactory(account=account, renews_on=TODAY + timedelta(days=10))
    ContractFactory(account=account, renews_on=TODAY - timedelta(days=10))
    Account.objects.update(name="Renamed")
    assert facts_of(KEY, account.pk) == {
        "contract_id": first.pk,
        "renews_on": "2026-03-12",
        "revision": 2,
    }
