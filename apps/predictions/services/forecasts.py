"""Publishing forecasts: a tenant's deals become P10, P50 and P90 of the company, its teams and people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Func, Value

from apps.predictions.enums import ForecastWindow
from apps.predictions.forecasting.results import (
    Contribution,
    GroupForecast,
    Interval,
    Method,
    Part,
    TooLittleHistory,
)
from apps.predictions.forecasting.results import Forecast as Foretold
from apps.predictions.forecasting.windows import Window, months_on
from apps.predictions.models import Forecast
from apps.predictions.schemas import DealShare, FanPoint, ForecastFigures, MethodRecord
from apps.predictions.services.deal_reading import currencies_of_deals, read_deals
from apps.tenants.services import current_tenant
from apps.tenants.work.runs import Tell

if TYPE_CHECKING:
    # Numerical libraries load where they are used: never in the web process.
    from apps.predictions.forecasting.deals import DealHistory
    from apps.predictions.forecasting.fan import FanDay

# What moved since last week is read from the deals' shares; older forecasts are kept without them.
SHARES_KEPT = timedelta(days=35)
_CENT = Decimal("0.01")


def publish_forecasts(*, now: datetime, tell: Tell) -> str:
    """Publish today's forecasts of every currency and window; a second time the same day replaces them.

    Returns what came of it, in words.

    Raises:
        WorkCancelledError: a person wants it to stop.
    """
    from apps.predictions.forecasting.fan import fan
    from apps.predictions.forecasting.forecast import forecast

    tenant = current_tenant()
    today = now.astimezone(tenant.zone).date()
    currencies = currencies_of_deals(tenant)
    steps = [(currency, kind) for currency in currencies for kind in ForecastWindow]
    histories = {currency: read_deals(tenant, currency) for currency in currencies}
    published, needs = 0, "There are no deals yet."
    for done, (currency, kind) in enumerate(steps):
        tell(done, len(steps))
        history = histories[currency]
        told = forecast(history, today=today, window=window_of(kind, today))
        if isinstance(told, TooLittleHistory):
            needs = told.needs
            continue
        _publish(_Publication(kind, currency, told, history, fan(history, told)), now)
        published += 1
    _forget_old_shares(today)
    if not published:
        return f"There is too little history for a forecast. {needs}"
    return f"{published} forecasts were published, of {', '.join(currencies)}."


def window_of(kind: ForecastWindow, today: date) -> Window:
    """The stretch of time on a day: calendar months, and the calendar quarter."""
    month = today.replace(day=1)
    match kind:
        case ForecastWindow.THIS_MONTH:
            return Window(month, months_on(month, 1))
        case ForecastWindow.NEXT_MONTH:
            return Window(months_on(month, 1), months_on(month, 2))
        case ForecastWindow.QUARTER:
            first = month.replace(month=(month.month - 1) // 3 * 3 + 1)
            return Window(first, months_on(first, 3))


@dataclass(frozen=True)
class _Publication:
    """A forecast on its way into the table."""

    kind: ForecastWindow
    currency: str
    told: Foretold
    history: DealHistory
    fan: tuple[FanDay, ...]

    def rows(self) -> Iterator[Forecast]:
        """Of the company, then of each team and person who has a deal."""
        told = self.told
        new_business = sum(part.expected for part in told.parts if part.part is Part.NEW_BUSINESS)
        company = self._figures(self._shares, new_business).model_copy(
            update={"methods": self._methods(), "fan": tuple(map(_point, self.fan))}
        )
        yield self._row(told.interval, told.won_so_far, company)
        for group in told.teams:
            if group.name:
                yield self._of_group(group, self._shares_of_team(group.name), "team_id")
        for group in told.owners:
            if group.name:
                mine = [share for share in self._shares if share.owner_id == int(group.name)]
                yield self._of_group(group, mine, "owner_id")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {deal: place for place, deal in enumerate(self.history.ids)}

    @cached_property
    def _shares(self) -> list[DealShare]:
        return [self._share_of(row) for row in self.told.contributions if row.probability_0_1 > 0]

    def _share_of(self, row: Contribution) -> DealShare:
        history, place = self.history, self._places[row.deal_id]
        owner, amount = history.owners[int(history.owner[place])], float(history.amount[place])
        return DealShare(
            deal_id=int(row.deal_id),
            owner_id=int(owner) if owner else None,
            probability_0_1=row.probability_0_1,
            amount=row.expected / row.probability_0_1 if math.isnan(amount) else amount,
            expected=row.expected,
        )

    def _shares_of_team(self, name: str) -> list[DealShare]:
        members = self.history.team == self.history.teams.index(name)
        return [share for share in self._shares if members[self._places[str(share.deal_id)]]]

    def _of_group(self, group: GroupForecast, shares: Sequence[DealShare], scope: str) -> Forecast:
        open_deals = sum(share.expected for share in shares)
        new_business = max(group.expected - group.won_so_far - open_deals, 0.0)
        figures = self._figures(shares, new_business)
        row = self._row(group.interval, group.won_so_far, figures)
        setattr(row, scope, int(group.name))
        return row

    def _row(self, interval: Interval, won_so_far: float, figures: ForecastFigures) -> Forecast:
        return Forecast(
            window=self.kind,
            starts_on=self.told.window.start,
            ends_on=self.told.window.end - timedelta(days=1),
            currency=self.currency,
            made_on=self.told.today,
            p10=_money(interval.p10),
            p50=_money(interval.p50),
            p90=_money(interval.p90),
            won_so_far=_money(won_so_far),
            figures=figures.model_dump(mode="json"),
        )

    def _figures(self, shares: Sequence[DealShare], new_business: float) -> ForecastFigures:
        told = self.told
        return ForecastFigures(
            method=told.method.value,
            method_label=told.method.label,
            chosen_because=told.chosen_because,
            cutoffs=len(told.backtest.cutoffs),
            open_deals=round(sum(share.expected for share in shares), 2),
            new_business=round(new_business, 2),
            remarks=told.remarks,
            deals=tuple(shares),
            methods=(),
            fan=(),
        )

    def _methods(self) -> tuple[MethodRecord, ...]:
        return tuple(
            MethodRecord(
                method=row.method.value,
                label=row.method.label,
                is_ours=row.method is Method.SIMULATION,
                is_chosen=row.method is self.told.method,
                mape=row.accuracy.mape,
                pinball=row.accuracy.pinball,
                coverage_0_1=row.accuracy.coverage_0_1,
            )
            for row in self.told.backtest.figures
        )


def _publish(publication: _Publication, now: datetime) -> None:
    rows = list(publication.rows())
    for row in rows:
        row.made_at = now
    today = Forecast.objects.filter(
        window=publication.kind, currency=publication.currency, made_on=publication.told.today
    )
    with transaction.atomic():
        today.delete()
        Forecast.objects.bulk_create(rows)


def _forget_old_shares(today: date) -> None:
    old = Forecast.objects.filter(made_on__lt=today - SHARES_KEPT).exclude(figures__deals=[])
    without = Func(F("figures"), Value("{deals}"), Value("[]"), function="jsonb_set")
    old.update(figures=without)


def _point(day: FanDay) -> FanPoint:
    interval = day.interval
    return FanPoint(day=day.day, p10=interval.p10, p50=interval.p50, p90=interval.p90)


def _money(amount: float) -> Decimal:
    return Decimal(amount).quantize(_CENT)
