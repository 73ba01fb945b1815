"""Where the marks of the charts of predictions stand. Widths are shares of the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.predictions.schemas import CalibrationBin, LiftBand

HEIGHT_PX = 240
# A line in a card; its drawing is this high, and as wide as there is room.
LINE_HEIGHT_PX = 40


@dataclass(frozen=True, slots=True)
class CalibrationMark:
    """One group of examples: a dot where foretold and come meet, and a line for its interval."""

    bin: CalibrationBin
    x: str
    y: float
    low_y: float
    high_y: float

    @property
    def interval_px(self) -> float:
        """The length of the interval's line."""
        return round(self.low_y - self.high_y, 1)


@dataclass(frozen=True, slots=True)
class CalibrationChart:
    """What came against what was foretold, both on one scale from zero to ``highest_0_1``."""

    marks: tuple[CalibrationMark, ...]
    highest_0_1: float
    height: int = HEIGHT_PX

    @property
    def half_0_1(self) -> float:
        """The middle of the scale."""
        return self.highest_0_1 / 2


def lay_out_calibration(bins: Sequence[CalibrationBin]) -> CalibrationChart:
    """Put the groups on one scale, which ends with the tenth above the highest mark."""
    top = max((max(row.predicted_0_1, row.high_0_1) for row in bins), default=1.0)
    highest = max(math.ceil(round(top * 10, 6)) / 10, 0.1)

    def height_of(share_0_1: float) -> float:
        return round(HEIGHT_PX * (1 - share_0_1 / highest), 1)

    return CalibrationChart(
        tuple(
            CalibrationMark(
                row,
                x=_percent(row.predicted_0_1, highest),
                y=height_of(row.observed_0_1),
                low_y=height_of(row.low_0_1),
                high_y=height_of(row.high_0_1),
            )
            for row in bins
        ),
        highest,
    )


@dataclass(frozen=True, slots=True)
class LiftBar:
    """A tenth of the examples, and how long its bar is."""

    band: LiftBand
    width: str


@dataclass(frozen=True, slots=True)
class LiftChart:
    """The tenths on one scale from zero, with the average as a line."""

    bars: tuple[LiftBar, ...]
    average_x: str


def lay_out_lift(bands: Sequence[LiftBand], base_rate_0_1: float) -> LiftChart:
    """Put the tenths and the average on one scale."""
    highest = max([band.rate_0_1 for band in bands] + [base_rate_0_1]) or 1.0
    return LiftChart(
        tuple(LiftBar(band, _percent(band.rate_0_1, highest)) for band in bands),
        _percent(base_rate_0_1, highest),
    )


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A record's scores over time as a line; ``points`` are in hundredths of the width and in pixels."""

    points: str
    last_y: float
    height: int = LINE_HEIGHT_PX


def lay_out_scores(scores: Sequence[tuple[datetime, float]]) -> ScoreLine | None:
    """Draw scores by time, the oldest first, on a scale from 0 to 100 %; no line for fewer than two."""
    if len(scores) < 2:
        return None
    first, last = scores[0][0], scores[-1][0]
    span_s = (last - first).total_seconds() or 1.0
    points = [
        (round(100 * (moment - first).total_seconds() / span_s, 2), _line_y(score_0_1))
        for moment, score_0_1 in scores
    ]
    return ScoreLine(" ".join(f"{x},{y}" for x, y in points), points[-1][1])


def _line_y(score_0_1: float) -> float:
    return round(LINE_HEIGHT_PX * (1 - score_0_1), 1)


def _percent(value: float, whole: float) -> str:
    return f"{100 * value / whole:.2f}%"
