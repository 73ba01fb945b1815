"""Days in the stage, against the company's own closed deals."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from apps.conftest import Cast
from apps.crm.models import Opportunity
from apps.dashboard.aging import Aging, StageLimits, read_aging
from apps.dashboard.asked import Asked
from apps.dashboard.tests.figures import asked_by, moved_deal, stage, stages
from apps.triggers.models import Baseline, TriggerSetting
from apps.triggers.rules.deals.stays import StayFigures, Stays

KEY = "deal_stalled"


def aging(asked: Asked) -> Aging:
    return read_aging(Opportunity.objects.all(), asked, stages(), StageLimits.read())


def freeze(*stays: Stays) -> None:
    """Freeze figures as a scan does."""
    now = timezone.now()
    Baseline.objects.create(
        trigger=KEY,
        version=f"{now.date().isoformat()} tests",
        values=StayFigures(stays=stays).model_dump(mode="json"),
        measured_at=now,
    )


def stays(key: str, days: int, above: Decimal | None = None) -> Stays:
    """Stays whose 80th percentile is so many days, of all deals or of those in dollars above an amount."""
    return Stays(
        stage_id=stage(key).pk,
        currency=None if above is None else "USD",
        above=above,
        up_to=None,
        count=40,
        imported_count=0,
        days=tuple(days if percentile >= 80 else 1 for percentile in range(50, 96)),
    )


def test_without_figures_the_triggers_default_counts(cast: Cast) -> None:
    moved_deal("engaging", days_ago=44)
    old = moved_deal("engaging", days_ago=46)
    found = aging(asked_by(cast.manager))
    row = next(row for row in found.stages if row.stage.key == "engaging")
    assert (row.count, row.beyond, row.limit_days, row.is_measured) == (2, 1, 45, False)
    assert round(row.median_days or 0, 2) == 45
    assert [(line.deal, line.days) for line in found.oldest] == [(old, 46)]
    assert (found.beyond, found.percentile) == (1, 80)


def test_each_deal_counts_by_the_limit_of_its_amount(cast: Cast) -> None:
    freeze(
        stays("engaging", 20),
        stays("engaging", 60, above=Decimal(1000)),
    )
    large = moved_deal("engaging", days_ago=61, amount=Decimal(5000))
    small = moved_deal("engaging", days_ago=21, amount=Decimal(10))
    moved_deal("engaging", days_ago=59, amount=Decimal(5000))
    moved_deal("engaging", days_ago=19, amount=None)
    found = aging(asked_by(cast.manager))
    row = next(row for row in found.stages if row.stage.key == "engaging")
    assert (row.count, row.beyond, row.limit_days, row.is_measured) == (4, 2, 20, True)
    assert [line.deal for line in found.oldest] == [large, small]


def test_it_goes_by_the_companys_own_parameters(cast: Cast) -> None:
    TriggerSetting.objects.create(trigger=KEY, parameters={"in_stage_days": 5, "percentile": 90})
    moved_deal("proposal", days_ago=6)
    found = aging(asked_by(cast.manager))
    assert (found.beyond, found.percentile) == (1, 90)


def test_closed_deals_grow_no_older(cast: Cast) -> None:
    moved_deal("won", days_ago=500)
    assert aging(asked_by(cast.manager)).beyond == 0


def test_the_limit_is_reached_to_the_moment(cast: Cast) -> None:
    asked = asked_by(cast.manager)
    deal = moved_deal("engaging", stage_entered_at=asked.now - timedelta(days=45))
    assert [line.deal for line in aging(asked).oldest] == [deal]
    deal.stage_entered_at += timedelta(microseconds=1)
    deal.save(update_fields=["stage_entered_at"])
    assert aging(asked).oldest == ()
