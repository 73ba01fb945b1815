"""With whom, and at which accounts, contact really became more or less: from the hidden rates alone.

The rates are known here, so that it can be said how much the weeks must have told an onlooker: the expected
logarithm of the likelihood ratio between one rate throughout and one before and another after a week. Where
that is large something has really changed, where it is small nothing has, and in between lies what no
onlooker could be sure of.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from apps.crm.enums import RecordKind
from apps.operations.bench.discovery.comparing import Doubt, Subject, Truth
from apps.operations.demo.causes import Engagement
from apps.operations.demo.schemas import World

_WEEKS = 26
_WEEK = timedelta(weeks=1)
_WORKING_DAYS = 5
# Weeks since the change: what is older is no news, what is younger has hardly shown.
_NEWS = range(2, 9)
# A change by half or to the double, and one of which nobody speaks.
_MUCH, _LITTLE = math.log(2.0), math.log(1.4)
_CLEAR, _HARDLY = 8.0, 2.5
# With whom there were fewer days of contact before, contact has begun and not changed.
_KNOWN_DAYS = 3.0
# Who knows the rates is sure when the weeks are a thousand times likelier by them than by one rate alone.
_SURE = math.log(1000.0)
# Contact that no cause tells of happens too, now and then.
_LEAST_DAYS = 0.01


@dataclass(frozen=True, slots=True)
class _Change:
    """The likeliest change: weeks ago, the logarithm of the factor, and how much the weeks tell of it."""

    weeks_ago: int
    log_factor: float
    evidence: float


def shifted(world: World, now: datetime, holidays: Collection[date]) -> Truth:
    """The contacts and accounts whose rate has really changed lately."""
    changes = _changes(world, now, holidays)
    holds = frozenset(subject for subject, doubt in changes.items() if doubt is None)
    return Truth(holds, frozenset(changes.keys() - holds))


def doubts(world: World, now: datetime, holidays: Collection[date]) -> Mapping[Subject, Doubt]:
    """Why it can be said neither way, of those of whom it can be said neither way."""
    changes = _changes(world, now, holidays)
    return {subject: doubt for subject, doubt in changes.items() if doubt is not None}


def seen_by_an_oracle(
    world: World, truth: Truth, now: datetime, holidays: Collection[date]
) -> frozenset[Subject]:
    """Those of the truth of whom the days that came about leave no doubt to one who knows the rates.

    More than that no detector can find: the others were in touch as though nothing had changed.
    """
    worked = _worked_shares(now, holidays)
    rates = _weekly_days(world.causes.engagement, now, worked)
    seen = _weekly_counts(world, now)
    return frozenset(
        subject
        for subject in truth.holds
        if _log_likelihood_ratio(seen[subject], rates[subject], worked) >= _SURE
    )


def _changes(
    world: World, now: datetime, holidays: Collection[date]
) -> Mapping[Subject, Doubt | None]:
    """Whose rate has changed, with what speaks against saying so; of all others it has not."""
    worked = _worked_shares(now, holidays)
    changes: dict[Subject, Doubt | None] = {}
    for subject, weekly in _weekly_days(world.causes.engagement, now, worked).items():
        change = _likeliest_change(weekly, worked)
        if change is None or change.evidence < _HARDLY or abs(change.log_factor) < _LITTLE:
            continue
        changes[subject] = _doubt(change, days_before=sum(weekly[_NEWS.stop :]))
    return changes


def _doubt(change: _Change, *, days_before: float) -> Doubt | None:
    """What speaks against calling it a change of late; None where nothing does."""
    if change.weeks_ago < _NEWS.start:
        return Doubt.YOUNG
    if change.weeks_ago >= _NEWS.stop:
        return Doubt.OLD
    if days_before < _KNOWN_DAYS:
        return Doubt.BEGUN
    if abs(change.log_factor) < _MUCH:
        return Doubt.SMALL
    return Doubt.FAINT if change.evidence < _CLEAR else None


def _worked_shares(now: datetime, holidays: Collection[date]) -> list[float]:
    """The share of each week's working days that was no holiday, the newest week first."""
    days = [now.date() - timedelta(days=ago) for ago in range(1, 7 * _WEEKS + 1)]
    off = [day in holidays and day.isoweekday() <= _WORKING_DAYS for day in days]
    return [1 - sum(off[7 * week : 7 * week + 7]) / _WORKING_DAYS for week in range(_WEEKS)]


