"""How long open deals have stood in their stage, against the company's own closed deals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, DateTimeField, DurationField, F, Q, Value, When

from apps.crm.enums import DealOutcome
from apps.crm.models import Opportunity, Stage
from apps.crm.querysets import OpportunityQuerySet
from apps.dashboard.asked import Asked
from apps.dashboard.deals import Median
from apps.triggers.figures import read_figures
from apps.triggers.rules.deals.stages import DealStalled, DealStalledParameters
from apps.triggers.rules.deals.stays import Limits, StayFigures
from apps.triggers.settings import read_setting

OLDEST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class StageAge:
    """The open deals of one stage: the median of their days in it, and how many are beyond the limit.

    ``limit_days`` is that of deals of all amounts; a deal counts by the limit of its own amount band.
    ``is_measured`` says whether the limit was measured, or is the trigger's default.
    """

    stage: Stage
    count: int
    median_days: float | None
    beyond: int
    limit_days: int
    is_measured: bool


@dataclass(frozen=True, slots=True)
class OldDeal:
    """An open deal beyond its limit, with its days in the stage."""

    deal: Opportunity
    days: int


@dataclass(frozen=True, slots=True)
class Aging:
    """Every open stage in order, and the deals that have stood longest beyond their limit."""

    stages: tuple[StageAge, ...]
    oldest: tuple[OldDeal, ...]
    percentile: int

    @property
    def count(self) -> int:
        """Open deals."""
        return sum(row.count for row in self.stages)

    @property
    def beyond(self) -> int:
        """Open deals beyond their limit."""
        return sum(row.beyond for row in self.stages)


@dataclass(frozen=True, slots=True)
class StageLimits:
    """After how many days a deal has stood in its stage for long, as ``deal_stalled`` has it."""

    limits: Limits
    default_days: int
    percentile: int

    @classmethod
    def read(cls) -> StageLimits:
        """The company's figures in force and its own parameters, in two queries."""
        setting = read_setting(DealStalled.key)
        parameters: DealStalledParameters = setting.trigger.parse(setting.choice.parameters)
        figures = StayFigures.of(read_figures().get(DealStalled.key))
        used = figures if parameters.use_own_data else StayFigures()
        limits = Limits.at(used, parameters.percentile)
        default = limits.other_days or parameters.in_stage_days
        return cls(limits, default, parameters.percentile)

    def is_beyond(self, now: datetime) -> Q:
        """Open deals beyond the limit that applies to them."""

        def ago(days: int) -> datetime:
            return now - timedelta(days=days)

        latest_entry = Case(
            *(
                When(limit.condition, then=Value(ago(limit.days), DateTimeField()))
                for limit in self.limits.own
            ),
            default=Value(ago(self.default_days), DateTimeField()),
            output_field=DateTimeField(),
        )
        return Q(stage_entered_at__lte=latest_entry)

    def of_stage(self, stage: Stage) -> int | None:
        """The measured limit of a stage for deals of all amounts: the last of its limits."""
        days = [limit.days for limit in self.limits.own if limit.stage_id == stage.pk]
        return days[-1] if days else None


def read_aging(
    deals: OpportunityQuerySet, asked: Asked, stages: Sequence[Stage], limits: StageLimits
) -> Aging:
    """Read it in two queries."""
    opened = deals.open()
    is_beyond = limits.is_beyond(asked.now)
    age = Value(asked.now, DateTimeField()) - F("stage_entered_at")
    rows = {
        stage: (count, median, beyond)
        for stage, count, median, beyond in opened.order_by()
        .values_list("stage_id")
        .annotate(
            deals=Count("pk"),
            median=Median(age, output_field=DurationField()),
            beyond=Count("pk", filter=is_beyond),
        )
    }
    return Aging(
        stages=tuple(
            _stage_age(stage, limits, *rows.get(stage.pk, (0, None, 0)))
            for stage in stages
            if stage.outcome == DealOutcome.OPEN
        ),
        oldest=tuple(
            OldDeal(deal, (asked.now - deal.stage_entered_at).days)
            for deal in opened.filter(is_beyond)
            .for_list_page()
            .order_by("stage_entered_at", "pk")[:OLDEST_SHOWN]
        ),
        percentile=limits.percentile,
    )


def _stage_age(
    stage: Stage, limits: StageLimits, count: int, median: timedelta | None, beyond: int
) -> StageAge:
    measured = limits.of_stage(stage)
    return StageAge(
        stage=stage,
        count=count,
        median_days=median / timedelta(days=1) if median is not None else None,
        beyond=beyond,
        limit_days=measured or limits.default_days,
        is_measured=measured is not None,
    )
