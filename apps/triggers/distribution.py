"""How a figure is spread in the tenant's own records, as the settings page shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """One group of records: how many there are, and where half and four fifths of them lie.

    ``threshold`` is what the trigger takes for the group; when there are too few records to tell,
    ``p50`` and ``p80`` are None and the threshold is a default. All three are in ``unit``.
    """

    label: str
    count: int
    p50: float | None
    p80: float | None
    threshold: float
    unit: str
