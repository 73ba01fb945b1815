"""What moved a forecast: exact amounts that add up, whatever became of its deals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.conftest import Cast
from apps.crm.models import Stage
from apps.crm.tests.factories import OpportunityFactory
from apps.predictions.enums import ForecastWindow
from apps.predictions.forecasts import PublishedForecast
from apps.predictions.models import Forecast
from apps.predictions.schemas import DealShare, ForecastFigures
from apps.predictions.tests.factories import ForecastFactory, figures, share_of
from apps.predictions.waterfall import Cause, Fate, explain, read_waterfall

THEN, NOW = date(2026, 2, 20), date(2026, 2, 27)


def published(p50: str, won: str, made_on: date, shown: ForecastFigures) -> PublishedForecast:
    row: Forecast = ForecastFactory.build(
        p10=Decimal(0),
        p50=Decimal(p50),
        p90=Decimal(10**9),
        won_so_far=Decimal(won),
        made_on=made_on,
    )
    return PublishedForecast(row, shown)


def amounts(
    before: PublishedForecast, after: PublishedForecast, fates: dict[int, Fate]
) -> dict[str, tuple[str, int | None]]:
    return {
        step.cause.value: (str(step.amount), step.deals) for step in explain(before, after, fates)
    }


def test_each_cause_has_its_part_and_the_rest_closes_the_sum() -> None:
    before = published(
        "1000.00", "100.00", THEN,
        figures(
            share_of(1, 400, 0.5), share_of(2, 300, 0.5), share_of(3, 200, 0.25),
            share_of(4, 1000, 0.1), share_of(5, 80, 0.5), share_of(6, 60, 0.5),
            new_business=250,
        ),
    )  # fmt: skip
    after = published(
        "1500.00", "520.00", NOW,
        figures(
            share_of(3, 240, 0.25), share_of(4, 1000, 0.3), share_of(7, 90, 0.4), new_business=200
        ),
    )  # fmt: skip
    fates = {
        1: Fate("won", date(2026, 2, 24)),
        2: Fate("lost", date(2026, 2, 25)),
        5: Fate("won", date(2026, 4, 2)),
        6: Fate("open", None),
    }
    assert amounts(before, after, fates) == {
        # 420 more was won, of which 200 had been expected of deal 1.
        "won": ("220.00", 1),
        # Deal 2 was lost; deal 5 was won in the next quarter.
        "lost": ("-190.00", 2),
        "new_deals": ("36.00", 1),
        "amounts": ("10.00", 1),
        "probabilities": ("200.00", 1),
        "new_business": ("-50.00", None),
        # Deal 6 went to another currency, and medians do not add up.
        "rest": ("274.00", None),
    }


def test_amount_and_probability_of_one_deal_are_told_apart() -> None:
    before = published("100", "0", THEN, figures(share_of(1, 100, 0.5)))
    after = published("150", "0", NOW, figures(share_of(1, 200, 0.75)))
    assert {
        cause: told
        for cause, told in amounts(before, after, {}).items()
        if cause in {"amounts", "probabilities", "rest"}
    } == {
        "amounts": ("50.00", 1),
        "probabilities": ("50.00", 1),
        "rest": ("-50.00", None),
    }  # fmt: skip


SHARES = st.lists(
    st.builds(
        share_of,
        st.integers(1, 12),
        st.floats(0, 1e9, allow_nan=False),
        st.floats(0, 1, allow_nan=False),
    ),
    max_size=8,
    unique_by=lambda share: share.deal_id,
)
MONEY = st.integers(0, 10**11).map(lambda cents: Decimal(cents) / 100)
FATES = st.dictionaries(
    st.integers(1, 12),
    st.builds(Fate, st.sampled_from(["open", "won", "lost"]), st.dates()),
    max_size=12,
)


@given(
    deals=st.tuples(SHARES, SHARES),
    p50=st.tuples(MONEY, MONEY),
    won=st.tuples(MONEY, MONEY),
    fates=FATES,
)
def test_the_steps_always_add_up_to_the_cent(
    deals: tuple[list[DealShare], list[DealShare]],
    p50: tuple[Decimal, Decimal],
    won: tuple[Decimal, Decimal],
    fates: dict[int, Fate],
) -> None:
    before = published(str(p50[0]), str(won[0]), THEN, figures(*deals[0]))
    after = published(str(p50[1]), str(won[1]), NOW, figures(*deals[1]))
    steps = explain(before, after, fates)
    assert [step.cause for step in steps] == list(Cause)
    assert sum((step.amount for step in steps), Decimal(0)) == p50[1] - p50[0]


def test_what_became_of_the_deals_is_read(cast: Cast) -> None:
    won, lost = (
        OpportunityFactory(
            owner=cast.rep, stage=Stage.objects.get(key=key), closed_on=date(2026, 2, 24)
        )
        for key in ("won", "lost")
    )
    ForecastFactory(
        made_on=THEN,
        won_so_far=Decimal(100),
        figures=figures(share_of(won.pk, 400, 0.5), share_of(lost.pk, 300, 0.5)).model_dump(
            mode="json"
        ),
    )
    after = PublishedForecast(ForecastFactory(made_on=NOW, won_so_far=Decimal(500)), figures())
    waterfall = read_waterfall(after)
    assert waterfall is not None
    assert (waterfall.change, waterfall.is_same_method) == (Decimal(0), True)
    assert {step.cause.value: str(step.amount) for step in waterfall.steps if step.amount} == {
        "won": "200.00", "lost": "-150.00", "rest": "-50.00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("days", "found"), [([6], None), ([15], None), ([7], 7), ([14, 9, 8, 3], 8)]
)
def test_last_week_is_the_newest_forecast_that_is_a_week_old(
    cast: Cast, days: list[int], found: int | None
) -> None:
    for ago in days:
        ForecastFactory(made_on=NOW - timedelta(days=ago))
    after = PublishedForecast(ForecastFactory(made_on=NOW), figures())
    waterfall = read_waterfall(after)
    assert (waterfall and (NOW - waterfall.before.made_on).days) == found


def test_the_same_days_count_and_not_the_name_of_the_window(cast: Cast) -> None:
    march = {"starts_on": date(2026, 3, 1), "ends_on": date(2026, 3, 31)}
    february = {"starts_on": date(2026, 2, 1), "ends_on": date(2026, 2, 28)}
    then, now = date(2026, 2, 24), date(2026, 3, 3)
    same = ForecastFactory(made_on=then, window=ForecastWindow.NEXT_MONTH, **march)
    ForecastFactory(made_on=then, window=ForecastWindow.THIS_MONTH, **february)
    ForecastFactory(made_on=then, window=ForecastWindow.NEXT_MONTH, currency="EUR", **march)
    ForecastFactory(made_on=then, window=ForecastWindow.NEXT_MONTH, team=cast.team, **march)
    after = ForecastFactory(made_on=now, window=ForecastWindow.THIS_MONTH, **march)
    waterfall = read_waterfall(PublishedForecast(after, figures()))
    assert waterfall is not None
    assert waterfall.before == same
