"""Pure decisions about suggestions: rank, confidence, when they run out."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

from apps.suggestions.enums import MOVES, Segment, State

# An undecided suggestion runs out after two weeks: by then its reason has changed.
LIFETIME = timedelta(days=14)

# For each goal and owner suggestions are made so many days ahead of what a person gets in a day, enough for a
# long weekend. What an import of thousands of records calls for beyond that stays signals, and is taken up as
# the queue drains.
DAYS_AHEAD = 4

# Upper bounds of the segments: powers of ten, as sales teams speak of deals.
_SEGMENTS = (
    (Segment.SMALL, Decimal(1_000)),
    (Segment.MIDDLE, Decimal(10_000)),
    (Segment.LARGE, Decimal(100_000)),
)


def sources_of(after: State) -> list[State]:
    """The states from which a suggestion may come to this one."""
    return [before for before, targets in MOVES.items() if after in targets]


def segment_of(value_at_stake: Decimal | None) -> Segment:
    """The segment of what is at stake."""
    if value_at_stake is None:
        return Segment.UNKNOWN
    return next((segment for segment, below in _SEGMENTS if value_at_stake < below), Segment.HUGE)


def most_pending(*, per_day: int) -> int:
    """How many suggestions of one goal may be pending for one owner's records."""
    return DAYS_AHEAD * per_day


def most_quiet(most_pending: int) -> int:
    """How many of a goal and owner may be pending that are quiet: a day's worth, for the trials."""
    return most_pending // DAYS_AHEAD


def edition_after(refreshed_at: datetime, now: datetime) -> datetime:
    """The moment that names a new edition: never that of the one before, which somebody may have read.

    A person may have written one while a model was being asked, and clocks are set back.
    """
    return max(now, refreshed_at + timedelta(microseconds=1))


def rank(*, value_at_stake: Decimal | None, urgency: int, acceptance: float) -> float:
    """Return the place in the queue, larger first: value × urgency × acceptance.

    The value enters by its logarithm: a deal ten times as large comes first among equals, but does not push
    everything else out of the day.
    """
    return _weight_of(value_at_stake) * urgency * acceptance


def acceptance_in(rank: float, *, value_at_stake: Decimal | None, urgency: int) -> float:
    """The acceptance that a rank was made of, 0 to 1."""
    return rank / (_weight_of(value_at_stake) * urgency)


def _weight_of(value_at_stake: Decimal | None) -> float:
    return 1 + math.log10(1 + max(float(value_at_stake or 0), 0.0))
