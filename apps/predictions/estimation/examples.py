"""Records whose outcome is known: what a model is learned from and judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.predictions.estimation.tables import Floats, Indices, Table

Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Examples:
    """A table, the outcome of each row, and what keeps the judging honest.

    Attributes:
        labels: whether it came about.
        moments: when each row was as it stands here, in days since whenever; None where nobody knows.
        groups: a number for each record that has several rows, so that one record's rows are never on both
            sides of a split; None where each row is a record of its own.
    """

    table: Table
    labels: Labels
    moments: Floats | None = None
    groups: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for values in (self.labels, self.moments, self.groups):
            if values is not None and len(values) != len(self.table):
                raise ValueError("Labels, moments and groups must be as many as the rows.")
        if self.moments is not None and not np.isfinite(self.moments).all():
            raise ValueError("Every row needs a moment, or none has one.")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def outcomes(self) -> int:
        """How many records there are."""
        return len(self) if self.groups is None else len(np.unique(self.groups))

    @property
    def rarer_outcomes(self) -> int:
        """How many records have the outcome that fewer have."""
        if self.groups is None:
            return int(min(self.labels.sum(), (~self.labels).sum()))
        return min(len(np.unique(self.groups[self.labels == side])) for side in (True, False))

    @property
    def base_rate_0_1(self) -> float:
        """The share of rows in which it came about; 0 without rows."""
        return float(self.labels.mean()) if len(self) else 0.0

    def take(self, rows: Indices) -> Examples:
        """These rows, in this order."""
        return Examples(
            table=self.table.take(rows),
            labels=self.labels[rows],
            moments=None if self.moments is None else self.moments[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    def without_columns(self, names: set[str]) -> Examples:
        """The same rows without these columns."""
        return Examples(self.table.without(names), self.labels, self.moments, self.groups)
