"""The fan of a forecast: published for the company, drawn from deals for its parts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from apps.conftest import Cast
from apps.crm.models import Stage
from apps.crm.tests.factories import OpportunityFactory
from apps.predictions.fans import read_fan
from apps.predictions.forecasts import PublishedForecast, figures_of, read_methods
from apps.predictions.schemas import FanPoint, MethodRecord
from apps.predictions.tests.factories import ForecastFactory, figures
from apps.users.models import User

DAYS = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 1, 4)}
NUMBERS = {"p10": Decimal(50), "p50": Decimal(70), "p90": Decimal(110), "won_so_far": Decimal(30)}


def win(owner: User, day: int, amount: int, key: str = "won", currency: str = "USD") -> None:
    OpportunityFactory(
        owner=owner, stage=Stage.objects.get(key=key), closed_on=date(2026, 1, day),
        amount=Decimal(amount), currency=currency,
    )  # fmt: skip


def points(row_of: PublishedForecast) -> list[tuple[int, float, float, float]]:
    return [(p.day.day, p.p10, p.p50, p.p90) for p in read_fan(row_of).points]


def test_what_was_published_is_shown(cast: Cast) -> None:
    point = FanPoint(day=date(2026, 1, 1), p10=1, p50=2, p90=3)
    fan = read_fan(PublishedForecast(ForecastFactory(), figures(fan=(point,))))
    assert (fan.points, fan.is_foretold) == ((point,), True)


def test_a_persons_begins_with_their_own_wins_and_leads_straight_to_the_end(cast: Cast) -> None:
    win(cast.rep, 1, 20)
    win(cast.rep, 2, 10)
    win(cast.rep, 2, 500, "lost")
    win(cast.rep, 2, 500, currency="EUR")
    win(cast.teammate, 2, 500)
    win(cast.rep, 3, 500)
    row = ForecastFactory(owner=cast.rep, made_on=date(2026, 1, 2), **DAYS, **NUMBERS)
    shown = PublishedForecast(row, figures())
    assert not read_fan(shown).is_foretold
    assert points(shown) == [
        (1, 20.0, 20.0, 20.0), (2, 30.0, 30.0, 30.0), (3, 40.0, 50.0, 70.0), (4, 50.0, 70.0, 110.0),
    ]  # fmt: skip


def test_a_teams_days_that_have_not_begun_are_all_ahead(cast: Cast) -> None:
    row = ForecastFactory(
        team=cast.team, made_on=date(2025, 12, 20), **DAYS, **{**NUMBERS, "won_so_far": Decimal(0)}
    )
    assert points(PublishedForecast(row, figures()))[::3] == [
        (1, 12.5, 17.5, 27.5), (4, 50.0, 70.0, 110.0),
    ]  # fmt: skip


def test_days_that_are_over_are_what_was_won(cast: Cast) -> None:
    win(cast.rep, 3, 30)
    row = ForecastFactory(
        owner=cast.rep, made_on=date(2026, 1, 9), **DAYS, **dict.fromkeys(NUMBERS, Decimal(30))
    )
    assert [p50 for _, _, p50, _ in points(PublishedForecast(row, figures()))] == [0, 0, 30, 30]


def test_the_record_of_the_methods_is_the_companys(cast: Cast) -> None:
    method = MethodRecord(
        method="simulation", label="Simulated", is_ours=True, is_chosen=True,
        mape=0.1, pinball=0.05, coverage_0_1=None,
    )  # fmt: skip
    ForecastFactory(figures=figures(methods=(method,)).model_dump(mode="json"))
    ForecastFactory(currency="EUR")
    of_team, of_other = (
        ForecastFactory(team=cast.team, currency=currency) for currency in ("USD", "EUR")
    )
    assert read_methods(PublishedForecast(of_team, figures_of(of_team))) == (method,)
    assert read_methods(PublishedForecast(of_other, figures_of(of_other))) == ()
