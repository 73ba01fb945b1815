"""The detection of a few records as a prepared statement, written once for a day.

To write a trigger's query and to plan it takes several times as long as to run it for what a round looks at.
So it is written for any moment of a day, and run with the moments and the records alone. The database plans
it without knowing them, for a few records that are found by their ids, which is what a round is about; of
many the ordinary statement is planned as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from apps.tenants.statements import Place, Prepared
from apps.triggers.detection import Detection, detect, detection_sql
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger

# Of more a plan for a few may be the wrong one.
MOST_CANDIDATES = 5_000
# Statements are the same for all tenants that go by the same figures.
_MOST_WRITTEN = 1_000

# No row has such times. Near the first stands what lies so long before or after now, near the second the
# moment since which so many working days have passed: one day for each.
_NOW = datetime(9000, 1, 1, tzinfo=UTC)
_WORKING_DAYS_AGO = datetime(8000, 1, 1, tzinfo=UTC)
_NEAR = timedelta(days=36_500)
_ROWS = Place([-1], "bigint[]")


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


@dataclass(frozen=True, slots=True)
class RoundStatement:
    """A trigger's detection among some records, to be told which and when."""

    prepared: Prepared
    places: tuple[datetime, ...]

    @classmethod
    def of(cls, trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> Self:
        """Write it for the day of ``moment``."""
        sql, params = detection_sql(trigger, AnyMoment.like(moment), parameters, _ROWS.mark)
        places = tuple(dict.fromkeys(_places_in(params)))
        held = (*(Place(place, "timestamptz") for place in places), _ROWS)
        return cls(Prepared.of(sql, params, held), places)

    def values(self, moment: ScanMoment, candidates: Collection[int]) -> list[Any]:
        """What it is told for a moment and some records."""
        return [*(_told(place, moment) for place in self.places), list(candidates)]


_written: dict[tuple[Trigger[Any], str, date], RoundStatement] = {}


def detect_among(
    trigger: Trigger[Any],
    moment: ScanMoment,
    parameters: Parameters,
    *,
    epoch: str,
    candidates: Collection[int],
) -> Detection:
    """Bring the signals of these records in line with them, as ``detect`` does.

    ``epoch`` stands for all that the trigger's answer depends on besides records and the clock.

    Raises:
        OutdatedPlanError: a table was altered; the transaction is to be tried again.
    """
    if len(candidates) > MOST_CANDIDATES:
        return detect(trigger, moment, parameters, candidates=candidates)
    key = (trigger, epoch, moment.today)
    statement = _written.get(key)
    if statement is None:
        if len(_written) >= _MOST_WRITTEN:
            _written.clear()
        statement = _written[key] = RoundStatement.of(trigger, moment, parameters)
    ((matched, fired, refreshed, cleared),) = statement.prepared.fetch(
        *statement.values(moment, candidates)
    )
    return Detection(matched, fired, refreshed, cleared)


def _places_in(params: list[Any]) -> Iterator[datetime]:
    for param in params:
        if isinstance(param, datetime) and (
            _is_near(param, _NOW) or _is_near(param, _WORKING_DAYS_AGO)
        ):
            yield param


def _told(place: datetime, moment: ScanMoment) -> datetime:
    if _is_near(place, _NOW):
        return moment.now + (place - _NOW)
    return moment.working_days_ago((place - _WORKING_DAYS_AGO).days)


def _is_near(param: datetime, place: datetime) -> bool:
    return abs(param - place) < _NEAR
