"""Where the marks of the forecast page's charts stand.

Lines and bands are drawn on a square of 1,000 × 1,000 that the page stretches; all that is written stands
beside it, in pixels downward and in shares of the drawing across.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from django.utils.formats import date_format

from apps.predictions.forecasts import PastForecast
from apps.predictions.models import Forecast
from apps.predictions.schemas import FanPoint
from apps.predictions.waterfall import Step, Waterfall
from apps.triggers.charts import share

SQUARE = 1000
PLOT_PX, ROOM_PX, LABEL_PX = 220, 12, 16


@dataclass(frozen=True, slots=True)
class BandPoint:
    """What lies at one place across: ``at`` is a share of the width, 0 to 1."""

    at: float
    low: float
    middle: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there is no range: it has come to pass."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class ValueLabel:
    """A value beside the end of its line; ``y`` is moved where another label stands too near."""

    name: str
    amount: Decimal
    y: float


@dataclass(frozen=True, slots=True)
class DayLabel:
    """A day under the drawing."""

    x: str
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class BandChart:
    """A middle line within a band, on a scale from zero; ``known`` is the part that has come to pass.

    ``now_x`` and ``target_y`` are None where the day or the target does not stand in the drawing.
    """

    known: str
    middle: str
    band: str
    now_x: str | None
    target_y: float | None
    labels: tuple[ValueLabel, ...]
    days: tuple[DayLabel, ...]
    room_y: int = ROOM_PX
    plot_px: int = PLOT_PX
    line_y: int = ROOM_PX + PLOT_PX
    day_label_y: int = ROOM_PX + PLOT_PX + LABEL_PX
    height: int = ROOM_PX + PLOT_PX + LABEL_PX + 4


@dataclass(frozen=True, slots=True)
class StepBar:
    """One cause's bar, from where the forecast stood before it to where it stood after.

    ``shown`` is its change in whole units.
    """

    step: Step
    shown: Decimal
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class WaterfallChart:
    """The causes one below the other on one scale, which reaches from ``lowest`` to ``highest``.

    What is shown is rounded along the way, so that the whole units add up, too.
    """

    waterfall: Waterfall
    bars: tuple[StepBar, ...]
    begins_at: Decimal
    ends_at: Decimal
    lowest: Decimal
    highest: Decimal

    @property
    def change(self) -> Decimal:
        """From the beginning to the end."""
        return self.ends_at - self.begins_at


def lay_out_fan(row: Forecast, fan: Sequence[FanPoint], target: Decimal | None) -> BandChart:
    """What was won day by day, then the fan to the end of the stretch, with the target across it."""
    days = (row.ends_on - row.starts_on).days + 1
    points = [
        BandPoint(((point.day - row.starts_on).days + 1) / days, point.p10, point.p50, point.p90)
        for point in fan
    ]
    has_begun = row.made_on >= row.starts_on
    now = ((row.made_on - row.starts_on).days + 1) / days
    return _lay_out(
        [BandPoint(0, 0, 0, 0), *points],
        ends=_ends(row.p10, row.p50, row.p90, target),
        days=_day_labels(row.starts_on, row.made_on if has_begun else None, row.ends_on),
        now_x=share(now, 1) if has_begun else None,
        target=target,
    )


def lay_out_history(past: Sequence[PastForecast], target: Decimal | None) -> BandChart | None:
    """How the three numbers moved from day to day; None of fewer than two days."""
    if not past or past[0].made_on == past[-1].made_on:
        return None
    first, last = past[0], past[-1]
    days = (last.made_on - first.made_on).days
    points = [
        BandPoint((p.made_on - first.made_on).days / days, float(p.p10), float(p.p50), float(p.p90))
        for p in past
    ]
    return _lay_out(
        points,
        ends=_ends(last.p10, last.p50, last.p90, target),
        days=_day_labels(first.made_on, None, last.made_on),
        now_x=None,
        target=target,
    )


def lay_out_waterfall(waterfall: Waterfall) -> WaterfallChart:
    """Let each bar begin where the one before it ended."""
    height = waterfall.before.p50
    heights = [round(height, 0)]
    for step in waterfall.steps:
        height += step.amount
        heights.append(round(height, 0))
    lowest, highest = min(heights), max(heights)
    scale = float(highest - lowest) or 1
    return WaterfallChart(
        waterfall=waterfall,
        bars=tuple(
            StepBar(
                step,
                shown=after - before,
                x=share(float(min(before, after) - lowest), scale),
                width=share(float(abs(after - before)), scale),
            )
            for step, (before, after) in zip(waterfall.steps, pairwise(heights), strict=True)
        ),
        begins_at=heights[0],
        ends_at=heights[-1],
        lowest=lowest,
        highest=highest,
    )


def _lay_out(
    points: Sequence[BandPoint],
    *,
    ends: dict[str, Decimal],
    days: tuple[DayLabel, ...],
    now_x: str | None,
    target: Decimal | None,
) -> BandChart:
    highest = max([*(point.high for point in points), float(target or 0)]) or 1

    def place(point: BandPoint, value: float) -> str:
        return f"{SQUARE * point.at:.1f},{SQUARE * (1 - value / highest):.1f}"

    def px(amount: Decimal) -> float:
        return ROOM_PX + PLOT_PX * (1 - float(amount) / highest)

    known = _known_part(points)
    open_part = points[max(0, len(known) - 1) :]
    upper = [place(point, point.high) for point in open_part]
    lower = [place(point, point.low) for point in reversed(open_part)]
    return BandChart(
        known=" ".join(place(point, point.middle) for point in known),
        middle=" ".join(place(point, point.middle) for point in open_part),
        band=" ".join([*upper, *lower]),
        now_x=now_x,
        target_y=None if target is None else round(px(target), 1),
        labels=_apart({name: (amount, px(amount)) for name, amount in ends.items()}),
        days=days,
    )


def _known_part(points: Sequence[BandPoint]) -> list[BandPoint]:
    """The points up to the first that has a range; none where all have one."""
    for place, point in enumerate(points):
        if not point.is_known:
            return [*points[:place]]
    return [*points]


def _ends(p10: Decimal, p50: Decimal, p90: Decimal, target: Decimal | None) -> dict[str, Decimal]:
    """What is written at the right; one number where the three are one."""
    ends = {"P90": p90, "P50": p50, "P10": p10} if p10 != p90 else {"Won": p50}
    return ends if target is None else {**ends, "Target": target}


def _apart(wanted: dict[str, tuple[Decimal, float]]) -> tuple[ValueLabel, ...]:
    """Labels from the top downward, each at least its own height below the one before."""
    rows = sorted(wanted.items(), key=lambda row: row[1][1])
    places: list[float] = []
    for _, (_, y) in rows:
        places.append(max(y, places[-1] + LABEL_PX) if places else y)
    lowest = float(ROOM_PX + PLOT_PX)
    for place in reversed(range(len(places))):
        places[place] = min(places[place], lowest)
        lowest = places[place] - LABEL_PX
    return tuple(
        ValueLabel(name, amount, round(y, 1))
        for (name, (amount, _)), y in zip(rows, places, strict=True)
    )


def _day_labels(first: date, now: date | None, last: date) -> tuple[DayLabel, ...]:
    """First and last day, and the day of the forecast where it does not stand too near to either."""
    days = (last - first).days or 1
    labels = [DayLabel("0%", "start", date_format(first, "j M"))]
    if now is not None and 0.25 < (now - first).days / days < 0.75:
        at = share((now - first).days + 1, days + 1)
        labels.append(DayLabel(at, "middle", date_format(now, "j M")))
    return (*labels, DayLabel("100%", "end", date_format(last, "j M")))
