"""Where the marks of a chart stand. Widths are shares of the drawing, so that it fits any window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format

from apps.triggers.distribution import DistributionRow


@dataclass(frozen=True, slots=True)
class Strip:
    """One group of a distribution: a bar to where four fifths lie, marks at the half and the threshold.

    ``p50`` and ``p80`` are empty where there are too few records to tell.
    """

    row: DistributionRow
    p50: str
    p80: str
    threshold: str


@dataclass(frozen=True, slots=True)
class Strips:
    """Groups of one unit on one axis, which begins at zero and ends at ``highest``."""

    strips: tuple[Strip, ...]
    highest: float
    unit: str


def lay_out_strips(rows: Sequence[DistributionRow]) -> list[Strips]:
    """Put the groups of each unit on an axis of their own, in their order."""
    units = dict.fromkeys(row.unit for row in rows)
    return [_on_one_axis([row for row in rows if row.unit == unit], unit) for unit in units]


def _on_one_axis(rows: Sequence[DistributionRow], unit: str) -> Strips:
    highest = max(max(row.p80 or 0, row.threshold) for row in rows) or 1
    return Strips(
        strips=tuple(
            Strip(
                row=row,
                p50=share(row.p50, highest),
                p80=share(row.p80, highest),
                threshold=share(row.threshold, highest),
            )
            for row in rows
        ),
        highest=highest,
        unit=unit,
    )


def share(value: float | None, whole: float) -> str:
    """Write a length as a share of the drawing; nothing for no value."""
    return "" if value is None else f"{100 * value / whole:.2f}%"


# A chart by day: bars above the line and below it, with room for a number at each end.
HALF_PX, ROOM_PX = 84, 16
LABELLED_EVERY_DAYS = 7


@dataclass(frozen=True, slots=True)
class DayBars:
    """One day of a chart: where its two bars stand, and the words for it.

    ``above_label`` and ``below_label`` are the numbers at the tallest bars, empty at the others.
    """

    day: date
    above: int
    below: int
    x: str
    width: str
    label_x: str
    anchor: str
    above_px: int
    below_px: int
    above_label: str
    below_label: str
    day_label: str

    @property
    def above_y(self) -> int:
        """Where the upper bar begins."""
        return ROOM_PX + HALF_PX - self.above_px

    @property
    def below_label_y(self) -> int:
        """The foot of the number under the lower bar."""
        return ROOM_PX + HALF_PX + self.below_px + ROOM_PX - 3


@dataclass(frozen=True, slots=True)
class DayChart:
    """Two counts by day on one scale from zero: one upward, one downward."""

    bars: tuple[DayBars, ...]
    line_y: int = ROOM_PX + HALF_PX
    day_label_y: int = 2 * (ROOM_PX + HALF_PX) + ROOM_PX
    height: int = 2 * (ROOM_PX + HALF_PX) + ROOM_PX + 4
    # Of a drawing that has only bars above the line.
    upper_day_label_y: int = ROOM_PX + HALF_PX + ROOM_PX
    upper_height: int = ROOM_PX + HALF_PX + ROOM_PX + 4

    @property
    def has_any(self) -> bool:
        """Whether there is a bar at all."""
        return any(bar.above or bar.below for bar in self.bars)


def lay_out_days(
    days: Sequence[date],
    above: Sequence[int],
    below: Sequence[int],
    *,
    labelled_every: int = LABELLED_EVERY_DAYS,
) -> DayChart:
    """Put two counts by day on one scale, which begins at zero; ``days`` may be the first ones of weeks."""
    highest = max([*above, *below, 1])
    tallest = _index_of_highest(above), _index_of_highest(below)
    bars = []
    for i, (day, up, down) in enumerate(zip(days, above, below, strict=True)):
        is_labelled = (len(days) - 1 - i) % labelled_every == 0
        bars.append(
            DayBars(
                day=day,
                above=up,
                below=down,
                x=share(i + 0.1, len(days)),
                width=share(0.8, len(days)),
                label_x=share(_label_at(i, len(days)), len(days)),
                anchor=_anchor(i, len(days)),
                above_px=_px(up, highest, HALF_PX),
                below_px=_px(down, highest, HALF_PX),
                above_label=f"{up:,}" if i == tallest[0] else "",
                below_label=f"{down:,}" if i == tallest[1] else "",
                day_label=date_format(day, "j M") if is_labelled else "",
            )
        )
    return DayChart(tuple(bars))


# A chart in a table's row: bars above its line and below it.
SPARK_HALF_PX = 14


@dataclass(frozen=True, slots=True)
class SparkBars:
    """One day of a chart in a table's row: its two counts and where their bars stand."""

    day: date
    above: int
    below: int
    x: str
    width: str
    above_px: int
    below_px: int

    @property
    def above_y(self) -> int:
        """Where the upper bar begins."""
        return SPARK_HALF_PX - self.above_px


@dataclass(frozen=True, slots=True)
class Spark:
    """Two counts by day on one scale of their own; days without any have no bars."""

    bars: tuple[SparkBars, ...]
    line_y: int = SPARK_HALF_PX
    below_y: int = SPARK_HALF_PX + 1
    height: int = 2 * SPARK_HALF_PX + 1


def lay_out_spark(days: Sequence[date], above: Sequence[int], below: Sequence[int]) -> Spark:
    """Put two counts by day on one scale, one upward and one downward, small enough for a row."""
    highest = max([*above, *below, 1])
    return Spark(
        tuple(
            SparkBars(
                day=day,
                above=up,
                below=down,
                x=share(i + 0.1, len(days)),
                width=share(0.8, len(days)),
                above_px=_px(up, highest, SPARK_HALF_PX),
                below_px=_px(down, highest, SPARK_HALF_PX),
            )
            for i, (day, up, down) in enumerate(zip(days, above, below, strict=True))
            if up or down
        )
    )


def _anchor(i: int, count: int) -> str:
    """Which end of a label stands at its bar, so that none leaves the drawing."""
    if i < 2:
        return "start"
    return "end" if i >= count - 2 else "middle"


def _label_at(i: int, count: int) -> float:
    return i + {"start": 0.1, "middle": 0.5, "end": 0.9}[_anchor(i, count)]


def _index_of_highest(counts: Sequence[int]) -> int | None:
    return counts.index(max(counts)) if any(counts) else None


def _px(count: int, highest: int, longest_px: int) -> int:
    """A bar's length; even the smallest count is to be seen."""
    return max(round(longest_px * count / highest), 1) if count else 0
