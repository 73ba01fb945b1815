"""Deals for the tests of the first page's figures."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.crm.models import Opportunity, Stage
from apps.crm.tests.factories import OpportunityFactory
from apps.dashboard.asked import DEFAULT_DAYS, Asked
from apps.dashboard.enums import Scope
from apps.users.models import User


def asked_by(
    person: User,
    scope: Scope = Scope.EVERYONE,
    days: int = DEFAULT_DAYS,
    now: datetime | None = None,
) -> Asked:
    """Ask a little later than now: the clock of the database dates what these tests change."""
    return Asked(person, scope, days, now or timezone.now() + timedelta(minutes=1))


def stage(key: str) -> Stage:
    return Stage.objects.get(key=key)


def stages() -> tuple[Stage, ...]:
    return tuple(Stage.objects.order_by("position"))


def moved_deal(*path: str, days_ago: float = 10, **fields: Any) -> Opportunity:
    """A deal that was entered some days ago and has just gone from stage to stage."""
    created_at = timezone.now() - timedelta(days=days_ago)
    deal: Opportunity = OpportunityFactory(
        **{
            "stage": stage(path[0]),
            "created_at": created_at,
            "stage_entered_at": created_at,
            **fields,
        }
    )
    for key in path[1:]:
        Opportunity.objects.filter(pk=deal.pk).update(stage=stage(key))
    return Opportunity.objects.get(pk=deal.pk)


def closed_deal(
    outcome: str, closed_on: date, amount: int | None = 100, **fields: Any
) -> Opportunity:
    """A deal that was won or lost on a day."""
    worth = None if amount is None else Decimal(amount)
    deal: Opportunity = OpportunityFactory(
        stage=stage(outcome), closed_on=closed_on, amount=worth, **fields
    )
    return deal
