"""A window as it stands on a day: what is won of it, and what can still be won."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from apps.predictions.forecasting.deals import DealHistory, Floats
from apps.predictions.forecasting.windows import Window


@dataclass(frozen=True)
class Situation:
    """What is known as the day `today` begins, or in its course, of deals and of a window.

    Attributes:
        history: nothing that lies later than `today`.
    """

    history: DealHistory
    today: date
    window: Window

    @property
    def now(self) -> int:
        """The first day on which something can still happen."""
        return self.today.toordinal()

    @property
    def first(self) -> int:
        """The first day of the window that lies ahead."""
        return max(self.window.first, self.now)

    @property
    def after(self) -> int:
        """The first day after the window."""
        return self.window.after

    @cached_property
    def won_so_far(self) -> float:
        """What is won of the window."""
        return self.history.won_between(self.window.first, self.after)

    @cached_property
    def usual_amounts(self) -> Floats:
        """The amounts of the deals won so far; those that have none brought nothing that is known."""
        return self.history.won_value[self.history.won]

    @cached_property
    def values(self) -> Floats:
        """What each deal is worth: its amount, else the mean of the won ones."""
        usual = float(self.usual_amounts.mean()) if len(self.usual_amounts) else 0.0
        return np.where(np.isnan(self.history.amount), usual, self.history.amount)
