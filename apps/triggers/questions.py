"""Whether a trigger holds for a record: asked anew of single records, where somebody decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Self

from django.db import connection
from psycopg.types.json import Jsonb

from apps.tenants.statements import ID_PLACE, Place, Prepared, exists_sql
from apps.triggers.any_moment import AnyMoment, WrittenForADay, is_place, told
from apps.triggers.epochs import epoch_of
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.users.statements import ROW_PLACE

_NOTHING_MATCHES = "SELECT 1 WHERE false"


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a trigger holds for a record, at one moment: written once, asked of one record or of many.

    What is written for any moment of a day is prepared, with places for the record and for ``moments``.
    """

    sql: str
    params: tuple[Any, ...]
    prepared: Prepared | None = None
    moments: tuple[datetime, ...] = ()

    @classmethod
    def of(cls, trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> Self:
        """Write the statement."""
        written = exists_sql(trigger.matching(moment, parameters).filter(pk=ROW_PLACE))
        return cls(*(written or (_NOTHING_MATCHES, ())))

    def for_any_moment(self) -> Self:
        """The question as it is kept, where it was written for any moment of a day."""
        moments = tuple(dict.fromkeys(param for param in self.params if is_place(param)))
        places = [ID_PLACE, *(Place(moment, "timestamptz") for moment in moments)]
        prepared = Prepared.of(self.sql, self.params, places)
        return replace(self, prepared=prepared, moments=moments)

    def is_like(self, other: Question) -> bool:
        """Whether both ask the same."""
        return self.sql == other.sql and self._compared() == other._compared()

    def _compared(self) -> list[Any]:
        # Two of psycopg's wrappers of JSON are never equal.
        return [param.obj if isinstance(param, Jsonb) else param for param in self.params]

    def at(self, moment: ScanMoment) -> Self:
        """The question as it is put at a moment, where it was written for any of that day."""
        params = (told(param, moment) if is_place(param) else param for param in self.params)
        moments = (told(place, moment) for place in self.moments)
        return replace(self, params=tuple(params), moments=tuple(moments))

    def holds_for(self, record_id: int) -> bool:
        """Ask it of one record."""
        if self.prepared is not None:
            return bool(self.prepared.fetch(record_id, *self.moments))
        asked = [
            record_id if isinstance(param, int) and param == ROW_PLACE else param
            for param in self.params
        ]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, asked)
            return cursor.fetchone() is not None


# Of each company those triggers that led to something lately; a statement has a few kilobytes.
_written: WrittenForADay[Question | None] = WrittenForADay(512)


def question_of(trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> Question:
    """The question of a trigger, out of what was written for it on this day."""
    epoch = epoch_of(trigger, moment, parameters)
    write = partial(_write, trigger, moment, parameters)
    written = _written.get(trigger, epoch, moment.today, write)
    return written.at(moment) if written else Question.of(trigger, moment, parameters)


def _write(trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> Question | None:
    """The question for any moment of the day; None where it would not be, at this one, what the trigger asks.

    So it is where a trigger reckons with moments itself: it is then written each time.
    """
    written = Question.of(trigger, AnyMoment.like(moment), parameters)
    as_asked = Question.of(trigger, moment, parameters)
    return written.for_any_moment() if written.at(moment).is_like(as_asked) else None
