"""What counts as a large deal: the median of the tenant's own open deals, in each currency for itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db.models import Aggregate, Count, DecimalField, Q
from pydantic import BaseModel, ConfigDict, JsonValue

from apps.crm.models import Opportunity
from apps.triggers.moments import Figures

# Of fewer deals a median says little.
LEAST_DEALS = 30


class MedianAmount(BaseModel):
    """The median amount of the open deals in one currency, and of how many."""

    model_config = ConfigDict(frozen=True)

    currency: str
    count: int
    median: Decimal


class AmountFigures(BaseModel):
    """The medians of all currencies with enough deals."""

    model_config = ConfigDict(frozen=True)

    medians: tuple[MedianAmount, ...] = ()

    @classmethod
    def of(cls, figures: Figures | None) -> AmountFigures:
        """Read frozen figures; without any every deal is as large as the next."""
        return cls.model_validate(figures.values) if figures else cls()

    def is_large(self) -> Q:
        """Deals at or above their currency's median; in a currency without one, every deal."""
        condition = ~Q(currency__in=[row.currency for row in self.medians])
        for row in self.medians:
            condition |= Q(currency=row.currency, amount__gte=row.median)
        return condition


class Median(Aggregate):
    """The middle value, one that there is."""

    template = "percentile_disc(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DecimalField(max_digits=14, decimal_places=2)


def measure_open_amounts() -> Mapping[str, JsonValue]:
    """Measure the open deals."""
    rows = (
        Opportunity.objects.open()
        .exclude(amount=None)
        .order_by("currency")
        .values("currency")
        .annotate(count=Count("pk"), median=Median("amount"))
        .filter(count__gte=LEAST_DEALS)
    )
    figures = AmountFigures(medians=tuple(MedianAmount(**row) for row in rows))
    values: dict[str, JsonValue] = figures.model_dump(mode="json")
    return values
