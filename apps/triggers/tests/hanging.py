"""The ways on which something hangs on an account."""

from __future__ import annotations

from typing import Any

from apps.crm.models import Account
from apps.crm.tests.factories import ContactFactory, OpportunityFactory


def hanging_on(way: str, account: Account) -> dict[str, Any]:
    """The account itself, one of its contacts, or one of its deals."""
    if way == "account":
        return {"account": account}
    if way == "contact":
        return {"contact": ContactFactory(account=account)}
    return {"opportunity": OpportunityFactory(account=account)}
