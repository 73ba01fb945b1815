"""What counts as a large deal: half of the tenant's open deals in its currency are smaller."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db.models import Aggregate, Count, DecimalField, Q
from pydantic import BaseModel, ConfigDict, JsonValue

from apps.crm.models import Opportunity
from apps.triggers.distribution import DistributionRow
from apps.triggers.moments import Figures

# Of fewer deals a median says little.
LEAST_DEALS = 30


class Amounts(BaseModel):
    """How the amounts of the open deals in one currency are spread, and of how many."""

    model_config = ConfigDict(frozen=True)

    currency: str
    count: int
    median: Decimal
    p80: Decimal


class AmountFigures(BaseModel):
    """The amounts in all currencies with enough deals."""

    model_config = ConfigDict(frozen=True)

    amounts: tuple[Amounts, ...] = ()

    @classmethod
    def of(cls, figures: Figures | None) -> AmountFigures:
        """Read frozen figures; without any every deal is as large as the next."""
        return cls.model_validate(figures.values) if figures else cls()

    def rows(self) -> tuple[DistributionRow, ...]:
        """The figures as people look at them."""
        return tuple(
            DistributionRow(
                label=f"Open deals in {row.currency}" if row.currency else "Open deals",
                count=row.count,
                p50=float(row.median),
                p80=float(row.p80),
                threshold=float(row.median),
                unit=row.currency,
            )
            for row in self.amounts
        )

    def is_large(self) -> Q:
        """Deals at or above their currency's median; in a currency without one, every deal."""
        condition = ~Q(currency__in=[row.currency for row in self.amounts])
        for row in self.amounts:
            condition |= Q(currency=row.currency, amount__gte=row.median)
        return condition


class Percentile(Aggregate):
    """The value that so large a share of the values do not exceed, one that there is."""

    template = "percentile_disc(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DecimalField(max_digits=14, decimal_places=2)


def measure_open_amounts() -> Mapping[str, JsonValue]:
    """Measure the open deals."""
    rows = (
        Opportunity.objects.open()
        .exclude(amount=None)
        .order_by("currency")
        .values("currency")
        .annotate(
            count=Count("pk"),
            median=Percentile("amount", share=0.5),
            p80=Percentile("amount", share=0.8),
        )
        .filter(count__gte=LEAST_DEALS)
    )
    figures = AmountFigures(amounts=tuple(Amounts(**row) for row in rows))
    values: dict[str, JsonValue] = figures.model_dump(mode="json")
    return values
