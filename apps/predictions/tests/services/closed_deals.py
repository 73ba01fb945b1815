"""Deals that another system brought to their end, whose outcome a custom field tells, or nothing does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from apps.crm.enums import DealOutcome, RecordKind
from apps.crm.models import CustomField, Opportunity, Stage
from apps.crm.tests.factories import StageFactory

NOW = datetime(2026, 8, 12, 9, 0, tzinfo=UTC)
TODAY = date(2026, 8, 12)


def stage(outcome: DealOutcome) -> Stage:
    """The tenant's stage of an outcome."""
    found = Stage.objects.filter(outcome=outcome).first()
    return found or StageFactory(outcome=outcome)


def add_closed_deals(count: int, *, is_telling: bool = True) -> None:
    """Closed deals, twenty days long each; of the large ones four of five are won, of the others one."""
    if not CustomField.objects.filter(key="size").exists():
        CustomField.objects.create(
            record_kind=RecordKind.OPPORTUNITY,
            key="size",
            label="Size of the customer",
            field_type="choice",
            choices=["large", "small"],
        )
    Opportunity.objects.bulk_create(
        Opportunity(
            name=f"Closed {number}",
            source="file",
            external_id=str(number),
            stage=stage(DealOutcome.WON if _is_won(number, is_telling) else DealOutcome.LOST),
            amount=Decimal(1000),
            currency="USD",
            opened_on=TODAY - timedelta(days=30 + 2 * (count - number)),
            closed_on=TODAY - timedelta(days=10 + 2 * (count - number)),
            attributes={"size": "large" if number % 2 else "small"},
        )
        for number in range(count)
    )


def add_open_deals() -> tuple[Opportunity, Opportunity]:
    """A large and a small one."""
    large, small = (
        Opportunity.objects.create(
            name=size,
            stage=stage(DealOutcome.OPEN),
            amount=Decimal(1000),
            currency="USD",
            opened_on=TODAY,
            created_at=NOW - timedelta(days=1),
            attributes={"size": size},
        )
        for size in ("large", "small")
    )
    return large, small


def _is_won(number: int, is_telling: bool) -> bool:
    turn = number // 2 % 5
    if not is_telling:
        return turn % 2 == 0
    return turn > 0 if number % 2 else turn == 0
