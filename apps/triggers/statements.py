"""The detection of a few records as a prepared statement, written once for a day.

To write a trigger's query and to plan it takes several times as long as to run it for what a round looks at.
So it is run with the moments and the records alone. The database plans it without knowing them, for a few
records that are found by their ids, which is what a round is about; of many the ordinary statement is planned
as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Self

from apps.tenants.statements import Place, Prepared
from apps.triggers.any_moment import AnyMoment, WrittenForADay, is_place, told
from apps.triggers.detection import Detection, detect, detection_sql
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger

# Of more a plan for a few may be the wrong one.
MOST_CANDIDATES = 5_000
_ROWS = Place([-1], "bigint[]")


@dataclass(frozen=True, slots=True)
class RoundStatement:
    """A trigger's detection among some records, to be told which and when."""

    prepared: Prepared
    places: tuple[datetime, ...]

    @classmethod
    def of(cls, trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> Self:
        """Write it for the day of ``moment``."""
        sql, params = detection_sql(trigger, AnyMoment.like(moment), parameters, _ROWS.mark)
        places = tuple(dict.fromkeys(param for param in params if is_place(param)))
        held = (*(Place(place, "timestamptz") for place in places), _ROWS)
        return cls(Prepared.of(sql, params, held), places)

    def values(self, moment: ScanMoment, candidates: Collection[int]) -> list[Any]:
        """What it is told for a moment and some records."""
        return [*(told(place, moment) for place in self.places), list(candidates)]


_written: WrittenForADay[RoundStatement] = WrittenForADay(1_000)


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
    write = partial(RoundStatement.of, trigger, moment, parameters)
    statement = _written.get(trigger, epoch, moment.today, write)
    ((matched, fired, refreshed, cleared),) = statement.prepared.fetch(
        *statement.values(moment, candidates)
    )
    return Detection(matched, fired, refreshed, cleared)
