"""account_silent: a customer with whom nothing happened for long, and nothing is planned."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, ContractOutcome, Direction, TaskStatus
from apps.crm.models import Account, Contract, Opportunity
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContractFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, facts_of, matching
from apps.triggers.tests.hanging import hanging_on

KEY = "account_silent"
SECOND = timedelta(seconds=1)


def customer(*, last: datetime | None = None, **fields: object) -> Account:
    """An account with a running contract, and one call at a moment (a hundred days ago)."""
    account: Account = AccountFactory(created_at=ago(days=400), **fields)
    ContractFactory(account=account)
    ActivityFactory(
        account=account,
        activity_kind=ActivityKind.CALL,
        direction=Direction.OUTBOUND,
        occurred_at=last or ago(days=100),
    )
    return account


@pytest.mark.parametrize(("last", "fires"), [(ago(days=60), True), (ago(days=60) + SECOND, False)])
def test_sixty_days_of_silence(acme: Tenant, last: datetime, fires: bool) -> None:
    account = customer(last=last)
    assert matching(KEY) == ([account.pk] if fires else [])


def test_it_fires_when_the_time_has_come(acme: Tenant) -> None:
    account = customer(last=ago(days=50))
    assert matching(KEY, now=NOW + timedelta(days=10) - SECOND) == []
    assert matching(KEY, now=NOW + timedelta(days=10)) == [account.pk]


@pytest.mark.parametrize(
    ("created_at", "fires"), [(ago(days=60), True), (ago(days=60) + SECOND, False)]
)
def test_without_any_contact_the_silence_began_when_it_was_entered(
    acme: Tenant, created_at: datetime, fires: bool
) -> None:
    account = AccountFactory(created_at=created_at)
    ContractFactory(account=account)
    assert matching(KEY) == ([account.pk] if fires else [])


def test_only_customers(acme: Tenant) -> None:
    ActivityFactory(account=AccountFactory(), occurred_at=ago(days=100))
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("outcome", "fires"),
    [
        (ContractOutcome.OPEN, True),
        (ContractOutcome.CHURNED, False),
        (ContractOutcome.RENEWED, False),
    ],
)
def test_a_running_contract_makes_a_customer(
    acme: Tenant, outcome: ContractOutcome, fires: bool
) -> None:
    account = customer()
    Contract.objects.update(outcome=outcome)
    assert matching(KEY) == ([account.pk] if fires else [])


@pytest.mark.parametrize(
    ("last", "ended", "fires"),
    [
        (ago(days=100), ago(days=190), True),
        (ago(days=100), ago(days=189), False),
        (ago(days=100), ago(days=50), False),
        (ago(days=730) + SECOND, ago(days=900), True),
        (ago(days=730), ago(days=900), False),
    ],
    ids=["kept a quarter", "not as long", "ended since", "within two years", "long ago"],
)
def test_who_did_not_renew_and_was_looked_after_is_a_customer(
    acme: Tenant, last: datetime, ended: datetime, fires: bool
) -> None:
    account = customer(last=last)
    Contract.objects.update(outcome=ContractOutcome.CHURNED, renews_on=ended.date())
    assert matching(KEY) == ([account.pk] if fires else [])


@pytest.mark.parametrize(
    ("stage", "at", "fires"),
    [
        ("won", ago(days=730) + SECOND, True),
        ("won", ago(days=730), False),
        ("lost", ago(days=100), False),
        ("engaging", ago(days=100), False),
    ],
    ids=["won within two years", "won before", "lost", "open"],
)
def test_a_deal_won_lately_makes_one_too(
    acme: Tenant, stage: str, at: datetime, fires: bool
) -> None:
    account = AccountFactory(created_at=ago(days=800))
    OpportunityFactory(account=account, stage=StageFactory(key=stage), stage_entered_at=at)
    assert matching(KEY) == ([account.pk] if fires else [])


@pytest.mark.parametrize("way", ["account", "contact", "deal"])
@pytest.mark.parametrize(
    ("kind", "fires"),
    [(ActivityKind.EMAIL, False), (ActivityKind.MEETING, False), (ActivityKind.NOTE, True)],
)
def test_any_contact_with_the_customer_clears_it(
    acme: Tenant, way: str, kind: ActivityKind, fires: bool
) -> None:
    account = customer()
    ActivityFactory(activity_kind=kind, occurred_at=ago(days=1), **hanging_on(way, account))
    assert matching(KEY) == ([account.pk] if fires else [])


@pytest.mark.parametrize("way", ["account", "contact", "deal"])
def test_a_meeting_that_lies_ahead_is_a_plan(acme: Tenant, way: str) -> None:
    account = customer()
    ActivityFactory(
        activity_kind=ActivityKind.MEETING,
        occurred_at=NOW + timedelta(days=20),
        **hanging_on(way, account),
    )
    # It is nobody's last activity as long as it has not been counted as one.
    Account.objects.update(last_activity_at=ago(days=100))
    assert matching(KEY) == []


@pytest.mark.parametrize("way", ["account", "contact", "deal"])
@pytest.mark.parametrize(("status", "fires"), [(TaskStatus.OPEN, False), (TaskStatus.DONE, True)])
def test_an_open_task_is_a_plan(acme: Tenant, way: str, status: TaskStatus, fires: bool) -> None:
    account = customer()
    TaskFactory(status=status, **hanging_on(way, account))
    assert matching(KEY) == ([account.pk] if fires else [])


def test_what_happens_elsewhere_does_not_count(acme: Tenant) -> None:
    account = customer()
    other = AccountFactory()
    for way in ("account", "contact", "deal"):
        ActivityFactory(occurred_at=ago(days=1), **hanging_on(way, other))
        TaskFactory(**hanging_on(way, other))
    assert matching(KEY) == [account.pk]


def test_an_account_of_nobody_counts(acme: Tenant) -> None:
    account = customer(owner=None)
    assert matching(KEY) == [account.pk]


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [({"silent_days": 100}, True), ({"silent_days": 101}, False)],
)
def test_how_long_is_a_parameter(acme: Tenant, parameters: dict[str, int], fires: bool) -> None:
    account = customer()
    assert matching(KEY, parameters) == ([account.pk] if fires else [])


def test_how_long_a_won_deal_counts_is_one_too(acme: Tenant) -> None:
    account = customer()
    Contract.objects.all().delete()
    won = OpportunityFactory(account=account, stage=StageFactory(key="won"))
    Opportunity.objects.filter(pk=won.pk).update(stage_entered_at=ago(days=90))
    assert matching(KEY, {"won_within_days": 91}) == [account.pk]
    assert matching(KEY, {"won_within_days": 90}) == []


def test_facts(acme: Tenant) -> None:
    account = customer()
    assert facts_of(KEY, account.pk) == {
        "last_activity_at": ago(days=100).isoformat(),
        "created_at": ago(days=400).isoformat(),
        "revision": 1,
    }
