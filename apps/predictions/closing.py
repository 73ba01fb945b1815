"""When an open deal would be won, by the times that the company's own won deals took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class ClosingDay:
    """The day by which half of the deals that were still open at this age were won; half of them fell
    between ``earliest`` and ``latest``."""

    day: date
    earliest: date
    latest: date


def expected_close(days_to_win: Sequence[float], opened_on: date, today: date) -> ClosingDay | None:
    """Return when a deal is won, if it is won; None where hardly a won deal was ever so old.

    ``days_to_win`` are the days from opening to a win at evenly spaced shares of the won deals, the shortest
    first.
    """
    age_days = (today - opened_on).days
    ahead = [days for days in days_to_win if days > age_days]
    if not ahead:
        return None

    def day_at(share_0_1: float) -> date:
        return opened_on + timedelta(days=round(ahead[int(share_0_1 * (len(ahead) - 1))]))

    return ClosingDay(day_at(0.5), day_at(0.25), day_at(0.75))
