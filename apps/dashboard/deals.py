"""Open deals by stage, what they cover, and how fast deals are won; each currency for itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import TruncWeek

from apps.crm.enums import DealOutcome
from apps.crm.models import Stage
from apps.crm.querysets import OpportunityQuerySet
from apps.dashboard.asked import Asked

# A judgement: the median of fewer than ten moves by days with each further deal, and a rate by ten points.
LEAST_CLOSED = 10

NOTHING = Decimal(0)


class Median(Aggregate):
    """The value that half of the values do not exceed, between two where there is none."""

    template = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True, slots=True)
class StageSum:
    """The open deals of one stage in one currency; ``unvalued`` ones have no amount."""

    stage: Stage
    count: int = 0
    amount: Decimal = NOTHING
    unvalued: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What should still be won in this quarter, against what its target leaves to be won.

    ``closing`` are open deals that should close from today to the end of the quarter, ``overdue`` those
    whose day has passed. Where no target is set, the pipeline is held against ``same_part_amount``, which
    was won in the last quarter from the same day on to its end.
    """

    closing_count: int
    closing_amount: Decimal
    overdue_count: int
    overdue_amount: Decimal
    same_part_amount: Decimal
    won_so_far_amount: Decimal
    won_by_then_amount: Decimal
    target_amount: Decimal | None = None

    @property
    def to_win_amount(self) -> Decimal:
        """What the pipeline is held against: the rest of the target, or the last quarter's same part."""
        if self.target_amount is None:
            return self.same_part_amount
        return max(self.target_amount - self.won_so_far_amount, NOTHING)

    @property
    def ratio(self) -> float | None:
        """How many times what is to be won; None where that is nothing."""
        return float(self.closing_amount / self.to_win_amount) if self.to_win_amount else None


@dataclass(frozen=True, slots=True)
class Closings:
    """Deals that were won and lost in the period; ``cycle`` is the median time from opening to won.

    It counts won deals that have both days (``cycle_count``). Of fewer than ``LEAST_CLOSED`` neither
    ``cycle_days`` nor ``win_rate_0_1`` is told.
    """

    won: int = 0
    lost: int = 0
    cycle_count: int = 0
    cycle: timedelta | None = None

    @property
    def win_rate_0_1(self) -> float | None:
        """The share of closed deals that was won."""
        closed = self.won + self.lost
        return self.won / closed if closed >= LEAST_CLOSED else None

    @property
    def cycle_days(self) -> float | None:
        """The median days from opening to won, where enough were won to tell."""
        if self.cycle is None or self.cycle_count < LEAST_CLOSED:
            return None
        return self.cycle / timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CurrencyPipeline:
    """The deals in one currency: open ones by stage, coverage, closings of the period."""

    currency: str
    stages: tuple[StageSum, ...]
    coverage: Coverage
    closings: Closings
    won_amount: Decimal
    average_won: Decimal | None

    @property
    def count(self) -> int:
        """Open deals."""
        return sum(row.count for row in self.stages)

    @property
    def amount(self) -> Decimal:
        """What the open deals are worth together."""
        return sum((row.amount for row in self.stages), NOTHING)

    @property
    def unvalued(self) -> int:
        """Open deals without an amount."""
        return sum(row.unvalued for row in self.stages)

    @property
    def velocity_per_day(self) -> Decimal | None:
        """Money a day: open deals × share won × average won amount ÷ median days from opening to won.

        The usual formula of sales velocity. None where one of its parts is not known.
        """
        rate, days = self.closings.win_rate_0_1, self.closings.cycle_days
        if rate is None or not days or self.average_won is None:
            return None
        return self.count * Decimal(rate) * self.average_won / Decimal(days)


@dataclass(frozen=True, slots=True)
class Week:
    """Deals won and lost in one week, which begins on a Monday; the first may be cut by the period."""

    begins_on: date
    won: int
    lost: int


def read_pipelines(
    deals: OpportunityQuerySet,
    asked: Asked,
    stages: Sequence[Stage],
    targets: Mapping[str, Decimal],
) -> tuple[CurrencyPipeline, ...]:
    """Read every currency with open deals or closings, that with most open deals first; two queries.

    ``targets`` are those of the present quarter, by currency.
    """
    sums, opened = _open(deals, asked, {stage.pk: stage for stage in stages})
    closed = _closed_by_currency(deals, asked)
    open_stages = [stage for stage in stages if stage.outcome == DealOutcome.OPEN]
    found = []
    for currency in {*opened, *closed}:
        by_stage = sums[currency]
        soon, done = opened.get(currency, _OpenSums()), closed.get(currency, _ClosedSums())
        found.append(
            CurrencyPipeline(
                currency=currency,
                stages=tuple(by_stage.get(stage.pk) or StageSum(stage) for stage in open_stages),
                coverage=Coverage(
                    closing_count=soon.closing_count,
                    closing_amount=soon.closing_amount,
                    overdue_count=soon.overdue_count,
                    overdue_amount=soon.overdue_amount,
                    same_part_amount=done.same_part,
                    won_so_far_amount=done.so_far,
                    won_by_then_amount=done.by_then,
                    target_amount=targets.get(currency),
                ),
                closings=done.closings,
                won_amount=done.won_amount,
                average_won=done.won_amount / done.won_valued if done.won_valued else None,
            )
        )
    return tuple(sorted(found, key=lambda row: (-row.count, -row.closings.won, row.currency)))


