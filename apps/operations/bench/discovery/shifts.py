"""With whom, and at which accounts, contact really became more or less: from the hidden rates alone.

The rates are known here, so that it can be said how much the weeks must have told an onlooker: the expected
logarithm of the likelihood ratio between one rate throughout and one before and another after a week. Where
that is large something has really changed, where it is small nothing has, and in between lies what no
onlooker could be sure of.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.crm.enums import RecordKind
from apps.operations.bench.discovery.comparing import Subject, Truth
from apps.operations.demo.causes import Engagement

_WEEKS = 26
_WEEK = timedelta(weeks=1)
# Weeks since the change: what is older is no news, what is younger has hardly shown.
_NEWS = range(2, 9)
# A change by half or to the double, and one of which nobody speaks.
_MUCH, _LITTLE = math.log(2.0), math.log(1.4)
_CLEAR, _HARDLY = 8.0, 2.5
# With whom there were fewer days of contact before, contact has begun and not changed.
_KNOWN_DAYS = 3.0


@dataclass(frozen=True, slots=True)
class _Change:
    """The likeliest change: weeks ago, the logarithm of the factor, and how much the weeks tell of it."""

    weeks_ago: int
    log_factor: float
    evidence: float


def shifted(engagement: Iterable[Engagement], now: datetime) -> Truth:
    """The contacts and accounts whose rate has really changed lately."""
    rates: dict[Subject, list[float]] = defaultdict(lambda: [0.0] * _WEEKS)
    for span in engagement:
        subjects: list[Subject] = []
        if span.contact:
            subjects.append((RecordKind.CONTACT, span.contact))
        if span.account:
            subjects.append((RecordKind.ACCOUNT, span.account))
        for week in range(_WEEKS):
            days = _days_in(span, now - _WEEK * (week + 1), now - _WEEK * week)
            for subject in subjects:
                rates[subject][week] += days
    holds, unsettled = set(), set()
    for subject, weekly in rates.items():
        change = _likeliest_change(weekly)
        was_known = sum(weekly[_NEWS.stop :]) >= _KNOWN_DAYS
        if change is None or change.evidence < _HARDLY or abs(change.log_factor) < _LITTLE:
            continue
        is_clear = change.evidence >= _CLEAR and abs(change.log_factor) >= _MUCH
        if is_clear and was_known and change.weeks_ago in _NEWS:
            holds.add(subject)
        else:
            unsettled.add(subject)
    return Truth(frozenset(holds), frozenset(unsettled))


def _days_in(span: Engagement, begin: datetime, end: datetime) -> float:
    """The days with contact that a span of contact brings to a week."""
    overlap = min(span.until, end) - max(span.since, begin)
    return max(0.0, overlap / _WEEK) * span.days_a_week


def _likeliest_change(weekly: Sequence[float]) -> _Change | None:
    """The week whose two sides differ most; newest week first."""
    best: _Change | None = None
    # Before the first contact there was nothing that could have changed.
    known = max((week + 1 for week, days in enumerate(weekly) if days), default=0)
    for weeks in range(1, known):
        after, before = sum(weekly[:weeks]), sum(weekly[weeks:])
        mean = (after + before) / known
        evidence = _gain(after, mean * weeks) + _gain(before, mean * (known - weeks))
        factor = (after / weeks + 1e-9) / (before / (known - weeks) + 1e-9)
        if best is None or evidence > best.evidence:
            best = _Change(weeks, math.log(factor), evidence)
    return best


def _gain(count: float, expected: float) -> float:
    return count * math.log(count / expected) if count else 0.0