def _weekly_days(
    engagement: Sequence[Engagement], now: datetime, worked: Sequence[float]
) -> Mapping[Subject, list[float]]:
    """The days with contact that the causes bring to each week, the newest week first."""
    days: dict[Subject, list[float]] = defaultdict(lambda: [0.0] * _WEEKS)
    for span in engagement:
        subjects: list[Subject] = []
        if span.contact:
            subjects.append((RecordKind.CONTACT, span.contact))
        if span.account:
            subjects.append((RecordKind.ACCOUNT, span.account))
        for week in range(_WEEKS):
            in_week = _days_in(span, now - _WEEK * (week + 1), now - _WEEK * week) * worked[week]
            for subject in subjects:
                days[subject][week] += in_week
    return days


def _weekly_counts(world: World, now: datetime) -> Mapping[Subject, list[int]]:
    """The days with contact in each week, each person's and each deal's apart, the newest week first."""
    accounts = {row.key: row.account for row in world.contacts}
    touches: set[tuple[Subject, str, str, date]] = set()
    for row in world.activities:
        if row.kind == "note":
            continue
        account = row.account or accounts.get(row.contact, "")
        day = row.occurred_at.date()
        touches.add(((RecordKind.CONTACT, row.contact), row.contact, row.deal, day))
        touches.add(((RecordKind.ACCOUNT, account), row.contact, row.deal, day))
    counts: dict[Subject, list[int]] = defaultdict(lambda: [0] * _WEEKS)
    for subject, _, _, day in touches:
        week = ((now.date() - day).days - 1) // 7
        if 0 <= week < _WEEKS:
            counts[subject][week] += 1
    return counts


def _days_in(span: Engagement, begin: datetime, end: datetime) -> float:
    """The days with contact that a span of contact brings to a week."""
    overlap = min(span.until, end) - max(span.since, begin)
    return max(0.0, overlap / _WEEK) * span.days_a_week


def _likeliest_change(weekly: Sequence[float], worked: Sequence[float]) -> _Change | None:
    """The week whose two sides differ most; newest week first."""
    best: _Change | None = None
    # Before the first contact there was nothing that could have changed.
    known = max((week + 1 for week, days in enumerate(weekly) if days), default=0)
    for weeks in range(1, known):
        after, before = sum(weekly[:weeks]), sum(weekly[weeks:])
        worked_after, worked_before = sum(worked[:weeks]), sum(worked[weeks:known])
        mean = (after + before) / (worked_after + worked_before)
        evidence = _gain(after, mean * worked_after) + _gain(before, mean * worked_before)
        factor = (after / (worked_after + 1e-9) + 1e-9) / (before / (worked_before + 1e-9) + 1e-9)
        if best is None or evidence > best.evidence:
            best = _Change(weeks, math.log(factor), evidence)
    return best


def _gain(count: float, expected: float) -> float:
    return count * math.log(count / expected) if count else 0.0


def _log_likelihood_ratio(
    counts: Sequence[int], weekly: Sequence[float], worked: Sequence[float]
) -> float:
    """How much likelier the counts are by the weekly days than by their mean throughout (Poisson)."""
    known = max((week + 1 for week, days in enumerate(weekly) if days), default=0)
    days = [max(_LEAST_DAYS, in_week) for in_week in weekly[:known]]
    mean = sum(days) / max(1e-9, sum(worked[:known]))
    return sum(
        count * math.log(in_week / (mean * share))
        for count, in_week, share in zip(counts, days, worked, strict=False)
        if share
    )
