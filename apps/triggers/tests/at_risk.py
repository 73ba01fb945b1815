"""Accounts with a renewal ahead, and the signs of ``account_at_risk``."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from apps.crm.enums import ActivityKind, Direction
from apps.crm.models import Account, Activity, Contract
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
    ContractFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.tests.factories import ScoreFactory
from apps.triggers.tests.asking import ago

KEY = "account_at_risk"
SECOND = timedelta(seconds=1)
TODAY = date(2026, 3, 2)
LATELY, BEFORE = ago(days=10), ago(days=60)


def renewing(on: date | None = TODAY + timedelta(days=45), **fields: object) -> Account:
    """An account with a running contract that renews on a day."""
    contract: Contract = ContractFactory(renews_on=on, **fields)
    return contract.account


def at_high_risk(on: date | None = TODAY + timedelta(days=45), **fields: object) -> Account:
    """The same, with a risk that needs another sign."""
    account = renewing(on, **fields)
    score(account, 0.6)
    return account


def thinning(account: Account, *, former: int = 10, recent: int = 0) -> Account:
    """So many contacts within the 90 days before the last 30, and so many calls within those.

    Two of the former are mails of ours of five weeks ago: they were not answered, and it is not silent yet.
    """
    for at, count in ((BEFORE, former - 2), (LATELY, recent)):
        call(count, at, account=account)
    for days in (40, 36):
        write(ago(days=days), account=account)
    return account


def write(at: datetime, **about: object) -> None:
    ActivityFactory(
        activity_kind=ActivityKind.EMAIL, direction=Direction.OUTBOUND, occurred_at=at, **about
    )


def silent(account: Account) -> Account:
    """Contact once, two months ago."""
    call(1, BEFORE, account=account)
    return account


def call(count: int, at: datetime, **about: object) -> None:
    ActivityFactory.create_batch(
        count,
        activity_kind=ActivityKind.CALL,
        direction=Direction.OUTBOUND,
        occurred_at=at,
        **about,
    )


def waiting(account: Account, **fields: object) -> Activity:
    """A mail of one of its contacts, of two weeks ago."""
    if "contact" not in fields:
        fields["contact"] = ContactFactory(account=account)
    mail: Activity = ActivityFactory(**{"occurred_at": ago(days=14), **fields})
    return mail


def score(account: Account, score_0_1: float, **fields: object) -> None:
    """Its risk of not renewing, in force."""
    ScoreFactory(
        **{
            "prediction": Prediction.RENEWAL_RISK,
            "record_kind": "account",
            "record_id": account.pk,
            "score_0_1": score_0_1,
            **fields,
        }
    )
