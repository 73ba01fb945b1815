"""What a manager sees of how people decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from apps.dashboard.asked import start_of
from apps.dashboard.oversight.kinds import (
    Comparison,
    Disagreement,
    comparisons,
    disagreements,
    read_tallies,
)
from apps.dashboard.oversight.people import Deciding, read_deciding
from apps.dashboard.oversight.waiting import AgeBand, Waiting, read_age_bands, read_waiting
from apps.users.models import User

VIEW_PERMISSION = "suggestions.view_decision"
PERIODS_DAYS = (7, 30, 90, 365)
DEFAULT_DAYS = 30

_NOBODY = "Nobody"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person: what they decided in the period, and what waits for them now.

    ``person`` is None for what nobody was given; ``comparison`` where colleagues decided too little.
    """

    person: User | None
    deciding: Deciding
    waiting: Waiting
    comparison: Comparison | None

    @property
    def name(self) -> str:
        """The person's name."""
        return str(self.person) if self.person else _NOBODY


@dataclass(frozen=True, slots=True)
class Oversight:
    """Everybody who decided or for whom something waits, those who decided most first."""

    days: int
    people: tuple[PersonRow, ...]
    everyone: Deciding
    disagreements: tuple[Disagreement, ...]
    names: Mapping[int, str]
    bands: tuple[AgeBand, ...]

    @property
    def waiting(self) -> int:
        """All that waits in queues now."""
        return sum(band.count for band in self.bands)


def chosen_days(text: str) -> int:
    """The period in an address; what is none of the offered ones falls back."""
    return next((days for days in PERIODS_DAYS if str(days) == text), DEFAULT_DAYS)


def read_oversight(days: int, now: datetime) -> Oversight:
    """Read it in five queries. The period ends now and begins with a day of the current time zone."""
    since = start_of(timezone.localdate(now) - timedelta(days=days - 1))
    deciding = {row.person_id: row for row in read_deciding(since, now)}
    everyone = deciding.pop(None)
    waiting = {row.person_id: row for row in read_waiting(now)}
    tallies = read_tallies(since, now)
    compared = comparisons(tallies)
    shown = {*deciding, *waiting}
    people = User.objects.in_bulk([pk for pk in shown if pk is not None])
    rows = [
        PersonRow(
            person=people[pk] if pk is not None else None,
            deciding=deciding.get(pk) or _idle(pk),
            waiting=waiting.get(pk) or Waiting(pk, 0, None, None),
            comparison=compared.get(pk) if pk is not None else None,
        )
        for pk in shown
        if pk is None or pk in people
    ]
    rows.sort(
        key=lambda row: (row.person is None, -row.deciding.decided, -row.waiting.count, row.name)
    )
    return Oversight(
        days=days,
        people=tuple(rows),
        everyone=everyone,
        disagreements=disagreements(tallies),
        names={pk: str(person) for pk, person in people.items()},
        bands=read_age_bands(now),
    )


def _idle(person_id: int | None) -> Deciding:
    """Somebody who decided nothing."""
    return Deciding(person_id, 0, 0, 0, 0, 0, None, None, 0, 0, 0, 0, 0)
