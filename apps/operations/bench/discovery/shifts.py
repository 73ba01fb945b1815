"""With whom, and at which accounts, contact really became more or less: from the hidden rates alone.

The rates are known here, so that it can be said how much the weeks must have told an onlooker: the expected
logarithm of the likelihood ratio between one rate throughout and one before and another after a week. Where
that is large something has really changed, where it is small nothing has, and in between lies what no
onlooker could be sure of. As an onlooker would, it compares with the company's contact as a whole.
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


@dataclass(frozen=True, slots=True)
class _Change:
    """The likeliest change: weeks ago, the logarithm of the factor, and how much the weeks tell of it."""

    weeks_ago: int
    log_factor: float
    evidence: float


def shifted(engagement: Iterable[Engagement], now: datetime) -> Truth:
    """The contacts and accounts whose rate has really changed lately."""
    rates: dict[Subject, list[float]] = defaultdict(lambda: [0.0] * _WEEKS)
    total = [0.0] * _WEEKS
    for span in engagement:
        subjects: list[Subject] = []
        if span.contact:
            subjects.append((RecordKind.CONTACT, span.contact))
        if span.account:
            subjects.append((RecordKind.ACCOUNT, span.account))
        for week in range(_WEEKS):
            days = _days_in(span, now - _WEEK * (week + 1), now - _WEEK * week)
            if days:
                total[week] += days
                for subject in subjects:
                    rates[subject][week] += days
    holds, unsettled = set(), set()
    for subject, weekly in rates.items():
        change = _likeliest_change(weekly, total)
        was_known = sum(weekly[_NEWS.stop :]) > 0
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


def _likeliest_change(weekly: Sequence[float], total: Sequence[float]) -> _Change | None:
    """The week whose two sides differ most, held against the company's whole; newest week first."""
    best: _Change | None = None
    everything = sum(weekly) / sum(total) if sum(total) else 0.0
    for weeks in range(1, _WEEKS):
        after, before = sum(weekly[:weeks]), sum(weekly[weeks:])
        after_total, before_total = sum(total[:weeks]), sum(total[weeks:])
        if not everything or not after_total or not before_total:
            continue
        evidence = _gain(after, after_total * everything) + _gain(before, before_total * everything)
        factor = (after / after_total + 1e-9) / (before / before_total + 1e-9)
        if best is None or evidence > best.evidence:
            best = _Change(weeks, math.log(factor), evidence)
    return best


def _gain(count: float, expected: float) -> float:
    return count * math.log(count / expected) if count else 0.0
