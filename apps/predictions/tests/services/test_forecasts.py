"""Publishing: the company's forecast, those of teams and people, one a day, and what is kept of old ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.conftest import Cast
from apps.crm.enums import DealOutcome
from apps.crm.models import Opportunity, Stage
from apps.crm.tests.factories import StageFactory
from apps.predictions.enums import ForecastWindow
from apps.predictions.models import Forecast
from apps.predictions.schemas import ForecastFigures
from apps.predictions.services.forecasts import SHARES_KEPT, publish_forecasts, window_of
from apps.tenants.work.runs import Tell, tell_nobody

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 8, 12, 9, 0, tzinfo=UTC)
TODAY = date(2026, 8, 12)


def stage(outcome: DealOutcome) -> Stage:
    found = Stage.objects.filter(outcome=outcome).first()
    return found or StageFactory(outcome=outcome)


def add_deals(cast: Cast, *, currency: str = "USD") -> None:
    """Two years of deals, opened every third day and closed within forty; each second one is won."""
    rows = []
    for number in range(240):
        opened = TODAY - timedelta(days=3 * number + 1)
        closed = opened + timedelta(days=10 + number * 7 % 30)
        is_closed = closed <= TODAY
        outcome = (
            (DealOutcome.WON if number % 2 else DealOutcome.LOST) if is_closed else DealOutcome.OPEN
        )
        rows.append(
            Opportunity(
                name=f"Deal {number}",
                stage=stage(outcome),
                amount=Decimal(1000 + 50 * (number % 9)),
                currency=currency,
                owner=(cast.rep, cast.outsider, None)[number % 3],
                opened_on=opened,
                closed_on=closed if is_closed else None,
            )
        )
    Opportunity.objects.bulk_create(rows)


def figures_of(row: Forecast) -> ForecastFigures:
    return ForecastFigures.model_validate(row.figures)


@pytest.mark.parametrize(
    ("kind", "first", "end"),
    [
        (ForecastWindow.THIS_MONTH, date(2026, 8, 1), date(2026, 9, 1)),
        (ForecastWindow.NEXT_MONTH, date(2026, 9, 1), date(2026, 10, 1)),
        (ForecastWindow.QUARTER, date(2026, 7, 1), date(2026, 10, 1)),
    ],
)
def test_the_windows_are_those_of_the_calendar(
    kind: ForecastWindow, first: date, end: date
) -> None:
    window = window_of(kind, TODAY)
    assert (window.start, window.end) == (first, end)


def test_the_last_month_of_a_year_is_followed_by_january() -> None:
    window = window_of(ForecastWindow.NEXT_MONTH, date(2026, 12, 31))
    assert (window.start, window.end) == (date(2027, 1, 1), date(2027, 2, 1))


def test_the_company_its_teams_and_its_people_have_a_forecast(cast: Cast) -> None:
    add_deals(cast)
    told = publish_forecasts(now=NOW, tell=tell_nobody)
    assert told == "3 forecasts were published, of USD."
    company = Forecast.objects.of_company()
    assert sorted(company.values_list("window", flat=True)) == sorted(ForecastWindow.values)
    assert set(Forecast.objects.exclude(owner=None).values_list("owner", flat=True)) == {
        cast.rep.pk,
        cast.outsider.pk,
    }
    quarter = company.get(window=ForecastWindow.QUARTER)
    won = Opportunity.objects.filter(outcome="won", closed_on__gte=date(2026, 7, 1))
    assert quarter.won_so_far == sum(deal.amount or 0 for deal in won)
    assert quarter.won_so_far < quarter.p10 < quarter.p50 < quarter.p90
    assert (quarter.starts_on, quarter.ends_on) == (date(2026, 7, 1), date(2026, 9, 30))


def test_the_figures_add_up_and_name_every_open_deal(cast: Cast) -> None:
    add_deals(cast)
    publish_forecasts(now=NOW, tell=tell_nobody)
    rows = Forecast.objects.filter(window=ForecastWindow.QUARTER)
    company = figures_of(rows.of_company().get())
    still_open = Opportunity.objects.filter(outcome="open")
    assert {share.deal_id for share in company.deals} == set(
        still_open.values_list("pk", flat=True)
    )
    assert company.open_deals == pytest.approx(sum(share.expected for share in company.deals))
    assert company.methods[0].label
    assert [row.is_chosen for row in company.methods].count(True) == 1
    # In the forecast's currency, as the page and the API say.
    pinball = {row.method: row.pinball for row in company.methods}
    assert pinball["stage_win_rate"] == pytest.approx(2479.1667)
    mine = figures_of(rows.get(owner=cast.rep))
    assert {share.owner_id for share in mine.deals} == {cast.rep.pk}
    assert (mine.methods, mine.fan) == ((), ())


def test_the_fan_is_known_up_to_today_and_ends_in_the_forecast(cast: Cast) -> None:
    add_deals(cast)
    publish_forecasts(now=NOW, tell=tell_nobody)
    row = Forecast.objects.of_company().get(window=ForecastWindow.QUARTER)
    points = figures_of(row).fan
    known = [point for point in points if point.day <= TODAY]
    assert [point.day for point in known] == [
        date(2026, 7, 1) + timedelta(days=count) for count in range(43)
    ]
    assert all(point.p10 == point.p50 == point.p90 for point in known)
    assert known[-1].p50 == pytest.approx(float(row.won_so_far))
    last = points[-1]
    assert last.day == date(2026, 9, 30)
    assert (last.p10, last.p50, last.p90) == pytest.approx(
        (float(row.p10), float(row.p50), float(row.p90))
    )
    middles = [point.p50 for point in points]
    assert middles == sorted(middles)


def test_a_second_forecast_of_a_day_takes_the_place_of_the_first(cast: Cast) -> None:
    add_deals(cast)
    publish_forecasts(now=NOW, tell=tell_nobody)
    before = Forecast.objects.count()
    later = NOW + timedelta(hours=3)
    publish_forecasts(now=later, tell=tell_nobody)
    assert Forecast.objects.count() == before
    assert set(Forecast.objects.values_list("made_at", flat=True)) == {later}
    publish_forecasts(now=NOW + timedelta(days=1), tell=tell_nobody)
    assert Forecast.objects.count() == 2 * before


def test_each_currency_has_its_own(cast: Cast) -> None:
    add_deals(cast)
    add_deals(cast, currency="EUR")
    told = publish_forecasts(now=NOW, tell=tell_nobody)
    assert told == "6 forecasts were published, of EUR, USD."
    quarters = Forecast.objects.of_company().filter(window=ForecastWindow.QUARTER)
    assert quarters.values("won_so_far").distinct().count() == 1


def test_too_little_history_is_said_and_nothing_is_published(cast: Cast) -> None:
    told = publish_forecasts(now=NOW, tell=tell_nobody)
    assert told == "There is too little history for a forecast. There are no deals yet."
    assert not Forecast.objects.exists()


def test_shares_of_deals_are_kept_for_five_weeks(cast: Cast) -> None:
    add_deals(cast)
    publish_forecasts(now=NOW, tell=tell_nobody)
    publish_forecasts(now=NOW + SHARES_KEPT + timedelta(days=1), tell=tell_nobody)
    old = Forecast.objects.of_company().get(window=ForecastWindow.THIS_MONTH, made_on=TODAY)
    assert (figures_of(old).deals, figures_of(old).open_deals > 0) == ((), True)


def test_who_stops_it_leaves_whole_forecasts(cast: Cast) -> None:
    add_deals(cast)

    class StopError(Exception):
        pass

    def stop_at_the_second(done: int, total: int) -> None:
        if done == 1:
            raise StopError

    stopping: Tell = stop_at_the_second
    with pytest.raises(StopError):
        publish_forecasts(now=NOW, tell=stopping)
    assert set(Forecast.objects.values_list("window", flat=True)) == {ForecastWindow.THIS_MONTH}
