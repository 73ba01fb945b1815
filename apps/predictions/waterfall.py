"""What moved a forecast since a week before, from two published rows and what became of their deals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import models

from apps.crm.enums import DealOutcome
from apps.crm.models import Opportunity
from apps.predictions.forecasts import PublishedForecast, figures_of, of_same_stretch
from apps.predictions.models import Forecast
from apps.predictions.schemas import DealShare

# “Last week” is the newest forecast that is at least this old, and not much older.
LEAST_AGE, MOST_AGE = timedelta(days=7), timedelta(days=14)
_CENT = Decimal("0.01")


class Cause(models.TextChoices):
    """Why a forecast moved."""

    WON = "won", "Won"
    LOST = "lost", "Lost, or won outside these days"
    NEW_DEALS = "new_deals", "New deals"
    AMOUNTS = "amounts", "Amounts changed"
    PROBABILITIES = "probabilities", "Probabilities changed"
    NEW_BUSINESS = "new_business", "Business not in the pipeline yet"
    REST = "rest", "Rest"


@dataclass(frozen=True, slots=True)
class Step:
    """How much one cause moved the forecast, and by how many deals where it is about deals."""

    cause: Cause
    amount: Decimal
    deals: int | None


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From an earlier forecast of the same days to a later one; the steps add up exactly."""

    before: Forecast
    after: Forecast
    steps: tuple[Step, ...]
    is_same_method: bool

    @property
    def change(self) -> Decimal:
        """How far the middle one of the three numbers has moved."""
        return self.after.p50 - self.before.p50


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of a deal that a forecast no longer counts among the open ones."""

    outcome: str
    closed_on: date | None


def read_waterfall(after: PublishedForecast) -> Waterfall | None:
    """What moved it since about a week before, in two queries; None without a forecast of then."""
    made_on = after.row.made_on
    earlier = of_same_stretch(after.row).filter(
        made_on__range=(made_on - MOST_AGE, made_on - LEAST_AGE)
    )
    row = earlier.last()
    if row is None:
        return None
    before = PublishedForecast(row, figures_of(row))
    still_open = {share.deal_id for share in after.figures.deals}
    gone = [share.deal_id for share in before.figures.deals if share.deal_id not in still_open]
    closed = Opportunity.objects.filter(pk__in=gone).order_by()
    fates = {
        pk: Fate(outcome, closed_on)
        for pk, outcome, closed_on in closed.values_list("pk", "outcome", "closed_on")
    }
    return Waterfall(
        before=row,
        after=after.row,
        steps=explain(before, after, fates),
        is_same_method=before.figures.method == after.figures.method,
    )


def explain(
    before: PublishedForecast, after: PublishedForecast, fates: Mapping[int, Fate]
) -> tuple[Step, ...]:
    """Divide the way between two forecasts of the same days into its causes.

    A deal that was won brings its amount instead of what was expected of it. Of one that is open in both,
    the change of the amount is told at the former probability, that of the probability at the new amount.
    What no cause explains is the rest: medians do not add up as expected values do, and deals may have
    been deleted or given to somebody else.
    """
    then = {share.deal_id: share for share in before.figures.deals}
    now = {share.deal_id: share for share in after.figures.deals}
    gone = [share for share in before.figures.deals if share.deal_id not in now]
    closed = [share for share in gone if _is_closed(fates.get(share.deal_id))]
    won = [share for share in closed if _is_won_within(after.row, fates[share.deal_id])]
    won_ids = {share.deal_id for share in won}
    lost = [share for share in closed if share.deal_id not in won_ids]
    new = [share for share in after.figures.deals if share.deal_id not in then]
    both = [(then[key], now[key]) for key in then if key in now]
    won_since = after.row.won_so_far - before.row.won_so_far
    steps = [
        Step(Cause.WON, won_since - _expected(won), len(won)),
        Step(Cause.LOST, -_expected(lost), len(lost)),
        Step(Cause.NEW_DEALS, _expected(new), len(new)),
        _step(
            Cause.AMOUNTS,
            [(b.amount - a.amount) * a.probability_0_1 for a, b in both if a.amount != b.amount],
        ),
        _step(
            Cause.PROBABILITIES,
            [
                (b.probability_0_1 - a.probability_0_1) * b.amount
                for a, b in both
                if a.probability_0_1 != b.probability_0_1
            ],
        ),
        Step(
            Cause.NEW_BUSINESS,
            _cents(after.figures.new_business - before.figures.new_business),
            None,
        ),
    ]
    explained = sum((step.amount for step in steps), Decimal(0))
    change = after.row.p50 - before.row.p50
    return (*steps, Step(Cause.REST, change - explained, None))


def _step(cause: Cause, changes: list[float]) -> Step:
    return Step(cause, _cents(sum(changes)), len(changes))


def _expected(shares: list[DealShare]) -> Decimal:
    return _cents(sum(share.expected for share in shares))


def _cents(value: float) -> Decimal:
    return Decimal(value).quantize(_CENT)


def _is_closed(fate: Fate | None) -> bool:
    return fate is not None and fate.outcome != DealOutcome.OPEN


def _is_won_within(row: Forecast, fate: Fate) -> bool:
    if fate.outcome != DealOutcome.WON or fate.closed_on is None:
        return False
    return row.starts_on <= fate.closed_on <= row.ends_on
