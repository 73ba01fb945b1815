"""What speaks for and against a pair, field by field, as a waterfall on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from apps.duplicates.matching.explaining import Comparison


@dataclass(frozen=True, slots=True)
class EvidenceBar:
    """One step: what is compared, how alike, and its bits; ``x`` and ``width`` are shares of the scale."""

    label: str
    level: str
    bits: float
    x: str
    width: str

    @property
    def bits_text(self) -> str:
        """The bits with their sign."""
        return f"{self.bits:+.1f}"

    @property
    def is_against(self) -> bool:
        """Whether it makes the pair less likely."""
        return self.bits < 0


@dataclass(frozen=True, slots=True)
class EvidenceChart:
    """The steps one below the other: each bar begins where the one before it ended.

    ``threshold_x`` is where pairs begin to be called likely.
    """

    bars: tuple[EvidenceBar, ...]
    weight_bits: float
    probability: float
    threshold_x: str
    unknown: tuple[str, ...]

    @property
    def total_text(self) -> str:
        """All bits together with their sign."""
        return f"{self.weight_bits:+.1f}"


def lay_out_evidence(comparison: Comparison, threshold_0_1: float) -> EvidenceChart:
    """Begin with what is known before anything is compared; the most telling field comes first."""
    threshold_bits = math.log2(threshold_0_1 / (1 - threshold_0_1))
    steps = [("Any two records", "before anything is compared", comparison.prior_bits)]
    steps += [(item.field.label, item.level, item.bits) for item in comparison.strongest]
    heights = [0.0, *accumulate(bits for _, _, bits in steps)]
    lowest, highest = min(*heights, threshold_bits), max(*heights, threshold_bits)
    scale = (highest - lowest) or 1.0
    return EvidenceChart(
        bars=tuple(
            EvidenceBar(
                label,
                level,
                bits,
                x=_percent(min(before, after) - lowest, scale),
                width=_percent(abs(after - before), scale),
            )
            for (label, level, bits), (before, after) in zip(steps, pairwise(heights), strict=True)
        ),
        weight_bits=comparison.weight_bits,
        probability=comparison.probability,
        threshold_x=_percent(threshold_bits - lowest, scale),
        unknown=_unknown(comparison),
    )


def _unknown(comparison: Comparison) -> tuple[str, ...]:
    silent: Sequence[str] = [item.field.label for item in comparison.evidence if not item.bits]
    return tuple(silent)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%"
