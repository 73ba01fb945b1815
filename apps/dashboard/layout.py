"""Where the marks of the first page's charts stand. All scales begin at zero."""

from __future__ import annotations

from dataclasses import dataclass

from apps.dashboard.aging import Aging, StageAge
from apps.dashboard.conversion import StageConversion
from apps.dashboard.deals import CurrencyPipeline, StageSum, Week
from apps.triggers.charts import DayChart, lay_out_days, share

# Labels of weeks stand apart by so many, whatever the period.
MOST_LABELS = 5


@dataclass(frozen=True, slots=True)
class StageBar:
    """What the open deals of a stage are worth; ``width`` is a share of the stage that is worth most."""

    row: StageSum
    width: str


@dataclass(frozen=True, slots=True)
class PipelineChart:
    """The stages of one currency on one scale."""

    pipeline: CurrencyPipeline
    bars: tuple[StageBar, ...]


@dataclass(frozen=True, slots=True)
class ConversionBar:
    """Deals that entered a stage, all of them the whole width: came further, then lost, then the rest."""

    row: StageConversion
    on_width: str
    lost_x: str
    lost_width: str


@dataclass(frozen=True, slots=True)
class AgeBar:
    """The median age in a stage as a bar, and its limit as a line, on one scale for all stages."""

    row: StageAge
    median: str
    limit: str


@dataclass(frozen=True, slots=True)
class AgeChart:
    """The stages on one scale, which ends at ``highest_days``."""

    bars: tuple[AgeBar, ...]
    highest_days: float


def lay_out_pipeline(pipeline: CurrencyPipeline) -> PipelineChart:
    """Put the stages of one currency on one scale, by what they are worth."""
    highest = float(max((row.amount for row in pipeline.stages), default=0)) or 1
    return PipelineChart(
        pipeline,
        tuple(StageBar(row, share(float(row.amount), highest)) for row in pipeline.stages),
    )


def lay_out_conversion(rows: tuple[StageConversion, ...]) -> tuple[ConversionBar, ...]:
    """Let each stage's entries be the whole of its bar."""
    return tuple(
        ConversionBar(
            row,
            on_width=share(row.moved_on, row.entered or 1),
            lost_x=share(row.moved_on, row.entered or 1),
            lost_width=share(row.lost, row.entered or 1),
        )
        for row in rows
    )


def lay_out_aging(aging: Aging) -> AgeChart:
    """Put ages and limits of all stages on one scale of days; stages without deals have no marks."""
    shown = [row for row in aging.stages if row.count]
    days = [max(row.median_days or 0, row.limit_days) for row in shown]
    highest = max(days, default=0)
    return AgeChart(
        tuple(
            AgeBar(row, share(row.median_days, highest or 1), share(row.limit_days, highest or 1))
            for row in aging.stages
        ),
        highest,
    )


def lay_out_weeks(weeks: tuple[Week, ...]) -> DayChart:
    """Won deals upward and lost ones downward, by week."""
    return lay_out_days(
        [week.begins_on for week in weeks],
        [week.won for week in weeks],
        [week.lost for week in weeks],
        labelled_every=max(1, len(weeks) // MOST_LABELS),
    )
