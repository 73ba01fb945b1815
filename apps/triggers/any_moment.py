"""A moment of a day that is not known yet: what is written for it holds places, which are told later.

To write a trigger's statement takes several times as long as to run it for a few records, and from one moment
of a day to the next it differs in its moments alone. So it is written once for a day, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Generic, Self, TypeGuard, TypeVar

from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Trigger

T = TypeVar("T")

# No row has such times. Near the first stands what lies so long before or after now, near the second the
# moment since which so many working days have passed: one day for each.
_NOW = datetime(9000, 1, 1, tzinfo=UTC)
_WORKING_DAYS_AGO = datetime(8000, 1, 1, tzinfo=UTC)
_NEAR = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class AnyMoment(ScanMoment):
    """Any moment of a day: what a trigger takes from it holds the place of what is told later."""

    day: date = field(kw_only=True)

    @classmethod
    def like(cls, moment: ScanMoment) -> Self:
        """Any moment of the day at hand, for the same tenant."""
        return cls(_NOW, moment.zone, moment.calendar, moment.figures, day=moment.today)

    @property
    def today(self) -> date:
        """The day."""
        return self.day

    def working_days_ago(self, days: int) -> datetime:
        """The place of the moment since which so many working days have passed."""
        return _WORKING_DAYS_AGO + timedelta(days=days)


def is_place(param: Any) -> TypeGuard[datetime]:
    """Whether a parameter of what was written for any moment stands for one that is told later."""
    return isinstance(param, datetime) and any(
        abs(param - place) < _NEAR for place in (_NOW, _WORKING_DAYS_AGO)
    )


def told(place: datetime, moment: ScanMoment) -> datetime:
    """What a place stands for at a moment."""
    if abs(place - _NOW) < _NEAR:
        return moment.now + (place - _NOW)
    return moment.working_days_ago((place - _WORKING_DAYS_AGO).days)


class WrittenForADay(Generic[T]):
    """What was written of triggers, by the epoch of each (``epochs.epoch_of``) and the day.

    The same for all tenants that go by the same figures. Nobody asks for what is of days gone by: when it has
    become too much, all of it goes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[Trigger[Any], str, date], T] = {}

    def __iter__(self) -> Iterator[tuple[Trigger[Any], str, date]]:
        return iter(self._kept)

    def get(self, trigger: Trigger[Any], epoch: str, day: date, write: Callable[[], T]) -> T:
        """What was written before, else what is written now."""
        key = (trigger, epoch, day)
        if key not in self._kept:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = write()
        return self._kept[key]
