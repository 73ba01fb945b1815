"""Where the marks of a chart stand. Widths are shares of the drawing, so that it fits any window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """The groups on one axis, which begins at zero and ends at ``highest``."""

    strips: tuple[Strip, ...]
    highest: float
    unit: str


def lay_out_strips(rows: Sequence[DistributionRow]) -> Strips:
    """Put the groups on one axis."""
    highest = (
        max((value for row in rows for value in (row.p80 or 0, row.threshold)), default=0) or 1
    )
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
        unit=rows[0].unit if rows else "",
    )


def share(value: float | None, whole: float) -> str:
    """Write a length as a share of the drawing; nothing for no value."""
    return "" if value is None else f"{100 * value / whole:.2f}%"
