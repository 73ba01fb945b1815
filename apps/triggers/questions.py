"""Whether a trigger holds for a record: asked anew of single records, where somebody decides.

To write the statement of a trigger takes far longer than to run it for one record. It differs from one
moment to the next in its moments alone, so it is written once for a day, with marks where they stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg.types.json import Jsonb

from apps.tenants.calendar import WorkingCalendar
from apps.tenants.connections import tenant_connection
from apps.tenants.statements import exists_sql
from apps.triggers.moments import Figures, ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.users.statements import ROW_PLACE

_NOTHING_MATCHES = "SELECT 1 WHERE false"

# No trigger asks for such a moment: each stands for one that is told when the question is put.
_FIRST_MARK = datetime(9000, 1, 1, tzinfo=UTC)

# Of each company those triggers that led to something lately; a statement has a few kilobytes.
_MOST_KEPT = 512

_Told = Callable[[ScanMoment], datetime]


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a trigger holds for a record, at one moment: written once, asked of one record or of many."""

    sql: str
    params: tuple[Any, ...]

    @classmethod
    def of(cls, trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> Self:
        """Write the statement."""
        written = exists_sql(trigger.matching(moment, parameters).filter(pk=ROW_PLACE))
        return cls(*(written or (_NOTHING_MATCHES, ())))

    def is_like(self, other: Question) -> bool:
        """Whether both ask the same."""
        return self.sql == other.sql and self._compared() == other._compared()

    def _compared(self) -> list[Any]:
        # Two of psycopg's wrappers of JSON are never equal.
        return [param.obj if isinstance(param, Jsonb) else param for param in self.params]

    def holds_for(self, record_id: int) -> bool:
        """Ask it of one record."""
        asked = [
            record_id if isinstance(param, int) and param == ROW_PLACE else param
            for param in self.params
        ]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, asked)
            return cursor.fetchone() is not None


def question_of(trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters) -> Question:
    """The question of a trigger, out of what was written for it on this day."""
    figures = moment.figures.get(trigger.key)
    kept = _kept(
        _Key(
            tenant_connection().schema_name,
            trigger.key,
            parameters.model_dump_json(),
            json.dumps(figures.values, sort_keys=True) if figures else "",
            moment.today,
            moment.zone,
            moment.calendar,
            trigger=trigger,
            moment=moment,
            typed=parameters,
        )
    )
    return kept.at(moment) if kept else Question.of(trigger, moment, parameters)


@dataclass(frozen=True, slots=True)
class _AnyMoment(ScanMoment):
    """Any moment of a day: what it tells are marks, and ``told`` says what each stands for."""

    day: date = date.min
    told: dict[datetime, _Told] = field(default_factory=dict)

    @classmethod
    def like(cls, moment: ScanMoment, figures: dict[str, Figures]) -> Self:
        """Any moment of the same day."""
        told: dict[datetime, _Told] = {_FIRST_MARK: attrgetter("now")}
        return cls(_FIRST_MARK, moment.zone, moment.calendar, figures, moment.today, told)

    @property
    def today(self) -> date:
        """The day."""
        return self.day

    def days_ago(self, days: int) -> datetime:
        """A mark for that moment."""
        return self._mark(lambda moment: moment.days_ago(days))

    def working_days_ago(self, days: int) -> datetime:
        """A mark for that moment."""
        return self._mark(lambda moment: moment.working_days_ago(days))

    def _mark(self, told: _Told) -> datetime:
        mark = _FIRST_MARK + timedelta(minutes=len(self.told))
        self.told[mark] = told
        return mark


@dataclass(frozen=True, slots=True)
class _Kept:
    """A question with marks in the place of its moments."""

    question: Question
    told: dict[datetime, _Told]

    def at(self, moment: ScanMoment) -> Question:
        """The question as it is put at a moment of that day."""
        params = tuple(
            self.told[param](moment) if type(param) is datetime and param in self.told else param
            for param in self.question.params
        )
        return replace(self.question, params=params)


@dataclass(frozen=True, slots=True)
class _Key:
    """Whatever makes a difference to the statement; with what it is written from."""

    schema: str
    key: str
    parameters: str
    figures: str
    today: date
    zone: ZoneInfo
    calendar: WorkingCalendar
    trigger: Trigger[Any] = field(compare=False)
    moment: ScanMoment = field(compare=False)
    typed: Parameters = field(compare=False)


@lru_cache(maxsize=_MOST_KEPT)
def _kept(key: _Key) -> _Kept | None:
    """The statement with marks; None where it would not be, at this moment, what the trigger asks.

    So it is where a trigger reckons with moments itself: it is then written each time.
    """
    trigger, moment = key.trigger, key.moment
    own = {name: own for name, own in moment.figures.items() if name == trigger.key}
    any_moment = _AnyMoment.like(moment, own)
    kept = _Kept(Question.of(trigger, any_moment, key.typed), any_moment.told)
    return kept if kept.at(moment).is_like(Question.of(trigger, moment, key.typed)) else None
