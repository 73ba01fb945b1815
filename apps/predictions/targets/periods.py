"""The months and quarters that a target can be set for: those of the calendar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from django.utils.formats import date_format

from apps.predictions.forecasting.windows import months_on

MONTH, QUARTER = 1, 3
_KEY = re.compile(r"([0-9]{4})-([0-9]{2})-([13])")


@dataclass(frozen=True, slots=True)
class Period:
    """``months`` calendar months from a day on, which is sound where ``problem`` is empty."""

    starts_on: date
    months: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a ``key``; None for anything else."""
        found = _KEY.fullmatch(text)
        if found is None or not 1 <= int(found[2]) <= 12 or not int(found[1]):
            return None
        return cls(date(int(found[1]), int(found[2]), 1), int(found[3]))

    @property
    def key(self) -> str:
        """As it stands in forms: the month that it begins with, and how many it has."""
        return f"{self.starts_on:%Y-%m}-{self.months}"

    @property
    def ends_on(self) -> date:
        """Its last day."""
        return months_on(self.starts_on.replace(day=1), self.months) - timedelta(days=1)

    @property
    def label(self) -> str:
        """As people write it: Q4 2026, November 2026."""
        if self.months == QUARTER:
            return f"Q{(self.starts_on.month + 2) // 3} {self.starts_on.year}"
        return str(date_format(self.starts_on, "F Y"))

    @property
    def problem(self) -> str:
        """Why it is no month or quarter of the calendar; empty where it is one."""
        if self.months not in {MONTH, QUARTER}:
            return "A target is for a month or for a quarter: 1 or 3 months."
        if self.starts_on.day != 1:
            return "It begins with the first day of a month."
        if self.months == QUARTER and self.starts_on.month % 3 != 1:
            return "A quarter begins in January, April, July or October."
        return ""


def periods_around(today: date) -> Iterator[Period]:
    """What is offered: from the quarter and month before the present one, a year on."""
    quarter = today.replace(month=today.month - (today.month - 1) % 3, day=1)
    for place in range(-1, 5):
        yield Period(months_on(quarter, QUARTER * place), QUARTER)
    for place in range(-1, 13):
        yield Period(months_on(today.replace(day=1), place), MONTH)
