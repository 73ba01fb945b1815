"""Where the marks of the panel's charts stand: widths are shares of the drawing, to fit any window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.realtime.timeline import Handshake, Latency, Turn, percentile

# The narrowest bar that is still to be seen, as a share of the drawing.
_THINNEST_PERCENT = 0.4
# Widths of a histogram's bins, in milliseconds; the least of them is taken that leaves few enough bins.
_WIDTHS_MS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)
_MOST_BINS = 12
HISTOGRAM_PX, LINE_PX = 56, 48
# More points than this are not told apart on a screen.
MOST_POINTS = 240


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a waterfall or of the handshake: its words, and where it stands."""

    kind: str
    label: str
    x: str
    width: str
    lasts_ms: float
    begins_ms: float
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One turn. Its axis begins with the turn; ``lasts_ms`` is where it ends."""

    turn: Turn
    bars: tuple[Bar, ...]
    lasts_ms: float


@dataclass(frozen=True, slots=True)
class Bin:
    """How many values fall between two bounds, the lower one included."""

    from_ms: float
    until_ms: float
    count: int
    x: str
    width: str
    height_px: int

    @property
    def y(self) -> int:
        """Where the bar begins."""
        return HISTOGRAM_PX - self.height_px


@dataclass(frozen=True, slots=True)
class Histogram:
    """One measure of latency: bins from zero on, and where its percentiles stand."""

    latency: Latency
    bins: tuple[Bin, ...]
    longest_ms: float
    p50_x: str
    p95_x: str
    height_px: int = HISTOGRAM_PX


@dataclass(frozen=True, slots=True)
class Line:
    """One statistic of the connection over time: a line from zero to ``highest``."""

    name: str
    unit: str
    points: str
    count: int
    latest: float
    median: float
    p95: float
    highest: float
    height_px: int = LINE_PX


def lay_out_turn(turn: Turn) -> Waterfall:
    """Put a turn's spans on an axis of its own."""
    lasts_ms = max(turn.ends_ms, *(span.ends_ms for span in turn.spans), turn.begins_ms + 1)
    lasts_ms -= turn.begins_ms
    bars = tuple(
        _bar(
            span.kind,
            span.label,
            span.begins_ms - turn.begins_ms,
            span.ends_ms - turn.begins_ms,
            lasts_ms,
            is_failed=span.is_failed,
        )
        for span in turn.spans
    )
    return Waterfall(turn, bars, lasts_ms)


def lay_out_handshake(handshake: Handshake) -> tuple[Bar, ...]:
    """Put the steps of the handshake one after the other; a step that is missing has no bar."""
    steps = (
        ("Token", handshake.token_ms),
        ("Offer made", handshake.offer_ms),
        ("Answer received", handshake.answer_ms),
        ("Connected (ICE)", handshake.ice_ms),
        ("Channel open", handshake.channel_ms),
        ("First event", handshake.first_event_ms),
    )
    whole = max((at for _, at in steps if at is not None), default=0) or 1
    bars, before = [], 0.0
    for label, at in steps:
        if at is not None:
            bars.append(_bar("step", label, min(before, at), at, whole))
            before = at
    return tuple(bars)


def lay_out_latency(latency: Latency) -> Histogram:
    """Count a measure's values in bins of one width."""
    longest = max(latency.values_ms, default=0.0)
    width = next((w for w in _WIDTHS_MS if longest / w < _MOST_BINS), _WIDTHS_MS[-1])
    count = min(int(longest // width) + 1, _MOST_BINS) if latency.values_ms else 0
    counts = [0] * count
    for value in latency.values_ms:
        counts[min(int(value // width), count - 1)] += 1
    axis_ms = float(count * width)
    tallest = max(counts, default=0) or 1
    return Histogram(
        latency=latency,
        bins=tuple(
            Bin(
                from_ms=place * width,
                until_ms=(place + 1) * width,
                count=found,
                x=_share(place + 0.05, count),
                width=_share(0.9, count),
                height_px=max(round(HISTOGRAM_PX * found / tallest), 2) if found else 0,
            )
            for place, found in enumerate(counts)
        ),
        longest_ms=axis_ms,
        p50_x=_mark(latency.p50_ms, axis_ms),
        p95_x=_mark(latency.p95_ms, axis_ms),
    )


def lay_out_line(name: str, unit: str, values: Sequence[float]) -> Line | None:
    """Draw one statistic, sample after sample; None where there are fewer than two."""
    if len(values) < 2:
        return None
    shown = _thinned(values)
    highest = max(values)
    step = 100 / (len(shown) - 1)
    points = " ".join(
        f"{place * step:.2f},{LINE_PX - (LINE_PX - 2) * value / (highest or 1):.1f}"
        for place, value in enumerate(shown)
    )
    return Line(
        name=name,
        unit=unit,
        points=points,
        count=len(values),
        latest=values[-1],
        median=percentile(values, 50) or 0.0,
        p95=percentile(values, 95) or 0.0,
        highest=highest,
    )


def _bar(
    kind: str, label: str, begins: float, ends: float, whole: float, *, is_failed: bool = False
) -> Bar:
    width = max(100 * (ends - begins) / whole, _THINNEST_PERCENT)
    x = min(100 * begins / whole, 100 - width)
    return Bar(kind, label, f"{x:.2f}%", f"{width:.2f}%", ends - begins, begins, is_failed)


def _thinned(values: Sequence[float]) -> list[float]:
    """The greatest value of each stretch, so that a peak is never lost."""
    size = -(-len(values) // MOST_POINTS)
    return [max(values[place : place + size]) for place in range(0, len(values), size)]


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%"


def _mark(value: float | None, axis_ms: float) -> str:
    return "" if value is None or axis_ms == 0 else _share(min(value, axis_ms), axis_ms)