def read_closings(deals: OpportunityQuerySet, asked: Asked) -> Closings:
    """What was won and lost in the period, in all currencies; one query."""
    return Closings(**_closed(deals, asked).aggregate(**_counts(asked)))


def read_weeks(deals: OpportunityQuerySet, asked: Asked) -> tuple[Week, ...]:
    """Every week of the period, the first one first; one query."""
    rows = (
        _closed(deals, asked)
        .filter(_in_period(asked))
        .order_by()
        .values_list(TruncWeek("closed_on"), "outcome")
        .annotate(Count("pk"))
    )
    counts = {(week, outcome): count for week, outcome, count in rows}
    first = asked.first_day - timedelta(days=asked.first_day.weekday())
    weeks = (first + timedelta(days=7 * n) for n in range((asked.today - first).days // 7 + 1))
    return tuple(
        Week(week, counts.get((week, DealOutcome.WON), 0), counts.get((week, DealOutcome.LOST), 0))
        for week in weeks
    )


@dataclass(frozen=True, slots=True)
class _OpenSums:
    """What one currency's open deals add up to by their expected close date."""

    closing_count: int = 0
    closing_amount: Decimal = NOTHING
    overdue_count: int = 0
    overdue_amount: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class _ClosedSums:
    """What one currency's closed deals add up to: in the period, this quarter, and parts of the last one."""

    closings: Closings = Closings()
    won_amount: Decimal = NOTHING
    won_valued: int = 0
    so_far: Decimal = NOTHING
    by_then: Decimal = NOTHING
    same_part: Decimal = NOTHING


def _open(
    deals: OpportunityQuerySet, asked: Asked, stages: Mapping[int, Stage]
) -> tuple[Mapping[str, dict[int, StageSum]], dict[str, _OpenSums]]:
    is_closing = Q(expected_close_on__range=(asked.today, asked.quarter.ends_on))
    is_overdue = Q(expected_close_on__lt=asked.today)
    rows = (
        deals.open()
        .order_by()
        .values_list("currency", "stage_id")
        .annotate(
            deals=Count("pk"),
            worth=Sum("amount"),
            unvalued=Count("pk", filter=Q(amount=None)),
            soon=Count("pk", filter=is_closing),
            soon_worth=Sum("amount", filter=is_closing),
            late=Count("pk", filter=is_overdue),
            late_worth=Sum("amount", filter=is_overdue),
        )
    )
    sums: defaultdict[str, dict[int, StageSum]] = defaultdict(dict)
    totals: defaultdict[str, _OpenSums] = defaultdict(_OpenSums)
    for currency, stage, count, amount, unvalued, soon, soon_worth, late, late_worth in rows:
        sums[currency][stage] = StageSum(stages[stage], count, amount or NOTHING, unvalued)
        so_far = totals[currency]
        totals[currency] = _OpenSums(
            so_far.closing_count + soon,
            so_far.closing_amount + (soon_worth or NOTHING),
            so_far.overdue_count + late,
            so_far.overdue_amount + (late_worth or NOTHING),
        )
    return sums, totals


def _closed(deals: OpportunityQuerySet, asked: Asked) -> OpportunityQuerySet:
    """Deals closed since the period or the last quarter began, whichever was first."""
    since = min(asked.first_day, asked.quarter.before.begins_on)
    return deals.exclude(outcome=DealOutcome.OPEN).filter(
        closed_on__gte=since, closed_on__lte=asked.today
    )


def _in_period(asked: Asked) -> Q:
    return Q(closed_on__gte=asked.first_day)


def _counts(asked: Asked) -> dict[str, Aggregate]:
    """The fields of ``Closings``."""
    is_won = Q(_in_period(asked), outcome=DealOutcome.WON)
    has_both = Q(is_won, opened_on__lte=F("closed_on"))
    days = ExpressionWrapper(F("closed_on") - F("opened_on"), output_field=DurationField())
    return {
        "won": Count("pk", filter=is_won),
        "lost": Count("pk", filter=Q(_in_period(asked), outcome=DealOutcome.LOST)),
        "cycle_count": Count("pk", filter=has_both),
        "cycle": Median(days, filter=has_both, output_field=DurationField()),
    }


def _closed_by_currency(deals: OpportunityQuerySet, asked: Asked) -> dict[str, _ClosedSums]:
    is_won = Q(outcome=DealOutcome.WON)
    in_period = Q(_in_period(asked), is_won)
    this, last = asked.quarter, asked.quarter.before
    same_day = this.same_day_in(last, asked.today)
    rows = (
        _closed(deals, asked)
        .order_by()
        .values_list("currency")
        .annotate(
            **_counts(asked),
            won_valued=Count("amount", filter=in_period),
            won_amount=Sum("amount", filter=in_period),
            so_far=Sum("amount", filter=Q(is_won, closed_on__gte=this.begins_on)),
            by_then=Sum("amount", filter=Q(is_won, closed_on__range=(last.begins_on, same_day))),
            same_part=Sum("amount", filter=Q(is_won, closed_on__range=(same_day, last.ends_on))),
        )
    )
    return {
        currency: _ClosedSums(
            closings=Closings(won, lost, cycle_count, cycle),
            won_amount=sums[0] or NOTHING,
            won_valued=won_valued,
            so_far=sums[1] or NOTHING,
            by_then=sums[2] or NOTHING,
            same_part=sums[3] or NOTHING,
        )
        for currency, won, lost, cycle_count, cycle, won_valued, *sums in rows
    }
