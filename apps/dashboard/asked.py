"""What a person asks of the first page: whose work, and over how many days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from django.db.models import Q
from django.utils import timezone

from apps.dashboard.enums import Scope
from apps.predictions.forecasts import ForecastScope
from apps.users.models import User

PERIODS_DAYS = (30, 90, 180, 365)
DEFAULT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the calendar year, first and last day."""

    begins_on: date
    ends_on: date

    @classmethod
    def of(cls, day: date) -> Self:
        """The quarter in which a day lies."""
        first = day.replace(month=day.month - (day.month - 1) % 3, day=1)
        return cls(first, _first_of_next_quarter(first) - timedelta(days=1))

    @property
    def before(self) -> Quarter:
        """The quarter before this one."""
        return Quarter.of(self.begins_on - timedelta(days=1))

    def same_day_in(self, other: Quarter, day: date) -> date:
        """As many days into another quarter as ``day`` lies in this one, no later than its last."""
        return min(other.begins_on + (day - self.begins_on), other.ends_on)

    @property
    def label(self) -> str:
        """As people write it: Q4 2026."""
        return f"Q{(self.begins_on.month + 2) // 3} {self.begins_on.year}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose work and which days; all days are those of the current time zone."""

    person: User
    scope: Scope
    days: int
    now: datetime

    @classmethod
    def read(cls, person: User, params: Mapping[str, str], now: datetime) -> Self:
        """Read a query string; what is unknown, or not offered to this person, falls back."""
        offered = offered_scopes(person)
        scope = next((scope for scope in offered if scope == params.get("scope")), None)
        days = next((days for days in PERIODS_DAYS if str(days) == params.get("days")), None)
        return cls(person, scope or default_scope(person), days or DEFAULT_DAYS, now)

    @property
    def today(self) -> date:
        """The day of the person who asks."""
        return timezone.localdate(self.now)

    @property
    def first_day(self) -> date:
        """The first day of the period, whose last one is today."""
        return self.today - timedelta(days=self.days - 1)

    @property
    def since(self) -> datetime:
        """The moment at which the period begins."""
        return start_of(self.first_day)

    @property
    def quarter(self) -> Quarter:
        """The present quarter."""
        return Quarter.of(self.today)

    @property
    def forecast_scope(self) -> ForecastScope:
        """Whose forecasts and targets they are."""
        match self.scope:
            case Scope.ME:
                return ForecastScope(owner_id=self.person.pk)
            case Scope.TEAM:
                return ForecastScope(team_id=self.person.team_id)
            case _:
                return ForecastScope()

    def is_of(self, owner_field: str = "owner") -> Q:
        """The filter for rows whose ``owner_field`` is one of the people asked for.

        Narrower than ``users.rules.visible_rows`` in every scope that is offered to the person.
        """
        match self.scope:
            case Scope.ME:
                return Q(**{f"{owner_field}_id": self.person.pk})
            case Scope.TEAM:
                return Q(**{f"{owner_field}__team_id": self.person.team_id})
            case _:
                return Q()


def offered_scopes(person: User) -> tuple[Scope, ...]:
    """The scopes that a person may choose: their own, their team's, and with sight of all, everyone's."""
    scopes = [Scope.ME]
    if person.team_id is not None:
        scopes.append(Scope.TEAM)
    if person.sees_all:
        scopes.append(Scope.EVERYONE)
    return tuple(scopes)


def default_scope(person: User) -> Scope:
    """Who steers everyone's work begins with it, who works begins with their own, as in the queue."""
    return Scope.EVERYONE if person.sees_all else Scope.ME


def start_of(day: date) -> datetime:
    """The moment at which a day begins in the current time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _first_of_next_quarter(first: date) -> date:
    return (first + timedelta(days=95)).replace(day=1)
